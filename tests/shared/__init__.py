"""Tests of the store that several processes share."""

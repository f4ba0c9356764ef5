"""Tests of the engine: matching, picking, composing."""

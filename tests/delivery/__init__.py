"""Tests of delivery: clocks, pace, and the one place that sends."""

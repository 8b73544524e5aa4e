"""Tests of graph.exposure."""

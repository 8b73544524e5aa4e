"""Tests of graph.adhoc."""

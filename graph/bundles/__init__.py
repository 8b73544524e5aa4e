"""Graphs in and out, as bundles."""

"""Mutations of the graph."""

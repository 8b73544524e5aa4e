"""Inference on numbers and arrays, independent of the database."""

"""Reads what clients select."""

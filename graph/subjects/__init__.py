"""Subjects and relationships, one at a time."""

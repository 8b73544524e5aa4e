"""Upserts and deletions of single nodes and relationships."""

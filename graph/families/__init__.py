"""Families of claims: one event by several dates, or outcomes that exclude each other."""

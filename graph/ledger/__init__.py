"""Beliefs and evidence."""

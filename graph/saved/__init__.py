"""Saved queries: named statements with typed parameters, kept in versions, and those that come with the project."""

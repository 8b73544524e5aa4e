"""Saved queries over HTTP: as tables for programs and spreadsheets, and as pages for people."""

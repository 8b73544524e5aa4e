"""The schema's types."""

"""What can be written."""

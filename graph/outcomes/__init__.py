"""What became of claims and milestones."""

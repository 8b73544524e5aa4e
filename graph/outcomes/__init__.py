"""Outcomes: the resolution of claims, the observation of milestones, and the sweep that finds overdue ones."""

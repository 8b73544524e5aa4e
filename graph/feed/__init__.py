"""The feed of changes: what every write has changed, in the order of commits, for whoever follows it."""

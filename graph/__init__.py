"""What the service knows: models, units of work, and what is computed over the graph."""

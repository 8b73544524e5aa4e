"""Import and export of graphs as bundles."""

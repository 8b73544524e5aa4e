"""Pictures of the graph as SVG: readable on light and dark pages, and the same for one graph and moment."""

"""What the graph holds: kinds, values, rows, the bundle, and one declaration for each label and relation."""

"""The data model: kinds, values, rows, the bundle, and one declaration for each label and relation."""

"""Numbers and arrays in, numbers and arrays out; nothing here knows a database."""

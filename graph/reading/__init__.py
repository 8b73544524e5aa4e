"""Reading: from a client's selection to one statement a level, and to its answer as plain dicts."""

"""Who may what: keys and tokens, the roles that doors need, and how callers are refused."""

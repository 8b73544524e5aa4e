"""Access: keys and tokens, the roles that doors need, and refusals of callers."""

"""Webhooks: rows of scheduled queries, signed and sent to receivers that the operator allows."""

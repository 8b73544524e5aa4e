"""Beliefs and evidence: each claim's append-only ledger, and the values derived from it."""

"""Statements that analysts write: judged before they run, and run within limits."""

"""Subscriptions over WebSocket (graphql-transport-ws) and server-sent events (distinct connections mode)."""

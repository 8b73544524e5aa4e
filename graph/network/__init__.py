"""The joint model, live."""

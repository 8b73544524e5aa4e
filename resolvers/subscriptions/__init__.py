"""Events that subscribers can follow."""

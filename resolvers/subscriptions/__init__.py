"""What subscribers can follow."""

"""What resolvers share; nothing of a subject."""

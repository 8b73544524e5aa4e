"""Parts that all resolvers share; nothing about a particular subject."""

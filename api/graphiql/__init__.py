"""GraphiQL, the page on which people try queries; its parts come from the cache of jars, and none from the internet."""

"""Evidence in bulk: over HTTP and from files, by the rules of the mutations."""

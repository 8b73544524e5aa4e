// The revision of the graph that a claim's marginal was computed at, by which a later run is told from an earlier one.
CALL db.createProperty('marginal_revision');

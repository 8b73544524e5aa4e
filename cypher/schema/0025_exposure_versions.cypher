// Versions of exposures are nodes of the label Version, found by its constraint: those of one ticker lie together.
CALL db.createProperty('relevance');
CALL db.createProperty('impact');
CALL db.createProperty('lag_days');

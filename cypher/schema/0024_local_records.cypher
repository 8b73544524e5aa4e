// Predictors' records by the outcomes in this graph. The server warns of names that it does not know.
CALL db.createProperty('local_record');

// Properties that statements name before anything has them. The server warns of names that it does not know.
CALL db.createProperty('country');
CALL db.createProperty('currency');
CALL db.createProperty('impact_high');
CALL db.createProperty('impact_low');
CALL db.createProperty('is_restore');
CALL db.createProperty('query');
CALL db.createProperty('sealed_url');

// Versions of resolved predictions by reference class and moment of recording, by which a class's outcomes of the past are found.
CREATE INDEX version_class_record_key IF NOT EXISTS FOR (n:Version) ON (n.class_record_key);
CALL db.createProperty('class_record_key');

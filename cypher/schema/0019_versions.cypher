// Versions of what beliefs depend on: by their own ids, in which a node's versions come in the order of recording, and those of
// resolved predictions by predictor and moment of recording.
CREATE CONSTRAINT version_id IF NOT EXISTS FOR (n:Version) REQUIRE n.id IS UNIQUE;
CREATE INDEX version_record_key IF NOT EXISTS FOR (n:Version) ON (n.record_key);
CALL db.createProperty('retracts_id');
CALL db.createProperty('subject');
CALL db.createProperty('subject_id');
CALL db.createProperty('owner_id');
CALL db.createProperty('number');
CALL db.createProperty('valid_at');
CALL db.createProperty('is_reconstructed');
CALL db.createProperty('is_deleted');
CALL db.createProperty('versioned_at');
CALL db.createProperty('num_versions');
CALL db.createProperty('final_log_odds');
CALL db.createProperty('final_base_rate');
CALL db.createProperty('final_class_id');
CALL db.createProperty('final_trf');

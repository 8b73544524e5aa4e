// Which claims each revision changed, by which a network in memory follows writes without being read again.
CREATE CONSTRAINT change_revision IF NOT EXISTS FOR (n:Change) REQUIRE n.revision IS UNIQUE;
CALL db.createProperty('claim_ids');
CALL db.createProperty('child_ids');
CALL db.createProperty('revised_at');
CALL db.createProperty('propagation_seconds');
CALL db.createProperty('leased_until');

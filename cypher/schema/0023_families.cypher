// Families of claims: each row by its own key, in which those of one family come in the order of recording.
CREATE CONSTRAINT claim_family_id IF NOT EXISTS FOR (n:ClaimFamily) REQUIRE n.id IS UNIQUE;
CALL db.createProperty('is_exhaustive');
CALL db.createProperty('member_claim_id');
CALL db.createProperty('member_role');

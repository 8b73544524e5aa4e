// A reference class that ledger rows name stays, so they are found by it.
CREATE INDEX evidence_reference_class_id IF NOT EXISTS FOR (n:Evidence) ON (n.reference_class_id);

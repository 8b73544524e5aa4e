// What a backup needs: which rows a revision changed besides claims and influences, the receipts of the last minutes, and where an
// import that was interrupted stands.
CREATE INDEX receipt_recorded_at IF NOT EXISTS FOR (n:Receipt) ON (n.recorded_at);
CALL db.createProperty('row_ids');
CALL db.createProperty('num_rows');
CALL db.createProperty('num_rows_done');

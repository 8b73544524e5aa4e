// The claims that ledger rows are on, in one record: row and claim. $ids: the rows.
UNWIND $ids AS id
MATCH (evidence:Evidence {id: id})
RETURN collect([evidence.id, evidence.claim_id]) AS entries

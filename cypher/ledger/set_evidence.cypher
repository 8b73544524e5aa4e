// Sets properties of ledger rows. $rows: `id` and `properties`, an absent one as null.
UNWIND $rows AS row
MATCH (evidence:Evidence {id: row.id})
SET evidence += row.properties
RETURN count(evidence) AS num_rows

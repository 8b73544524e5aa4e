// A page of ledger rows by id, with their items as an older version stored them: JSON in text. $after: the last id of the page
// before, '' at first. $limit: rows.
MATCH (evidence:Evidence)
WHERE evidence.id > $after
WITH evidence
ORDER BY evidence.id
LIMIT $limit
RETURN evidence.id AS id, evidence.contributions AS text
ORDER BY id

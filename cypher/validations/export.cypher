// A page of all validations by id in one record, with its last id. $after: the last id of the page before, '' at first. $limit: rows.
MATCH (validation:Validation)
USING INDEX SEEK validation:Validation(id)
WHERE validation.id > $after
WITH validation
ORDER BY validation.id
LIMIT $limit
RETURN collect(properties(validation)) AS rows, max(validation.id) AS last_key

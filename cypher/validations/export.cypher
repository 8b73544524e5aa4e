// A page of all validations by id. $after: the last id of the page before, '' at first. $limit: rows.
MATCH (validation:Validation)
WHERE validation.id > $after
RETURN validation.id AS key, properties(validation) AS row
ORDER BY key
LIMIT $limit

// A page of all reference classes by id in one record, with its last id. $after: the last id of the page before, '' at first. $limit: rows.
MATCH (class:ReferenceClass)
USING INDEX SEEK class:ReferenceClass(id)
WHERE class.id > $after
WITH class
ORDER BY class.id
LIMIT $limit
RETURN collect(properties(class)) AS rows, max(class.id) AS last_key

// A page of all reference classes by id. $after: the last id of the page before, '' at first. $limit: rows.
MATCH (class:ReferenceClass)
WHERE class.id > $after
RETURN class.id AS key, properties(class) AS row
ORDER BY key
LIMIT $limit

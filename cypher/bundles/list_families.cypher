// Rows of families as they are stored, in one row. $ids: the rows.
UNWIND $ids AS id
MATCH (family:ClaimFamily {id: id})
RETURN collect(properties(family)) AS rows

// Number of names that families have or had.
MATCH (family:ClaimFamily)
USING INDEX SEEK family:ClaimFamily(id)
WHERE family.id > ''
RETURN count(DISTINCT family.name) AS num_families

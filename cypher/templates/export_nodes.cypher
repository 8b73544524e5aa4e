// A page of all #label nodes by #key in one record, with its last key. $after: the last key of the page before, '' at
// first. $limit: rows.
MATCH (node:#walked)
USING INDEX SEEK node:#walked(#key)
WHERE node.#key > $after AND node:#label
WITH node
ORDER BY node.#key
LIMIT $limit
RETURN collect(properties(node)) AS rows, max(node.#key) AS last_key

// All #label nodes by #key and #number in one record, with the last key; there are few. $after: the last key of the
// page before, '' at first. $limit is taken as it is by the other pages.
MATCH (node:#label)
WHERE node.#key > $after AND node.#number > 0
WITH node
ORDER BY node.#key, node.#number
RETURN collect(properties(node)) AS rows, max(node.#key) AS last_key

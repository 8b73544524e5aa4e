// Appends a version of each #label of which a value differs from its latest version, or that has none. Returns which of those
// that changed have several.
// $ids: their ids. $names: the properties whose changes are recorded. $at: the moment of recording, in microseconds; a version
// comes after the last one in any case. $subject: the kind, with which the ids of the versions begin.
#each nodes
// Notes on the node how many it has, and since when the latest is recorded; a node that lacks the note counts as changed.
#end
#each edges
// $is_reconstructed: whether a first version stands for the time before it as well.
#end
UNWIND $ids AS id
#each nodes
MATCH (node:#label {id: id})
#end
#each edges
WITH id, split(id, '|') AS key
MATCH (source:#source {#source_key: key[1]})
CALL (key) {
  MATCH (target:#target {#target_key: key[2]})
  RETURN target
}
MATCH (source)-[node:#types]->(target)
WHERE type(node) = key[0]
#end
WITH node, id, $subject + '!'
#each owners
  + node.#owner + '!'
#end
  + id AS anchor
CALL (anchor) {
  OPTIONAL MATCH (last:Version)
  USING INDEX SEEK last:Version(id)
  WHERE last.id > anchor + '!' AND last.id < anchor + '"'
  RETURN last
  ORDER BY last.id DESC
  LIMIT 1
}
WITH node, id, anchor, last, last IS NULL OR coalesce(last.is_deleted, false) OR any(name IN $names
  WHERE NOT coalesce(node[name] = last[name], node[name] IS NULL AND last[name] IS NULL)) AS is_new,
  last.recorded_at.epochMillis * 1000 + last.recorded_at.microsecond % 1000 AS before
WITH node, id, anchor, last, is_new, CASE WHEN before >= $at THEN before + 1 ELSE $at END AS at,
  coalesce(last.number, 0) + CASE WHEN is_new THEN 1 ELSE 0 END AS number
WHERE is_new
#each nodes
  OR node.num_versions IS NULL OR node.num_versions <> number
#end
WITH node, id, anchor, is_new, at, number, CASE
  WHEN is_new THEN datetime({epochSeconds: at / 1000000, nanosecond: at % 1000000 * 1000})
  ELSE last.recorded_at
END AS recorded_at
#each nodes
SET node.versioned_at = recorded_at, node.num_versions = number
WITH node, id, anchor, is_new, at, number, recorded_at
#end
CALL (node, id, anchor, is_new, at, number, recorded_at) {
  WITH node, id, anchor, is_new, at, number, recorded_at
  WHERE is_new
  CREATE (version:Version {id: anchor + '!' + toString(at)})
  SET version.subject = $subject, version.subject_id = id, version.number = number, version.recorded_at = recorded_at,
    version.valid_at = recorded_at
#each owners
  SET version.owner_id = node.#owner
#end
#each moments
  SET version.valid_at = coalesce(node.#valid_at, recorded_at)
#end
#each edges
  SET version.is_reconstructed = CASE WHEN $is_reconstructed AND number = 1 THEN true END
#end
#each properties
  SET version.#property = node.#property
#end
#each outcomes
  SET version.record_key = CASE
    WHEN node.#status IN ['RESOLVED_TRUE', 'RESOLVED_FALSE'] AND node.#stated IS NOT NULL
    THEN node.#predictor + '!' + toString(at) + '!' + node.id
  END, version.class_record_key = CASE
    WHEN node.#status IN ['RESOLVED_TRUE', 'RESOLVED_FALSE'] THEN node.#class + '!' + toString(at) + '!' + node.id
  END
#end
}
RETURN collect(CASE WHEN number > 1 THEN id END) AS revised

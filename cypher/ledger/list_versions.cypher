// All versions of nodes, in the order of recording: a record each. $nodes: `id`, and `low` and `high`, between which the ids of its
// versions lie.
UNWIND $nodes AS asked
CALL (asked) {
  MATCH (version:Version)
  USING INDEX SEEK version:Version(id)
  WHERE version.id > asked.low AND version.id < asked.high
  WITH version
  ORDER BY version.id
  RETURN collect(properties(version)) AS versions
}
RETURN asked.id AS id, versions

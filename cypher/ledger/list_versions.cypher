// All versions of nodes, in the order of the nodes and of recording, in one record of columns: the node's place in $nodes, and the properties;
// moments in microseconds, which cost a client a hundredth of what its datetimes do. $nodes: `index`, and `low` and `high`, between which
// the ids of its versions lie; $names and $moments: properties, these with moments.
UNWIND $nodes AS asked
CALL (asked) {
  MATCH (version:Version)
  USING INDEX SEEK version:Version(id)
  WHERE version.id > asked.low AND version.id < asked.high
  WITH properties(version) AS own
  ORDER BY own.id
  RETURN collect([asked.index] + [name IN $names | own[name]]
    + [name IN $moments | own[name].epochMillis * 1000 + own[name].microsecond % 1000]) AS versions
}
WITH asked, versions
ORDER BY asked.index
UNWIND versions AS version
WITH collect(version) AS versions
RETURN [place IN range(0, size($names) + size($moments)) | [version IN versions | version[place]]] AS columns

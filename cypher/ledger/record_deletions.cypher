// Appends a version of each deleted node that says so, after its last one. $rows: `subject`, `id`, `owner` (null without one) and
// `anchor`, which the ids of its versions begin with. $at: the moment of recording, in microseconds. Returns how many were appended.
UNWIND $rows AS row
CALL (row) {
  MATCH (last:Version)
  USING INDEX SEEK last:Version(id)
  WHERE last.id > row.anchor + '!' AND last.id < row.anchor + '"'
  RETURN last
  ORDER BY last.id DESC
  LIMIT 1
}
WITH row, last, last.recorded_at.epochMillis * 1000 + last.recorded_at.microsecond % 1000 AS before
WITH row, last.number + 1 AS number, CASE WHEN before >= $at THEN before + 1 ELSE $at END AS at
WITH row, number, at, datetime({epochSeconds: at / 1000000, nanosecond: at % 1000000 * 1000}) AS recorded_at
CREATE (version:Version {id: row.anchor + '!' + toString(at), subject: row.subject, subject_id: row.id, number: number,
  valid_at: recorded_at, recorded_at: recorded_at, is_deleted: true})
SET version.owner_id = row.owner
RETURN count(version) AS num_versions

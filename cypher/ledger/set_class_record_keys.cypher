// Sets the keys by reference class of a page of claims' versions that lack them. $after: the last id of the page before, 'CLAIM!' at
// first. $limit: versions.
MATCH (version:Version)
USING INDEX SEEK version:Version(id)
WHERE version.id > $after AND version.id < 'CLAIM"'
WITH version
ORDER BY version.id
LIMIT $limit
WITH version, version.id AS id
CALL (version, id) {
  WITH version, id
  WHERE version.class_record_key IS NULL AND version.reference_class_id IS NOT NULL
    AND version.status IN ['RESOLVED_TRUE', 'RESOLVED_FALSE']
  SET version.class_record_key = version.reference_class_id + '!' + split(id, '!')[2] + '!' + version.subject_id
}
RETURN collect(id) AS ids

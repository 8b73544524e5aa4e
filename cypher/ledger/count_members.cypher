// How many members of reference classes have an outcome that had come by one moment and was recorded by another, and how many of these
// came true: a record each. $asked: `index`, `id` (of the class), `as_of` and `known` (in microseconds, as text of 16 digits).
UNWIND $asked AS asked
CALL (asked) {
  MATCH (counted:Version)
  USING INDEX SEEK counted:Version(class_record_key)
  WHERE counted.class_record_key > asked.id + '!' AND counted.class_record_key < asked.id + '"'
  WITH DISTINCT asked, counted.subject_id AS id
  WITH asked, 'CLAIM!' + id AS anchor
  CALL (asked, anchor) {
    MATCH (version:Version)
    USING INDEX SEEK version:Version(id)
    WHERE version.id > anchor + '!' AND version.id < anchor + '!' + asked.known + '"'
    WITH version
    ORDER BY version.id DESC
    LIMIT 1
    RETURN version.status AS status, version.resolved_at AS resolved_at, version.reference_class_id AS class_id
  }
  WITH asked, status, resolved_at, class_id
  WHERE class_id = asked.id AND resolved_at <= asked.as_of AND status IN ['RESOLVED_TRUE', 'RESOLVED_FALSE']
  RETURN count(status) AS num_resolved, count(CASE WHEN status = 'RESOLVED_TRUE' THEN 1 END) AS num_true
}
RETURN asked.index AS index, num_true, num_resolved
ORDER BY index

// Outcomes of reference classes' members that had come by one moment, by what was recorded by another, as `list_member_outcomes` has
// them, and the class's base rate: a record each. Before the first record of a prediction or class, the first serves.
// $asked: `index`, `id` (of the class), `as_of` (the moment), `known` (the other one in microseconds, as text of 16 digits).
UNWIND $asked AS asked
CALL (asked) {
  MATCH (counted:Version)
  USING INDEX SEEK counted:Version(class_record_key)
  WHERE counted.class_record_key > asked.id + '!' AND counted.class_record_key < asked.id + '"'
  WITH DISTINCT asked, counted.subject_id AS id
  WITH asked, id, 'CLAIM!' + id AS anchor
  WITH asked, id, head(COLLECT {
      MATCH (version:Version)
      USING INDEX SEEK version:Version(id)
      WHERE version.id > anchor + '!' AND version.id < anchor + '!' + asked.known + '"'
      RETURN version
      ORDER BY version.id DESC
      LIMIT 1
    }) AS latest, head(COLLECT {
      MATCH (version:Version)
      USING INDEX SEEK version:Version(id)
      WHERE version.id > anchor + '!' AND version.id < anchor + '"'
      RETURN version
      ORDER BY version.id
      LIMIT 1
    }) AS first
  WITH asked, id, coalesce(latest, first) AS version, latest IS NULL OR coalesce(latest.is_reconstructed, false) AS is_early
  WHERE version.class_record_key IS NOT NULL AND version.reference_class_id = asked.id AND version.resolved_at <= asked.as_of
  WITH version, is_early,
    CASE WHEN version.deadline > version.resolved_at THEN version.deadline ELSE version.resolved_at END AS counted_at
  ORDER BY counted_at, version.subject_id
  RETURN collect([version.status = 'RESOLVED_TRUE', counted_at.epochMillis * 1000 + counted_at.microsecond % 1000]) AS outcomes,
    any(found IN collect(is_early) WHERE found) AS is_early
}
WITH asked, outcomes, is_early, 'REFERENCE_CLASS!' + asked.id AS anchor
WITH asked, outcomes, is_early, head(COLLECT {
    MATCH (version:Version)
    USING INDEX SEEK version:Version(id)
    WHERE version.id > anchor + '!' AND version.id < anchor + '!' + asked.known + '"'
    RETURN version
    ORDER BY version.id DESC
    LIMIT 1
  }) AS latest, head(COLLECT {
    MATCH (version:Version)
    USING INDEX SEEK version:Version(id)
    WHERE version.id > anchor + '!' AND version.id < anchor + '"'
    RETURN version
    ORDER BY version.id
    LIMIT 1
  }) AS first
RETURN asked.index AS index, outcomes, coalesce(latest, first).base_rate AS base_rate,
  is_early OR latest IS NULL OR coalesce(latest.is_reconstructed, false) AS is_early
ORDER BY index

// A predictor's predictions that had an outcome at a moment, by what was recorded by another, as `list_records` has them, and the record kept
// elsewhere: a record each. Before the first record of a prediction or predictor, the first serves.
// $asked: `index`, `id` (of the predictor), `as_of` (the moment), `known` (the other one in microseconds, as text of 16 digits).
UNWIND $asked AS asked
CALL (asked) {
  MATCH (counted:Version)
  USING INDEX SEEK counted:Version(record_key)
  WHERE counted.record_key > asked.id + '!' AND counted.record_key < asked.id + '"'
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
  WHERE version.record_key IS NOT NULL AND version.predictor_id = asked.id AND version.resolved_at <= asked.as_of
  WITH version, is_early
  ORDER BY version.resolved_at, version.subject_id
  RETURN collect([version.stated_probability, version.status = 'RESOLVED_TRUE',
      version.resolved_at.epochMillis * 1000 + version.resolved_at.microsecond % 1000, version.from_year,
      version.window_start.epochMillis * 1000 + version.window_start.microsecond % 1000,
      version.window_end.epochMillis * 1000 + version.window_end.microsecond % 1000,
      version.deadline.epochMillis * 1000 + version.deadline.microsecond % 1000,
      version.reference_class_id]) AS outcomes,
    any(found IN collect(is_early) WHERE found) AS is_early
}
WITH asked, outcomes, is_early, 'PREDICTOR!' + asked.id AS anchor
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
WITH asked, outcomes, is_early, latest, coalesce(latest, first) AS version
RETURN asked.index AS index, outcomes,
  version {.record_kappa, .record_brier, .record_n_resolved, .record_source} AS elsewhere,
  is_early OR latest IS NULL OR coalesce(latest.is_reconstructed, false) AS is_early
ORDER BY index

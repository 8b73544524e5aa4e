// What claims' beliefs followed from by some moment, as it was recorded by then or, before the first record, at first: a record for
// each claim that has versions. $asked: `index`, `id` (of the claim), `by` (the moment in microseconds, as text of 16 digits),
// `low` and `high` (between which the keys of its ledger by then lie). Moments are in microseconds, which cost a client a
// hundredth of what its datetimes do.
UNWIND $asked AS asked
WITH asked, 'CLAIM!' + asked.id AS anchor
WITH asked, head(COLLECT {
    MATCH (version:Version)
    USING INDEX SEEK version:Version(id)
    WHERE version.id > anchor + '!' AND version.id < anchor + '!' + asked.by + '"'
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
WITH asked, coalesce(latest, first) AS version, latest IS NULL OR coalesce(latest.is_reconstructed, false) AS is_early
WHERE version IS NOT NULL
WITH asked, version, is_early, 'REFERENCE_CLASS!' + version.reference_class_id AS anchor
WITH asked, version, is_early, head(COLLECT {
    MATCH (class:Version)
    USING INDEX SEEK class:Version(id)
    WHERE class.id > anchor + '!' AND class.id < anchor + '!' + asked.by + '"'
    RETURN class
    ORDER BY class.id DESC
    LIMIT 1
  }) AS latest, head(COLLECT {
    MATCH (class:Version)
    USING INDEX SEEK class:Version(id)
    WHERE class.id > anchor + '!' AND class.id < anchor + '"'
    RETURN class
    ORDER BY class.id
    LIMIT 1
  }) AS first
WITH asked, version, coalesce(latest, first) AS class,
  is_early OR first IS NOT NULL AND (latest IS NULL OR coalesce(latest.is_reconstructed, false)) AS is_early
RETURN asked.index AS index, version {.stated_probability, .status, .from_year, .reference_class_id, .predictor_id,
    .intercept_effect, .slope_effect,
    resolved_at: version.resolved_at.epochMillis * 1000 + version.resolved_at.microsecond % 1000,
    window_start: version.window_start.epochMillis * 1000 + version.window_start.microsecond % 1000,
    window_end: version.window_end.epochMillis * 1000 + version.window_end.microsecond % 1000,
    deadline: version.deadline.epochMillis * 1000 + version.deadline.microsecond % 1000} AS version, class.base_rate AS base_rate, is_early,
  coalesce(head(COLLECT {
    MATCH (setting:Version)
    USING INDEX SEEK setting:Version(id)
    WHERE setting.id > 'GRAPH!graph!' AND setting.id < 'GRAPH!graph!' + asked.by + '"'
    WITH setting
    ORDER BY setting.id DESC
    LIMIT 1
    RETURN [setting.policy, setting.timing_short, setting.timing_long,
      setting.recorded_at.epochMillis * 1000 + setting.recorded_at.microsecond % 1000]
  }), head(COLLECT {
    MATCH (setting:Version)
    USING INDEX SEEK setting:Version(id)
    WHERE setting.id > 'GRAPH!graph!' AND setting.id < 'GRAPH!graph"'
    WITH setting
    ORDER BY setting.id
    LIMIT 1
    RETURN [setting.policy, setting.timing_short, setting.timing_long,
      setting.recorded_at.epochMillis * 1000 + setting.recorded_at.microsecond % 1000]
  })) AS setting,
  head(COLLECT {
    MATCH (row:Evidence)
    USING INDEX SEEK row:Evidence(ledger_key)
    WHERE row.ledger_key > asked.low AND row.ledger_key < asked.high
    RETURN [row.inside_log_odds, coalesce(row.check_in_log_odds, 0.0)]
    ORDER BY row.ledger_key DESC
    LIMIT 1
  }) AS ledger
ORDER BY index

// The settings of the graph recorded by moments, or the first one; a record for each moment, null in a graph without any;
// policy, shares, and when it was recorded, in microseconds.
// $moments: microseconds, as text of 16 digits.
UNWIND range(0, size($moments) - 1) AS index
RETURN index, coalesce(head(COLLECT {
    MATCH (version:Version)
    USING INDEX SEEK version:Version(id)
    WHERE version.id > 'GRAPH!graph!' AND version.id < 'GRAPH!graph!' + $moments[index] + '"'
    WITH version
    ORDER BY version.id DESC
    LIMIT 1
    RETURN [version.policy, version.timing_short, version.timing_long,
      version.recorded_at.epochMillis * 1000 + version.recorded_at.microsecond % 1000]
  }), head(COLLECT {
    MATCH (version:Version)
    USING INDEX SEEK version:Version(id)
    WHERE version.id > 'GRAPH!graph!' AND version.id < 'GRAPH!graph"'
    WITH version
    ORDER BY version.id
    LIMIT 1
    RETURN [version.policy, version.timing_short, version.timing_long,
      version.recorded_at.epochMillis * 1000 + version.recorded_at.microsecond % 1000]
  })) AS setting
ORDER BY index

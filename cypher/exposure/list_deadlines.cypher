// Deadlines of claims as recorded by a moment or, before the first record, at first, in one record: their ids, and seconds
// since 1970, null without a deadline. $ids: claims; $by: the moment in microseconds, as text of 16 digits.
UNWIND $ids AS id
WITH id, 'CLAIM!' + id AS anchor
WITH id, head(COLLECT {
    MATCH (version:Version)
    USING INDEX SEEK version:Version(id)
    WHERE version.id > anchor + '!' AND version.id < anchor + '!' + $by + '"'
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
WITH collect([id, coalesce(latest, first).deadline.epochSeconds]) AS pairs
RETURN [pair IN pairs | pair[0]] AS ids, [pair IN pairs | pair[1]] AS deadlines

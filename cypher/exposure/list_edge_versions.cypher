// Exposures of tickers as they were recorded: a record for each symbol, with the properties of the ticker, null where there is none,
// and columns with an entry for each version, those that $names has: `since` when it holds, in microseconds since 1970, $start at the
// earliest; `is_early`, whether it was recorded later than that; `is_deleted`, whether the exposure was deleted; and as `list_edges` has
// them the prediction's id, the sign, relevance, impact and lag in days, the prediction's domain of now, and the impact's range. Of each
// exposure the latest one by $start and those until $end, and the first one where that stands for the time before it.
// $tickers: `symbol`, and `low` and `high`, between which the ids of the versions of its exposures lie.
UNWIND $tickers AS asked
CALL (asked) {
  MATCH (version:Version)
  USING INDEX SEEK version:Version(id)
  WHERE version.id > asked.low AND version.id < asked.high
  WITH properties(version) AS version
  ORDER BY version.id
  WITH version.subject_id AS id, collect(version) AS versions
  WITH split(id, '|') AS key, versions, size([version IN versions WHERE version.recorded_at <= $start]) AS num_before
  OPTIONAL MATCH (claim:Claim {id: key[1]})
  UNWIND versions[CASE WHEN num_before = 0 THEN 0 ELSE num_before - 1 END..] AS version
  WITH claim, key, version
  WHERE version.recorded_at <= $end OR version.is_reconstructed
  WITH claim, key, version, CASE
    WHEN version.is_reconstructed OR version.recorded_at < $start THEN $start
    ELSE version.recorded_at
  END AS since
  RETURN collect({since: since.epochMillis * 1000 + since.microsecond % 1000, is_early: version.recorded_at > since,
    is_deleted: coalesce(version.is_deleted, false), claim_ids: key[1], signs: key[0], relevances: version.relevance,
    impacts: version.impact, lag_days: version.lag_days, domain_ids: claim.domain_id, lows: version.impact_low,
    highs: version.impact_high}) AS edges
}
OPTIONAL MATCH (ticker:Ticker {symbol: asked.symbol})
RETURN asked.symbol AS symbol, ticker.exchange AS exchange, ticker.sector AS sector, ticker.country AS country,
  ticker.currency AS currency, ticker IS NOT NULL AS is_known, [name IN $names | [edge IN edges | edge[name]]] AS columns

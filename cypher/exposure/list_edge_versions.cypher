// Exposures of tickers as they were recorded: a record for each symbol, with the properties of the ticker, null where there is none,
// and a list with an entry for each version: since when it holds, $start at the earliest; whether it was recorded later than that;
// whether the exposure was deleted; and as `list_edges` has them the prediction's id, the sign, relevance, impact and lag in days,
// a null for the prediction's deadline, its domain of now, and the impact's range. Of each exposure the latest one by $start and those until
// $end, and the first one where that stands for the time before it.
// $tickers: `id`, and `low` and `high`, between which the ids of the versions of its exposures lie.
UNWIND $tickers AS asked
CALL (asked) {
  MATCH (version:Version)
  USING INDEX SEEK version:Version(id)
  WHERE version.id > asked.low AND version.id < asked.high
  WITH version
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
  RETURN collect([since, version.recorded_at > since, coalesce(version.is_deleted, false), key[1], key[0], version.relevance,
    version.impact, version.lag_days, null, claim.domain_id, version.impact_low, version.impact_high
  ]) AS edges
}
OPTIONAL MATCH (ticker:Ticker {symbol: asked.symbol})
RETURN asked.symbol AS symbol, ticker.exchange AS exchange, ticker.sector AS sector, ticker.country AS country,
  ticker.currency AS currency, ticker IS NOT NULL AS is_known, edges

// Claims with their forecasts: a record for each claim there is, with what a consensus starts from and all forecasts that were recorded
// by some moment. $claims: `id`, and `moment`, the latest recording.
UNWIND range(0, size($claims) - 1) AS index
WITH index, $claims[index] AS asked
MATCH (claim:Claim {id: asked.id})
RETURN index, properties(claim) AS claim,
  COLLECT {
    MATCH (claim)<-[forecast:FORECASTS]-(predictor:Predictor)
    WHERE forecast.recorded_at <= asked.moment
    RETURN forecast {.*, predictor_kind: predictor.kind}
  } AS forecasts
ORDER BY index

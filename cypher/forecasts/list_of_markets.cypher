// Forecasts by markets on claims: a record for each claim there is, with all that were recorded by a moment, retractions
// included. $ids: the claims'; $moment: the latest recording.
UNWIND $ids AS id
MATCH (claim:Claim {id: id})
RETURN {id: id} AS claim,
  COLLECT {
    MATCH (claim)<-[forecast:FORECASTS]-(predictor:Predictor)
    WHERE predictor.kind = 'MARKET' AND forecast.recorded_at <= $moment
    RETURN forecast {.*, predictor_kind: predictor.kind}
  } AS forecasts
ORDER BY id

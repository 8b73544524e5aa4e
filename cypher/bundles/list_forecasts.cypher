// Forecasts as they are stored, in one row. $ids: forecasts.
CALL () {
  UNWIND $ids AS id
  MATCH ()-[forecast:FORECASTS]->()
  USING INDEX SEEK forecast:FORECASTS(id)
  WHERE forecast.id = id
  RETURN forecast
}
RETURN collect(properties(forecast)) AS rows

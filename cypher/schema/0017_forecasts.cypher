// Forecasts are relationships of which there are many between a predictor and a claim: each has a key of its own, and pages of both ends
// are in the order of the moments at which they were stated.
CREATE CONSTRAINT forecast_id IF NOT EXISTS FOR ()-[r:FORECASTS]-() REQUIRE r.id IS UNIQUE;
CREATE INDEX forecasts_forecast_key IF NOT EXISTS FOR ()-[r:FORECASTS]-() ON (r.forecast_key);
CREATE INDEX forecasts_predictor_forecast_key IF NOT EXISTS FOR ()-[r:FORECASTS]-() ON (r.predictor_forecast_key);
CALL db.createProperty('cluster');
CALL db.createProperty('retracts');

// Pages are walked in the order of one range index: each key is the anchor's id, the sort key and the row's own id,
// so a page costs by its size, whatever the anchor's degree. `graph/keys.py` makes them.
CREATE INDEX prediction_deadline_key IF NOT EXISTS FOR (n:Prediction) ON (n.deadline_key);
CREATE INDEX prediction_status_deadline_key IF NOT EXISTS FOR (n:Prediction) ON (n.status_deadline_key);
CREATE INDEX prediction_domain_deadline_key IF NOT EXISTS FOR (n:Prediction) ON (n.domain_deadline_key);
CREATE INDEX prediction_predictor_deadline_key IF NOT EXISTS FOR (n:Prediction) ON (n.predictor_deadline_key);
CREATE INDEX prediction_class_deadline_key IF NOT EXISTS FOR (n:Prediction) ON (n.class_deadline_key);
CREATE INDEX prediction_probability_key IF NOT EXISTS FOR (n:Prediction) ON (n.probability_key);
CREATE INDEX prediction_status_probability_key IF NOT EXISTS FOR (n:Prediction) ON (n.status_probability_key);
CREATE INDEX prediction_domain_probability_key IF NOT EXISTS FOR (n:Prediction) ON (n.domain_probability_key);
CREATE INDEX prediction_predictor_probability_key IF NOT EXISTS FOR (n:Prediction) ON (n.predictor_probability_key);
CREATE INDEX prediction_class_probability_key IF NOT EXISTS FOR (n:Prediction) ON (n.class_probability_key);
CREATE INDEX prediction_episode_deadline_key IF NOT EXISTS FOR (n:Prediction) ON (n.episode_deadline_key);
CREATE INDEX milestone_chain_key IF NOT EXISTS FOR (n:Milestone) ON (n.chain_key);
CREATE INDEX evidence_ledger_key IF NOT EXISTS FOR (n:Evidence) ON (n.ledger_key);
CREATE INDEX validation_check_key IF NOT EXISTS FOR (n:Validation) ON (n.check_key);
CREATE INDEX prerequisite_of_incoming_key IF NOT EXISTS FOR ()-[r:PREREQUISITE_OF]-() ON (r.incoming_key);
CREATE INDEX prerequisite_of_outgoing_key IF NOT EXISTS FOR ()-[r:PREREQUISITE_OF]-() ON (r.outgoing_key);
CREATE INDEX kills_incoming_key IF NOT EXISTS FOR ()-[r:KILLS]-() ON (r.incoming_key);
CREATE INDEX kills_outgoing_key IF NOT EXISTS FOR ()-[r:KILLS]-() ON (r.outgoing_key);
CREATE INDEX correlates_with_incoming_key IF NOT EXISTS FOR ()-[r:CORRELATES_WITH]-() ON (r.incoming_key);
CREATE INDEX correlates_with_outgoing_key IF NOT EXISTS FOR ()-[r:CORRELATES_WITH]-() ON (r.outgoing_key);
CREATE INDEX benefits_prediction_key IF NOT EXISTS FOR ()-[r:BENEFITS]-() ON (r.prediction_key);
CREATE INDEX benefits_ticker_key IF NOT EXISTS FOR ()-[r:BENEFITS]-() ON (r.ticker_key);
CREATE INDEX harms_prediction_key IF NOT EXISTS FOR ()-[r:HARMS]-() ON (r.prediction_key);
CREATE INDEX harms_ticker_key IF NOT EXISTS FOR ()-[r:HARMS]-() ON (r.ticker_key);
CREATE INDEX about_claim_key IF NOT EXISTS FOR ()-[r:ABOUT]-() ON (r.claim_key);
CREATE INDEX about_document_key IF NOT EXISTS FOR ()-[r:ABOUT]-() ON (r.document_key);

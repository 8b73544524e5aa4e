// Lists that combine a condition with an order are walked by an index of both: claims of a predictor or of a domain in every order,
// milestones of a kind by the calendar. Few claims of a kind, or with or without evidence, are found by an index of that alone:
// `graph/model/lists.py` says which index serves which list.
CREATE INDEX claim_predictor_marginal IF NOT EXISTS FOR (n:Claim) ON (n.predictor_id, n.marginal_key);
CREATE INDEX claim_predictor_disagreement IF NOT EXISTS FOR (n:Claim) ON (n.predictor_id, n.disagreement_key);
CREATE INDEX claim_predictor_change_7 IF NOT EXISTS FOR (n:Claim) ON (n.predictor_id, n.change_7_key);
CREATE INDEX claim_predictor_change_30 IF NOT EXISTS FOR (n:Claim) ON (n.predictor_id, n.change_30_key);
CREATE INDEX claim_predictor_evidence_count IF NOT EXISTS FOR (n:Claim) ON (n.predictor_id, n.evidence_count_key);
CREATE INDEX claim_predictor_last_evidence IF NOT EXISTS FOR (n:Claim) ON (n.predictor_id, n.last_evidence_key);
CREATE INDEX claim_predictor_stated IF NOT EXISTS FOR (n:Claim) ON (n.predictor_id, n.stated_key);
CREATE INDEX claim_predictor_created IF NOT EXISTS FOR (n:Claim) ON (n.predictor_id, n.created_key);
CREATE INDEX claim_predictor_updated IF NOT EXISTS FOR (n:Claim) ON (n.predictor_id, n.updated_key);
CREATE INDEX claim_domain_marginal IF NOT EXISTS FOR (n:Claim) ON (n.domain_id, n.marginal_key);
CREATE INDEX claim_domain_disagreement IF NOT EXISTS FOR (n:Claim) ON (n.domain_id, n.disagreement_key);
CREATE INDEX claim_domain_change_7 IF NOT EXISTS FOR (n:Claim) ON (n.domain_id, n.change_7_key);
CREATE INDEX claim_domain_change_30 IF NOT EXISTS FOR (n:Claim) ON (n.domain_id, n.change_30_key);
CREATE INDEX claim_domain_evidence_count IF NOT EXISTS FOR (n:Claim) ON (n.domain_id, n.evidence_count_key);
CREATE INDEX claim_domain_last_evidence IF NOT EXISTS FOR (n:Claim) ON (n.domain_id, n.last_evidence_key);
CREATE INDEX claim_domain_stated IF NOT EXISTS FOR (n:Claim) ON (n.domain_id, n.stated_key);
CREATE INDEX claim_domain_created IF NOT EXISTS FOR (n:Claim) ON (n.domain_id, n.created_key);
CREATE INDEX claim_domain_updated IF NOT EXISTS FOR (n:Claim) ON (n.domain_id, n.updated_key);
CREATE INDEX milestone_status_kind_calendar IF NOT EXISTS FOR (n:Milestone) ON (n.status, n.kind, n.calendar_key);
CREATE INDEX claim_evidence_count IF NOT EXISTS FOR (n:Claim) ON (n.evidence_count_key);
CREATE INDEX prediction_id IF NOT EXISTS FOR (n:Prediction) ON (n.id);

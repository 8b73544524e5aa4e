// What inference over the whole network needs: marginals beside the run that they come from, runs by when they began, and when
// the graph was written and propagated last.
CREATE INDEX propagation_run_started_at IF NOT EXISTS FOR (n:PropagationRun) ON (n.started_at);
CALL db.createProperty('marginal');
CALL db.createProperty('marginal_as_of');
CALL db.createProperty('marginal_run_id');
CALL db.createProperty('revised_at');
CALL db.createProperty('propagated_revision');
CALL db.createProperty('propagated_revised_at');
CALL db.createProperty('propagated_at');
CALL db.createProperty('child_id');
CALL db.createProperty('p_if_true');
CALL db.createProperty('p_if_false');
CALL db.createProperty('kind');
CALL db.createProperty('impact');

// The items of ledger rows, as parallel lists. Those that are JSON in text are converted before this is applied,
// by a statement that names the text.
CALL db.createProperty('contribution_llr');
CALL db.createProperty('contribution_kind');
CALL db.createProperty('contribution_kappa');
CALL db.createProperty('contribution_label');
CALL db.createProperty('contribution_weight');
CALL db.createProperty('contribution_strength');
CALL db.createProperty('contribution_confidence');
CALL db.createProperty('contribution_source_url');
CALL db.createProperty('contribution_adjusted_llr');
CALL db.createProperty('contribution_expected_date');
CALL db.createProperty('contribution_criterion');
CALL db.createProperty('contributions');

// Properties by which beliefs are computed under a policy, named before the first of them is written.
CALL db.createProperty('timing_share');
CALL db.createProperty('timing_short');
CALL db.createProperty('timing_long');
CALL db.createProperty('setting_at');
CALL db.createProperty('intercept_effect');
CALL db.createProperty('slope_effect');
CALL db.createProperty('check_in_log_odds');
CALL db.createProperty('final_policy');
CALL db.createProperty('final_silence');
CALL db.createProperty('record_at');

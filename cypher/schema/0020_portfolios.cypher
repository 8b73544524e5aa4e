// Portfolios: each row by its own key, in which those of one portfolio come in the order of recording.
CREATE CONSTRAINT portfolio_id IF NOT EXISTS FOR (n:Portfolio) REQUIRE n.id IS UNIQUE;
CALL db.createProperty('owner');
CALL db.createProperty('held_at');
CALL db.createProperty('position_symbol');
CALL db.createProperty('position_weight');
CALL db.createProperty('position_benchmark_weight');

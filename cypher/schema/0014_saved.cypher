// What schedules of saved queries need: their own names, those that are due, deliveries that are due, and those of a status or of a
// schedule.
CREATE CONSTRAINT query_schedule_name IF NOT EXISTS FOR (n:QuerySchedule) REQUIRE n.name IS UNIQUE;
CREATE CONSTRAINT query_delivery_id IF NOT EXISTS FOR (n:QueryDelivery) REQUIRE n.id IS UNIQUE;
CREATE INDEX query_schedule_next_at IF NOT EXISTS FOR (n:QuerySchedule) ON (n.next_at);
CREATE INDEX query_delivery_next_attempt_at IF NOT EXISTS FOR (n:QueryDelivery) ON (n.next_attempt_at);
CREATE INDEX query_delivery_status IF NOT EXISTS FOR (n:QueryDelivery) ON (n.status, n.due_at);
CREATE INDEX query_delivery_schedule IF NOT EXISTS FOR (n:QueryDelivery) ON (n.schedule);
CALL db.createProperty('num_attempts');
CALL db.createProperty('last_error');
CALL db.createProperty('delivered_at');

// Lists of milestones by status are read by their standing, which no day changes, and by the day on which those that wait are due.
DROP INDEX milestone_status_calendar IF EXISTS;
DROP INDEX milestone_status_created IF EXISTS;
DROP INDEX milestone_status_updated IF EXISTS;
DROP INDEX milestone_status_kind_calendar IF EXISTS;
CREATE INDEX milestone_standing_calendar IF NOT EXISTS FOR (n:Milestone) ON (n.status_key, n.calendar_key);
CREATE INDEX milestone_standing_created IF NOT EXISTS FOR (n:Milestone) ON (n.status_key, n.created_key);
CREATE INDEX milestone_standing_updated IF NOT EXISTS FOR (n:Milestone) ON (n.status_key, n.updated_key);
CREATE INDEX milestone_standing_kind_calendar IF NOT EXISTS FOR (n:Milestone) ON (n.status_key, n.kind, n.calendar_key);
CALL db.createProperty('status_key');

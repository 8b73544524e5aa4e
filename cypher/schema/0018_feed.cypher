// What the feed of changes needs: events in their order. Notes of claims that earlier versions kept are none, and are forgotten, so that a
// network in memory is read anew.
MATCH (change:Change) DELETE change;
CREATE CONSTRAINT feed_event_position IF NOT EXISTS FOR (n:FeedEvent) REQUIRE n.position IS UNIQUE;
CALL db.createProperty('entry_ids');
CALL db.createProperty('belief_ids');
CALL db.createProperty('due_ids');
CALL db.createProperty('run_id');
CALL db.createProperty('feed_began_at');
CALL db.createProperty('feed_place');
CALL db.createProperty('feed_floor');
CALL db.createProperty('told_on');
CREATE CONSTRAINT change_webhook_name IF NOT EXISTS FOR (n:ChangeWebhook) REQUIRE n.name IS UNIQUE;
CALL db.createProperty('since');
CALL db.createProperty('kinds');
CALL db.createProperty('body');

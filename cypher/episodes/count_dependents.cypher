// Takes an episode for writing and counts what refers to it; no row where there is none. $id: the episode.
MATCH (episode:Episode {id: $id})
SET episode._lock = true
REMOVE episode._lock
RETURN COUNT { (episode)<-[:STATED_IN]-() } AS predictions

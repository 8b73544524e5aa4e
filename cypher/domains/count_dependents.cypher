// Takes a domain for writing and counts what refers to it; no row where there is none. $id: the domain.
MATCH (domain:Domain {id: $id})
SET domain._lock = true
REMOVE domain._lock
RETURN COUNT { (domain)<-[:IN_DOMAIN]-() } AS claims

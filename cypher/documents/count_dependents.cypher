// Takes a document for writing and counts what refers to it; no row where there is none. $id: the document.
MATCH (document:Document {id: $id})
SET document._lock = true
REMOVE document._lock
RETURN COUNT { (document)-[:ABOUT]->() } AS claims, COUNT { (document)<-[:FROM]-() } AS evidence

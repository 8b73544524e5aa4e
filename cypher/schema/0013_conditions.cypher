// Lists with a condition that few nodes satisfy begin at those nodes, by an index of the property: `graph/model/lists.py` says which.
CREATE INDEX claim_mode IF NOT EXISTS FOR (n:Claim) ON (n.mode);
CREATE INDEX milestone_kind IF NOT EXISTS FOR (n:Milestone) ON (n.kind);
CREATE INDEX evidence_kind IF NOT EXISTS FOR (n:Evidence) ON (n.evidence_kind);
CREATE INDEX evidence_url IF NOT EXISTS FOR (n:Evidence) ON (n.url);
CREATE INDEX validation_by IF NOT EXISTS FOR (n:Validation) ON (n.by);
CREATE INDEX document_kind IF NOT EXISTS FOR (n:Document) ON (n.kind);
CREATE INDEX ticker_exchange IF NOT EXISTS FOR (n:Ticker) ON (n.exchange);
CREATE INDEX ticker_sector IF NOT EXISTS FOR (n:Ticker) ON (n.sector);
CALL db.createProperty('range_to');
CALL db.createProperty('sector');

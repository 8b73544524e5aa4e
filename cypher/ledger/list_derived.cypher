// Claims by id with all that their derived values follow from, and these as they are stored, their ledgers included, in one record;
// moments in microseconds, which cost a client a hundredth of what its datetimes do. Whole nodes are read at once, which takes a third
// of what reading their properties one by one does. $ids: claims. $names and $moments: properties of claims, these with moments;
// $row_names and $row_moments: of ledger rows. Each claim has its kind, its properties, its class's (base rate, number of versions,
// when the last was recorded) or null, and its ledger.
UNWIND $ids AS id
MATCH (claim:Claim {id: id})
WITH claim, properties(claim) AS own, COLLECT {
    MATCH (claim)<-[:UPDATES]-(row:Evidence)
    WITH properties(row) AS own
    ORDER BY own.ledger_key
    RETURN [name IN $row_names | own[name]]
      + [name IN $row_moments | own[name].epochMillis * 1000 + own[name].microsecond % 1000]
  } AS rows
RETURN collect([
  head([label IN labels(claim) WHERE label <> 'Claim']),
  [name IN $names | own[name]],
  [name IN $moments | own[name].epochMillis * 1000 + own[name].microsecond % 1000],
  head(COLLECT {
    MATCH (claim)-[:IN_CLASS]->(class:ReferenceClass)
    RETURN [class.base_rate, class.num_versions, class.versioned_at.epochMillis * 1000 + class.versioned_at.microsecond % 1000]
  }),
  rows
]) AS claims

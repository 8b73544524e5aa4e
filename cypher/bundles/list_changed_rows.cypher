// Rows as they are stored: a record for each list that is asked for, with those of the rows that there are. Each parameter is a list:
// $owners, predictions whose milestones are asked for; $ledgers, `id`, `low` and `high`, between which the ledger keys of a claim lie;
// $pasts, `id`, `low` and `high`, between which the ids of versions lie; $children, claims, the influences on which are; of all others,
// keys of nodes, or of relationships the own key or both ends as properties.
UNWIND $owners AS id
MATCH (claim:Claim {id: id})-[:HAS_MILESTONE]->(milestone:Milestone)
USING INDEX SEEK claim:Claim(id)
WITH collect(properties(milestone)) AS rows
RETURN 'milestones' AS list, rows
UNION ALL
UNWIND $ledgers AS asked
CALL (asked) {
  MATCH (evidence:Evidence)
  USING INDEX SEEK evidence:Evidence(ledger_key)
  WHERE evidence.ledger_key > asked.low AND evidence.ledger_key < asked.high
  RETURN evidence
}
WITH collect(properties(evidence)) AS rows
RETURN 'evidence' AS list, rows
UNION ALL
UNWIND $pasts AS asked
CALL (asked) {
  MATCH (version:Version)
  USING INDEX SEEK version:Version(id)
  WHERE version.id > asked.low AND version.id < asked.high
  RETURN version
}
WITH collect(properties(version)) AS rows
RETURN 'versions' AS list, rows
UNION ALL
UNWIND $milestones AS id
MATCH (milestone:Milestone {id: id})
WITH 'MILESTONE!' + milestone.prediction_id + '!' + id AS anchor
CALL (anchor) {
  MATCH (version:Version)
  USING INDEX SEEK version:Version(id)
  WHERE version.id > anchor + '!' AND version.id < anchor + '"'
  RETURN version
}
WITH collect(properties(version)) AS rows
RETURN 'versions' AS list, rows
UNION ALL
UNWIND $children AS id
MATCH (child:Claim {id: id})<-[edge:#influence_kinds]-()
USING INDEX SEEK child:Claim(id)
WITH collect(properties(edge)) AS rows
RETURN 'influences' AS list, rows
#each nodes
UNION ALL
UNWIND $#list AS id
MATCH (node:#walked {#key: id})
WHERE node:#label
WITH collect(properties(node)) AS rows
RETURN '#list' AS list, rows
#end
#each edges
UNION ALL
UNWIND $#list AS row
MATCH (source:#source {#source_key: row.#source_property})
CALL (row) {
  MATCH (target:#target {#target_key: row.#target_property})
  RETURN target
}
MATCH (source)-[edge:#types]->(target)
WITH collect(properties(edge)) AS rows
RETURN '#list' AS list, rows
#end
#each keyed_edges
UNION ALL
UNWIND $#list AS row
MATCH ()-[edge:#types]->()
USING INDEX SEEK edge:#types(#key)
WHERE edge.#key = row.#key
WITH collect(properties(edge)) AS rows
RETURN '#list' AS list, rows
#end

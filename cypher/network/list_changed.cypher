// All that the beliefs of some claims depend on, as `list_claims` has it and with the base rate of each, and all influences with a
// table that lead to others, as `list_influences` has them, in one record. $ids: claim_ids and child_ids, claims; a map,
// because a plan is kept by the types of its parameters, and an empty list is of another type than a full one.
UNWIND $ids.claim_ids AS id
MATCH (claim:Claim {id: id})
WITH collect([claim.id, claim.stated_probability, claim.inside_log_odds, claim.status, claim.reference_class_id,
  claim.from_year,
  claim.window_start.epochSeconds * 1000000 + claim.window_start.microsecond,
  claim.window_end.epochSeconds * 1000000 + claim.window_end.microsecond,
  claim.resolved_at.epochSeconds * 1000000 + claim.resolved_at.microsecond,
  head(COLLECT { MATCH (class:ReferenceClass {id: claim.reference_class_id}) RETURN class.base_rate })]) AS claims
RETURN claims, COLLECT {
  UNWIND $ids.child_ids AS id
  MATCH (child:Claim {id: id})<-[edge:#influence_kinds]-()
  WHERE edge.p_if_true IS NOT NULL
  RETURN [edge.parent_id, child.id, edge.kind, edge.p_if_true, edge.p_if_false]
} AS influences

// All that the beliefs of some claims depend on, as `list_claims` has it and with the base rate of each, and all influences with a
// table that lead to others, as `list_influences` has them, in one record. $ids: claim_ids and child_ids, claims; a map,
// because a plan is kept by the types of its parameters, and an empty list is of another type than a full one.
UNWIND $ids.claim_ids AS id
MATCH (claim:Claim {id: id})
WITH collect([claim.id, claim.stated_probability, claim.inside_log_odds, claim.status, claim.reference_class_id,
  claim.from_year,
  claim.window_start.epochMillis * 1000 + claim.window_start.microsecond % 1000,
  claim.window_end.epochMillis * 1000 + claim.window_end.microsecond % 1000,
  claim.resolved_at.epochMillis * 1000 + claim.resolved_at.microsecond % 1000,
  claim.final_base_rate, claim.final_trf,
  CASE WHEN 'foregraph-2' = CASE WHEN claim.resolved_at IS NULL THEN claim.policy ELSE claim.final_policy END THEN [coalesce(claim.timing_share, 0.0),
    coalesce(claim.intercept_effect, 0.0), coalesce(claim.slope_effect, 0.0), coalesce(claim.check_in_log_odds, 0.0),
    CASE WHEN claim.resolved_at IS NOT NULL THEN coalesce(claim.final_silence, 0.0) END] END,
  head(COLLECT { MATCH (class:ReferenceClass {id: claim.reference_class_id}) RETURN class.base_rate })]) AS claims
RETURN claims, COLLECT {
  UNWIND $ids.child_ids AS id
  MATCH (child:Claim {id: id})<-[edge:#influence_kinds]-()
  WHERE edge.p_if_true IS NOT NULL
  RETURN [edge.parent_id, child.id, edge.kind, edge.p_if_true, edge.p_if_false]
} AS influences

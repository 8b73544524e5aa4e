// The state of a cluster after its latest ledger row: size, sum of log-likelihood ratios, sum of adjusted ones, in one record.
// $low, $high: between which the cluster's keys lie.
MATCH (evidence:Evidence)
USING INDEX SEEK evidence:Evidence(cluster_key)
WHERE evidence.cluster_key > $low AND evidence.cluster_key < $high
RETURN [evidence.cluster_size, evidence.cluster_llr_sum, evidence.cluster_adjusted_llr_sum] AS cluster
ORDER BY evidence.cluster_key DESC
LIMIT 1

// description: Domains by the number of their open claims, with those that are resolved or annulled beside.
// version: 1
MATCH (domain:Domain)
OPTIONAL MATCH (claim:Claim)-[:IN_DOMAIN]->(domain)
RETURN domain.id AS domain, coalesce(domain.name, domain.id) AS name,
  count(CASE claim.status WHEN 'OPEN' THEN 1 END) AS open_count,
  count(CASE WHEN claim.status STARTS WITH 'RESOLVED' THEN 1 END) AS resolved_count,
  count(CASE claim.status WHEN 'ANNULLED' THEN 1 END) AS annulled_count
ORDER BY open_count DESC, domain

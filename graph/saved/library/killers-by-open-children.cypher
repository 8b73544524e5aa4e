// description: Open killers by the number of open claims that they would kill, with the probability that these would lose.
// version: 1
// parameter: limit INTEGER = 50: Most rows.
MATCH (killer:Killer {status: 'OPEN'})-[kills:KILLS]->(child:Claim {status: 'OPEN'})
RETURN killer.id AS killer, killer.title AS title, killer.posterior AS posterior, count(DISTINCT child) AS open_count,
  avg(kills.p_if_false - kills.p_if_true) AS mean_effect
ORDER BY open_count DESC, killer
LIMIT $limit

MATCH (n) RETURN count(n) AS number
MATCH (c:Claim) RETURN c.id, c.title ORDER BY c.id LIMIT 10
MATCH (c:Claim) RETURN c.status AS status, count(*) AS number ORDER BY number DESC
MATCH (c:Claim) RETURN labels(c) AS kinds, count(*) AS number
MATCH (p:Prediction) WHERE p.stated_probability > 0.7 RETURN p.id, p.stated_probability
MATCH (p:Prediction) WHERE p.stated_probability >= 0.1 AND p.stated_probability < 0.5 RETURN p.id
MATCH (c:Claim) WHERE c.title CONTAINS 'GPT' OR toLower(c.title) CONTAINS 'model' RETURN c.id
MATCH (c:Claim) WHERE c.id STARTS WITH 'S_' AND NOT c.id ENDS WITH '1' RETURN c.id
MATCH (c:Claim) WHERE c.title =~ '(?i).*model.*' RETURN c.id, c.title
MATCH (c:Claim) WHERE c.id =~ 'TK[0-9]+' RETURN c.id
MATCH (c:Claim {id: $id}) RETURN c
MATCH (c:Claim) WHERE c.id IN $ids RETURN c {.id, .title, .stated_probability}
MATCH (c:Claim) WHERE c.status IN ['OPEN', 'ANNULLED'] RETURN c.id SKIP 5 LIMIT 5
MATCH (p:Predictor)-[:MADE]->(c:Prediction) RETURN p.name, count(c) AS predictions ORDER BY predictions DESC LIMIT 20
MATCH (p:Predictor)-[:MADE]->(c:Prediction) WITH p, collect(c.id) AS ids WHERE size(ids) > 1 RETURN p.name, ids
MATCH (p:Predictor) OPTIONAL MATCH (p)-[:MADE]->(c) RETURN p.name, collect(DISTINCT c.id)[..5] AS some
MATCH (p:Prediction) OPTIONAL MATCH (p)-[:IN_CLASS]->(r:ReferenceClass) RETURN p.id, coalesce(r.base_rate, 0.5) AS base_rate
MATCH (p:Prediction)-[e:BENEFITS|HARMS]->(t:Ticker) RETURN t.symbol, sum(e.relevance) AS relevance ORDER BY relevance DESC
MATCH (p:Prediction)-[e:BENEFITS|HARMS]->(t:Ticker) RETURN t.symbol, type(e) AS sign, avg(e.relevance) AS mean, max(e.relevance) AS most
MATCH (p:Prediction)-[e]->(t:Ticker) RETURN t.symbol, sum(CASE type(e) WHEN 'BENEFITS' THEN e.relevance ELSE -e.relevance END) AS net
MATCH (k:Killer)-[e:KILLS]->(c:Claim) RETURN k.id, k.title, count(c) AS children ORDER BY children DESC LIMIT 10
MATCH (a:Claim)-[e:PREREQUISITE_OF]->(b:Claim) RETURN a.id, b.id, e.p_if_true - e.p_if_false AS difference ORDER BY abs(difference) DESC
MATCH (a:Claim)-[e:PREREQUISITE_OF]->(b:Claim) RETURN percentileCont(e.p_if_true, 0.5) AS median, stdev(e.p_if_true) AS spread, percentileDisc(e.p_if_true, 0.9) AS high
MATCH path = (a:Claim)-[:PREREQUISITE_OF*1..3]->(b:Claim {id: $id}) RETURN [n IN nodes(path) | n.id] AS ids, length(path) AS steps
MATCH path = (a:Claim)-[:PREREQUISITE_OF|KILLS*..4]->(b) RETURN a.id, b.id, reduce(w = 1.0, e IN relationships(path) | w * e.p_if_true) AS weight LIMIT 10
MATCH (a:Claim {id: $id}) MATCH (b:Claim) WHERE a <> b MATCH path = shortestPath((a)-[*..6]-(b)) RETURN b.id, length(path) LIMIT 20
MATCH path = SHORTEST 1 (a:Claim {id: $id})-[:PREREQUISITE_OF|KILLS]->{1,5}(b:Claim) RETURN [n IN nodes(path) | n.id] AS ids LIMIT 5
MATCH (a:Claim)-[e:KILLS WHERE e.p_if_true > 0.1]->(b:Claim) RETURN a.id, b.id
MATCH (a:Claim) ((x)-[e:PREREQUISITE_OF]->(y) WHERE e.p_if_true > 0.3){1,3} (b:Claim) RETURN a.id, b.id, size(e) AS steps LIMIT 10
MATCH (a:Claim)-[:KILLS]->(b:Claim)<-[:KILLS]-(c:Claim) WHERE a.id < c.id RETURN a.id, c.id, collect(b.id) AS both
MATCH (c:Claim) WHERE NOT (c)<-[:KILLS|PREREQUISITE_OF]-() RETURN c.id
MATCH (c:Claim) WHERE EXISTS { (c)<-[:KILLS]-(k:Killer) WHERE k.stated_probability > 0.1 } RETURN c.id
MATCH (c:Claim) RETURN c.id, COUNT { (c)<-[:KILLS]-() } AS killers ORDER BY killers DESC
MATCH (c:Claim) RETURN c.id, COLLECT { MATCH (c)<-[:KILLS]-(k) RETURN k.id ORDER BY k.id LIMIT 3 } AS killers
MATCH (c:Claim) CALL (c) { MATCH (c)<-[:UPDATES]-(e:Evidence) RETURN count(e) AS items, max(e.recorded_at) AS latest } RETURN c.id, items, latest
MATCH (c:Claim) RETURN c.id, [(c)<-[:KILLS]-(k) WHERE k.stated_probability > 0.05 | k {.id, .title}] AS killers
MATCH (c:Claim) WHERE c.deadline > datetime('2026-01-01T00:00:00Z') RETURN c.id, c.deadline.year AS year
MATCH (c:Claim) WHERE c.deadline IS NOT NULL RETURN date.truncate('quarter', date(c.deadline)) AS quarter, count(*) AS number ORDER BY quarter
MATCH (c:Claim) WHERE c.deadline < datetime() + duration('P90D') RETURN c.id, duration.inDays(datetime(), c.deadline).days AS days
MATCH (c:Claim) WHERE date(c.deadline) >= date() RETURN c.id, duration.between(date(), date(c.deadline)) AS left
MATCH (m:Milestone) WHERE m.status = 'OVERDUE' RETURN m.id, m.label, m.expected_date ORDER BY m.expected_date
MATCH (p:Prediction)-[:HAS_MILESTONE]->(m:Milestone) WITH p, m ORDER BY m.ordinal RETURN p.id, collect({label: m.label, status: m.status}) AS milestones
MATCH (e:Evidence)-[:UPDATES]->(c:Claim) RETURN c.id, sum(e.total_adjusted_llr) AS total, count(e) AS items ORDER BY abs(total) DESC LIMIT 10
MATCH (e:Evidence) RETURN e.evidence_kind AS kind, count(*) AS number, round(avg(e.total_llr), 3) AS mean
MATCH (c:Claim) WHERE c.posterior IS NOT NULL RETURN c.id, c.posterior - c.stated_probability AS moved ORDER BY moved
MATCH (c:Claim) WITH avg(c.stated_probability) AS mean, count(*) AS number RETURN mean, number, sqrt(mean * (1 - mean) / number) AS error
MATCH (c:Claim) RETURN toInteger(c.stated_probability * 10) / 10.0 AS bin, count(*) AS number ORDER BY bin
MATCH (c:Claim) RETURN CASE WHEN c.stated_probability < 0.3 THEN 'low' WHEN c.stated_probability < 0.7 THEN 'middle' ELSE 'high' END AS band, count(*) AS number
UNWIND range(0, 9) AS bin OPTIONAL MATCH (c:Claim) WHERE toInteger(c.stated_probability * 10) = bin RETURN bin, count(c) AS number
UNWIND $ids AS id MATCH (c:Claim {id: id}) RETURN id, c.title
UNWIND [1, 2, 3] AS x WITH x WHERE x % 2 = 1 RETURN x, x ^ 2 AS square, x / 2.0 AS half
WITH [1, 2, 3] AS numbers RETURN [x IN numbers WHERE x > 1 | x * 10] AS tens, any(x IN numbers WHERE x = 2) AS has_two, head(numbers) AS first, last(numbers) AS last
WITH 'a-b-c' AS text RETURN split(text, '-') AS parts, substring(text, 0, 1) AS first, replace(text, '-', '+') AS plus, left(text, 2), right(text, 2), trim('  a '), size(text)
RETURN toString(1) + 'a' AS text, toFloat('1.5') AS number, toInteger('3') AS whole, toBoolean('true') AS truth, date('2026-05-30') AS day, pi() AS pi, exp(1) AS e
RETURN {a: 1, b: [1, 2, {c: 3}]} AS map, [1, 'a', null, true, 1.5] AS list, null AS nothing, point({x: 1, y: 2}) AS point, duration({days: 1}) AS duration
MATCH (c:Claim) WITH c ORDER BY c.id WITH collect(c.id) AS ids UNWIND range(0, size(ids) - 2) AS i RETURN ids[i] AS one, ids[i + 1] AS next
MATCH (c:Claim) WITH collect(c.stated_probability) AS chances RETURN [p IN chances WHERE p > 0.5 | round(p, 2)] AS high, size(chances) AS number
MATCH (c:Claim) RETURN DISTINCT c.status UNION MATCH (m:Milestone) RETURN DISTINCT m.status AS `c.status`
CALL { MATCH (c:Claim) RETURN c.id AS id UNION MATCH (t:Ticker) RETURN t.symbol AS id } RETURN id ORDER BY id LIMIT 10
MATCH (c:Claim) WITH c WHERE size(keys(c)) > 3 RETURN c.id, keys(c) AS names, size(keys(c)) AS number
MATCH ()-[r]->() RETURN type(r) AS type, count(*) AS number ORDER BY number DESC
MATCH (n) UNWIND labels(n) AS label RETURN label, count(*) AS number ORDER BY label
MATCH (d:Document)-[:ABOUT]->(c:Claim) RETURN d.title, d.url, collect(c.id) AS claims
MATCH (c:Claim)-[:IN_DOMAIN]->(d:Domain) RETURN d.name AS domain, count(*) AS number, avg(c.stated_probability) AS mean
MATCH (c:Claim) RETURN c.title AS title, size(split(c.title, ' ')) AS words ORDER BY words DESC, title LIMIT 5
MATCH (c:Claim) RETURN c.id + ': ' + coalesce(c.title, '?') + ' (' + toString(c.stated_probability) + ')' AS line LIMIT 5
MATCH (c:Claim|Ticker) WHERE c:Killer OR c:Scenario RETURN elementId(c) IS NOT NULL AS has_id, properties(c) AS properties LIMIT 3
MATCH (a:Claim)-[e:KILLS]->(b:Claim) WHERE a.stated_probability * e.p_if_true + (1 - a.stated_probability) * e.p_if_false > b.stated_probability RETURN a.id, b.id
CALL db.labels() YIELD label RETURN label ORDER BY label
CALL db.relationshipTypes() YIELD relationshipType WHERE relationshipType CONTAINS 'K' RETURN relationshipType
CALL db.schema.visualization() YIELD nodes, relationships RETURN size(nodes) AS labels, size(relationships) AS types
MATCH (c:Claim) WHERE all(label IN labels(c) WHERE label IN ['Claim', 'Prediction']) RETURN count(c) AS predictions
MATCH (c:Claim) WITH c.status AS status, collect(c) AS claims RETURN status, [x IN claims | x.id][0..3] AS some, size(claims) AS number
MATCH (p:Prediction) WITH p, log(p.stated_probability / (1 - p.stated_probability)) AS log_odds RETURN p.id, round(log_odds, 3) AS log_odds, 1 / (1 + exp(-log_odds)) AS back
MATCH (c:Claim) RETURN min(c.deadline) AS first, max(c.deadline) AS last, count(DISTINCT c.status) AS kinds

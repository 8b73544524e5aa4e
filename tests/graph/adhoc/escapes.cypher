CREATE (n:Escaped) RETURN n
create (:Escaped)
CrEaTe (n:Escaped)
/* read */ CREATE (n:Escaped)
// read⏎CREATE (n:Escaped)
MATCH (n) SET n.escaped = 1
MATCH (n) SET n:Escaped
MATCH (n) SET n += {escaped: 1} RETURN n
MATCH (n) SET n = {escaped: 1}
MATCH (n) REMOVE n.id
MATCH (n) REMOVE n:Claim
MATCH (n) DELETE n
MATCH (n) DETACH DELETE n
MATCH (n) NODETACH DELETE n
MATCH ()-[r]->() DELETE r
MERGE (n:Escaped {id: 1})
MERGE (n:Escaped {id: 1}) ON CREATE SET n.x = 1 ON MATCH SET n.x = 2
MATCH (a), (b) MERGE (a)-[:ESCAPED]->(b)
MATCH (a), (b) CREATE (a)-[:ESCAPED]->(b)
INSERT (n:Escaped)
FOREACH (i IN [1] | CREATE (:Escaped))
MATCH (n) FOREACH (x IN [n] | SET x.escaped = 1)
UNWIND [1, 2] AS i CREATE (:Escaped {i: i})
CALL { CREATE (n:Escaped) RETURN n } RETURN n
CALL () { CREATE (n:Escaped) } RETURN 1
MATCH (m) CALL (m) { SET m.escaped = 1 } RETURN m
CALL { CREATE (n:Escaped) } IN TRANSACTIONS
UNWIND [1] AS i CALL (i) { CREATE (:Escaped) } IN TRANSACTIONS OF 1 ROW
UNWIND [1] AS i CALL (i) { CREATE (:Escaped) } IN 2 CONCURRENT TRANSACTIONS
UNWIND [1] AS i CALL (i) { MATCH (n) RETURN n LIMIT 1 } IN TRANSACTIONS RETURN n
WITH 1 AS a CREATE (n:Escaped) WITH n MATCH (m) RETURN m
RETURN 1 AS a UNION CREATE (n:Escaped) RETURN 1 AS a
MATCH (n) WITH n LIMIT 0 SET n.escaped = 1 RETURN n
MATCH (n) WHERE false CREATE (:Escaped)
OPTIONAL MATCH (n:Nothing) CREATE (:Escaped) RETURN n
MATCH (n) WITH collect(n) AS ns FOREACH (n IN ns | REMOVE n.id)
CREATE (n:$('Esc' + 'aped'))
MATCH (n) SET n:$(labels(n)[0] + 'X')
MATCH (n) SET n[$name] = 1
CYPHER 5 CREATE (n:Escaped)
CYPHER 25 CREATE (n:Escaped)
CYPHER runtime=slotted CREATE (n:Escaped)
cypher replan=force MATCH (n) RETURN n
CYPHER debug=tostring debug=ast MATCH (n) RETURN n
EXPLAIN CREATE (n:Escaped)
EXPLAIN MATCH (n) RETURN n
EXPLAIN EXPLAIN MATCH (n) RETURN n
PROFILE CREATE (n:Escaped)
PROFILE MATCH (n) RETURN n
/* */ PROFILE /* */ MATCH (n) RETURN n
// a⏎// b⏎EXPLAIN MATCH (n) RETURN n
explain profile MATCH (n) RETURN n
CREATE INDEX escaped FOR (n:Escaped) ON (n.id)
CREATE CONSTRAINT escaped FOR (n:Escaped) REQUIRE n.id IS UNIQUE
CREATE FULLTEXT INDEX escaped FOR (n:Escaped) ON EACH [n.id]
CREATE VECTOR INDEX escaped FOR (n:Escaped) ON (n.v)
CREATE LOOKUP INDEX escaped FOR (n) ON EACH labels(n)
DROP INDEX escaped IF EXISTS
DROP CONSTRAINT escaped IF EXISTS
CREATE USER escaped SET PASSWORD 'escaped-escaped'
DROP USER neo4j
ALTER USER neo4j SET PASSWORD 'escaped-escaped'
ALTER CURRENT USER SET PASSWORD FROM 'a' TO 'escaped-escaped'
RENAME USER neo4j TO escaped
CREATE ROLE escaped
GRANT ROLE admin TO neo4j
GRANT TRAVERSE ON GRAPH * TO PUBLIC
DENY READ {*} ON GRAPH * TO PUBLIC
CREATE DATABASE escaped
DROP DATABASE neo4j
STOP DATABASE neo4j
START DATABASE neo4j
ALTER DATABASE neo4j SET ACCESS READ ONLY
CREATE ALIAS escaped FOR DATABASE neo4j
ENABLE SERVER 'escaped'
DRYRUN REALLOCATE DATABASES
SHOW SETTINGS
SHOW SETTINGS YIELD name, value RETURN name, value
SHOW SETTING 'db.transaction.timeout'
show settings yield *
SHOW TRANSACTIONS
SHOW TRANSACTIONS YIELD currentQuery RETURN currentQuery
SHOW TRANSACTION 'neo4j-transaction-1'
TERMINATE TRANSACTIONS 'neo4j-transaction-1'
SHOW TRANSACTIONS YIELD transactionId AS id TERMINATE TRANSACTIONS id YIELD message RETURN message
TERMINATE TRANSACTION 'neo4j-transaction-1' YIELD message RETURN message
SHOW USERS
SHOW CURRENT USER
SHOW ROLES
SHOW PRIVILEGES
SHOW USER PRIVILEGES
SHOW DATABASES
SHOW DEFAULT DATABASE
SHOW HOME DATABASE
SHOW ALIASES FOR DATABASE
SHOW SERVERS
SHOW PROCEDURES
SHOW FUNCTIONS
SHOW INDEXES
SHOW INDEXES YIELD name RETURN name
SHOW CONSTRAINTS
SHOW SUPPORTED PRIVILEGES
RETURN COUNT { SHOW SETTINGS }
RETURN [x IN [1] | COUNT { SHOW SETTINGS }]
RETURN [x IN [1] | COLLECT { SHOW TRANSACTIONS YIELD currentQuery RETURN currentQuery }]
RETURN CASE WHEN true THEN COLLECT { SHOW SETTINGS YIELD value RETURN value } ELSE 1 END
RETURN EXISTS { SHOW USERS }
RETURN [x IN [1] WHERE EXISTS { TERMINATE TRANSACTIONS 'neo4j-transaction-1' } | x]
RETURN [x IN [1] | COLLECT { CALL dbms.listConfig() YIELD name RETURN name }]
RETURN [x IN [1] | COLLECT { LOAD CSV FROM 'file:///etc/passwd' AS row RETURN row }]
RETURN [x IN [1] | COLLECT { CALL db.labels() YIELD label RETURN label }]
RETURN reduce(s = 0, x IN [1] | s + COUNT { SHOW SETTINGS })
MATCH (n) WHERE any(x IN [1] WHERE EXISTS { LOAD CSV FROM 'http://127.0.0.1/' AS row RETURN row }) RETURN n
RETURN COLLECT { LOAD CSV FROM 'file:///etc/passwd' AS row RETURN row }
RETURN COLLECT { CALL dbms.listConfig() YIELD value RETURN value }
RETURN COUNT { CREATE (n:Escaped) }
RETURN EXISTS { MERGE (n:Escaped) }
LOAD CSV FROM 'file:///etc/passwd' AS row RETURN row
LOAD CSV FROM 'http://127.0.0.1:8000/' AS row RETURN row
LOAD CSV WITH HEADERS FROM 'https://example.org/a.csv' AS row RETURN row
LOAD CSV FROM 'ftp://127.0.0.1/a' AS row RETURN row
LOAD CSV FROM $url AS row RETURN row
load csv from 'fi' + 'le:///etc/passwd' as row return row
LOAD CSV FROM 'jar:file:/etc/a.zip!/b' AS row RETURN row
CALL { LOAD CSV FROM 'file:///etc/passwd' AS row RETURN row } RETURN row
MATCH (n) CALL (n) { LOAD CSV FROM 'file:///' + n.id AS row RETURN row } RETURN row
USING PERIODIC COMMIT LOAD CSV FROM 'file:///a' AS row CREATE (:Escaped)
WITH 'a' AS a LOAD CSV FROM 'file:///etc/passwd' AS row RETURN linenumber(), file()
RETURN file()
RETURN linenumber()
RETURN `file`()
RETURN FILE()
CALL dbms.listConfig()
CALL dbms.listConfig('password') YIELD value RETURN value
CALL dbms.`listConfig`()
CALL `dbms`.listConfig()
call DBMS.LISTCONFIG()
CALL dbms.listConnections()
CALL dbms.killConnection('bolt-1')
CALL dbms.killConnections(['bolt-1'])
CALL dbms.queryJmx('*:*')
CALL dbms.info()
CALL dbms.components()
CALL dbms.showCurrentUser()
CALL dbms.listCapabilities()
CALL dbms.upgradeStatus()
CALL dbms.routing.getRoutingTable({})
CALL dbms.cluster.routing.getRoutingTable({})
CALL db.clearQueryCaches()
CALL db.prepareForReplanning()
CALL db.resampleIndex('escaped')
CALL db.resampleOutdatedIndexes()
CALL db.awaitIndexes(60)
CALL db.awaitIndex('escaped', 60)
CALL db.stats.retrieve('QUERIES')
CALL db.stats.retrieveAllAnonymized('token')
CALL db.stats.collect('QUERIES')
CALL db.stats.clear('QUERIES')
CALL db.stats.stop('QUERIES')
CALL db.stats.status()
CALL db.createLabel('Escaped')
CALL db.createProperty('escaped')
CALL db.createRelationshipType('ESCAPED')
MATCH (n) CALL db.create.setNodeVectorProperty(n, 'escaped', [1.0])
CALL db.index.fulltext.awaitEventuallyConsistentIndexRefresh()
CALL db.info()
CALL db.ping()
CALL tx.setMetaData({escaped: 1})
CALL tx.getMetaData()
MATCH (n) CALL dbms.listConfig() YIELD value RETURN n, value
CALL { CALL dbms.listConfig() YIELD value RETURN value } RETURN value
OPTIONAL CALL dbms.listConfig() YIELD value RETURN value
CALL apoc.load.json('http://127.0.0.1/')
CALL apoc.cypher.runWrite('CREATE (:Escaped)', {})
CALL apoc.export.csv.all('a.csv', {})
RETURN apoc.version()
CALL genai.vector.encodeBatch(['a'], 'OpenAI', {token: 'a'})
RETURN genai.vector.encode('a', 'OpenAI', {token: 'a'})
RETURN ai.text.embed('a', 'OpenAI', {token: 'a'})
USE system SHOW USERS
USE system MATCH (n) RETURN n
USE other MATCH (n) RETURN n
USE graph.byName('system') MATCH (n) RETURN n
USE graph.byElementId('4:a:1') MATCH (n) RETURN n
CALL { USE system MATCH (n) RETURN n } RETURN n
:use system
MATCH (n) RETURN n; CREATE (m:Escaped)
MATCH (n) RETURN n;CREATE (m:Escaped);
\u0043REATE (n:Escaped)
MATCH (n) \u0053ET n.escaped = 1
CALL dbms.\u006cistConfig()
L\u004fAD CSV FROM 'file:///etc/passwd' AS row RETURN row
MATCH (n) /*⏎*/ SET /* a */ n.escaped = 1
MATCH (n) RETURN n // a⏎CREATE (m:Escaped)
CREATE (n:Escaped)
ＣＲＥＡＴＥ (n:Escaped)
RETURN 1 AS `a` CREATE (n:Escaped)
MATCH (`a) RETURN 1 //`) SET `a) RETURN 1 //`.escaped = 1
RETURN string.regexReplace('a', '(a*)*', 'b')
RETURN allReduce(a = 0, x IN [1] | a + x, a < 2)
WHEN true THEN { CREATE (n:Escaped) }
ALTER CURRENT GRAPH TYPE SET {}
START n=node(*) RETURN n

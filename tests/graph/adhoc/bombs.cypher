RETURN range(1, 1000000000) AS list
RETURN size(range(1, 1000000000)) AS size
UNWIND range(1, 1000000000) AS i RETURN i
UNWIND range(1, 1000000000) AS i RETURN count(*)
UNWIND range(1, 100000000) AS i RETURN collect(i) AS list
UNWIND range(1, 100000000) AS i WITH collect(i) AS l RETURN [x IN l | [y IN l | x * y]] AS table
UNWIND range(1, 30000) AS i WITH collect(i) AS l RETURN size([x IN l WHERE any(y IN l WHERE y < 0)]) AS size
UNWIND range(1, 30000) AS i WITH collect(i) AS l RETURN [x IN l WHERE NOT x IN [y IN l | y + 1]] AS missing
UNWIND range(1, 1000000) AS i UNWIND range(1, 1000000) AS j UNWIND range(1, 1000000) AS k RETURN sum(i * j * k)
UNWIND range(1, 1000000) AS i UNWIND range(1, 1000000) AS j WITH i, j ORDER BY i * j RETURN i, j
UNWIND range(1, 100000000) AS i RETURN DISTINCT toString(i) + 'abcdefghijklmnopqrstuvwxyz' AS text
UNWIND range(1, 100000000) AS i RETURN i % 10000019 AS key, count(*) AS number, collect(i) AS list
RETURN reduce(s = '', i IN range(1, 100000000) | s + 'x') AS text
RETURN reduce(s = 'x', i IN [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30] | s + s) AS text
RETURN reduce(s = [], i IN range(1, $many) | [s]) AS nested
RETURN reduce(s = 0, i IN range(1, $many) | s + reduce(t = 0, j IN range(1, $many) | t + i * j)) AS sum
RETURN [a IN range(1, $many) | [b IN range(1, $many) | [c IN range(1, $many) | a * b * c]]] AS cube
RETURN any(a IN range(1, $many) WHERE any(b IN range(1, $many) WHERE a * b < 0)) AS found
WITH 'x' AS a WITH a+a+a+a+a+a+a+a+a+a AS a WITH a+a+a+a+a+a+a+a+a+a AS a WITH a+a+a+a+a+a+a+a+a+a AS a WITH a+a+a+a+a+a+a+a+a+a AS a WITH a+a+a+a+a+a+a+a+a+a AS a WITH a+a+a+a+a+a+a+a+a+a AS a WITH a+a+a+a+a+a+a+a+a+a AS a WITH a+a+a+a+a+a+a+a+a+a AS a WITH a+a+a+a+a+a+a+a+a+a AS a RETURN a
WITH [1] AS a WITH a+a+a+a+a+a+a+a+a+a AS a WITH a+a+a+a+a+a+a+a+a+a AS a WITH a+a+a+a+a+a+a+a+a+a AS a WITH a+a+a+a+a+a+a+a+a+a AS a WITH a+a+a+a+a+a+a+a+a+a AS a WITH a+a+a+a+a+a+a+a+a+a AS a WITH a+a+a+a+a+a+a+a+a+a AS a WITH a+a+a+a+a+a+a+a+a+a AS a RETURN a
WITH $long AS a RETURN replace(a, 'x', a) AS text
WITH $long AS a WITH replace(a, 'x', $long) AS a WITH replace(a, 'x', $long) AS a RETURN size(a)
WITH $long AS a UNWIND range(1, 1000000) AS i WITH a + toString(i) AS text RETURN collect(text) AS texts
WITH $long AS a RETURN [x IN range(1, $many) | a] AS texts
WITH $long AS a UNWIND range(1, 100000) AS i RETURN a + toString(i) AS text
RETURN 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' =~ '(x+x+)+y' AS is_found
RETURN 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' =~ '(.*a){24}b' AS is_found
RETURN 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' =~ '(([a-z])+.)+[A-Z]([a-z])+$' AS is_found
RETURN $long =~ '.*x.*x.*x.*x.*x.*x.*y' AS is_found
RETURN $long =~ $pattern AS is_found
WITH '(x+x+)+' + 'y' AS pattern RETURN 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' =~ pattern AS is_found
RETURN any(p IN ['(x+x+)+y'] WHERE 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' =~ p) AS is_found
RETURN 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' =~ '(x\u002bx\u002b)\u002by' AS is_found
MATCH (a), (b), (c), (d), (e), (f), (g), (h) RETURN count(*)
MATCH (a), (b), (c), (d), (e), (f) RETURN collect([a, b, c, d, e, f]) AS everything
MATCH (a), (b), (c), (d), (e), (f) RETURN a.id + b.id + c.id + d.id + e.id AS key, count(*) AS number
MATCH path = (a)-[*]-(b) RETURN count(path)
MATCH path = (a)-[*]-(b) RETURN collect(path) AS paths
MATCH path = (a)-[*]-(b) RETURN path ORDER BY length(path) DESC
MATCH (a)-[r]-+(b) RETURN count(*)
MATCH path = allShortestPaths((a)-[*]-(b)) WHERE a <> b RETURN count(path)
MATCH (a)-[*1..30]-(b)-[*1..30]-(c) RETURN DISTINCT a, c
MATCH (n) RETURN [a IN range(1, $many) | COLLECT { MATCH (m)--(k)--(l) RETURN l.id }] AS lists
MATCH (n) WITH collect(n) AS l UNWIND l AS a UNWIND l AS b UNWIND l AS c UNWIND l AS d UNWIND l AS e RETURN count(*)
CALL { UNWIND range(1, 1000000000) AS i RETURN i UNION UNWIND range(1, 1000000000) AS i RETURN i } RETURN count(*)
RETURN ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((1))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))
MATCH (n) WHERE n.a=1 XOR n.b=1 XOR n.c=1 XOR n.d=1 XOR n.e=1 XOR n.f=1 XOR n.g=1 XOR n.h=1 XOR n.i=1 XOR n.j=1 XOR n.k=1 XOR n.l=1 XOR n.m=1 XOR n.o=1 XOR n.p=1 XOR n.q=1 XOR n.r=1 XOR n.s=1 XOR n.t=1 RETURN n
MATCH (a)--(b)--(c)--(d)--(e)--(f)--(g)--(h)--(i)--(j)--(k)--(l)--(m)--(n)--(o)--(p)--(q)--(r)--(s)--(t)--(u)--(v)--(w)--(x)--(y)--(z) RETURN count(*)
WITH [1, 2, 3] AS l RETURN l[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0] AS one

// Forgets an import, which has ended. $digest: of its file.
MATCH (graph:Graph {id: 'import:' + $digest})
DELETE graph
RETURN count(*) AS num_ended

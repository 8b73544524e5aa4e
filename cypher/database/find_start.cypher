// The moment at which the server that answers was started, in milliseconds of its clock; it tells a restart from a cut wire.
CALL dbms.queryJmx('java.lang:type=Runtime') YIELD attributes
RETURN attributes.StartTime.value AS started_at
ORDER BY started_at
LIMIT 1

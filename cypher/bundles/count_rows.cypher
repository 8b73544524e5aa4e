// About how many rows an export has: all nodes, and the relationships that are rows of their own; a record for each kind.
MATCH (node)
RETURN count(node) AS num_rows
UNION ALL
MATCH ()-[influence:#influence_kinds]->()
RETURN count(influence) AS num_rows
UNION ALL
MATCH ()-[exposure:#exposure_signs]->()
RETURN count(exposure) AS num_rows
UNION ALL
MATCH ()-[link:ABOUT]->()
RETURN count(link) AS num_rows
UNION ALL
MATCH ()-[forecast:FORECASTS]->()
RETURN count(forecast) AS num_rows

// Counts what is saved in one record: names of queries, and versions of all of them.
MATCH (query:SavedQuery)
WHERE query.name > '' AND query.version > 0
RETURN count(DISTINCT query.name) AS num_names, count(query) AS num_versions

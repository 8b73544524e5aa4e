// The portfolios by name, each with the row that was recorded last. $limit: the most portfolios.
MATCH (portfolio:Portfolio)
USING INDEX SEEK portfolio:Portfolio(id)
WHERE portfolio.id > ''
WITH portfolio.name AS name, max(portfolio.id) AS id
ORDER BY name
LIMIT $limit
MATCH (latest:Portfolio {id: id})
RETURN latest.name AS name, latest.owner AS owner, latest.is_deleted AS is_deleted
ORDER BY name

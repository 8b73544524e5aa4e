// A page of what a sweep has still to see, by the day it is due, in one record. $after: the last key of the page before, '' at
// first; $high: the key that all of them lie before; $limit: milestones.
MATCH (milestone:Milestone)
USING INDEX SEEK milestone:Milestone(due_key)
WHERE milestone.due_key > $after AND milestone.due_key < $high
WITH milestone
ORDER BY milestone.due_key
LIMIT $limit
RETURN collect(milestone.due_key) AS keys

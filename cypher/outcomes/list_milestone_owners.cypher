// Which predictions milestones belong to, in one record. $ids: milestones.
UNWIND $ids AS id
MATCH (milestone:Milestone {id: id})
WITH DISTINCT milestone.prediction_id AS prediction_id
ORDER BY prediction_id
RETURN collect(prediction_id) AS prediction_ids

// Gives each prediction the predictor, episode and reference class that its own id properties name, and no other.
// $ids: predictions.
UNWIND $ids AS id
MATCH (prediction:Claim {id: id})
CALL (prediction) {
  MATCH (prediction)<-[old:MADE]-(predictor:Predictor)
  WHERE prediction.predictor_id IS NULL OR predictor.id <> prediction.predictor_id
  DELETE old
}
CALL (prediction) {
  MATCH (predictor:Predictor {id: prediction.predictor_id})
  MERGE (predictor)-[:MADE]->(prediction)
}
CALL (prediction) {
  MATCH (prediction)-[old:STATED_IN]->(episode:Episode)
  WHERE prediction.episode_id IS NULL OR episode.id <> prediction.episode_id
  DELETE old
}
CALL (prediction) {
  MATCH (episode:Episode {id: prediction.episode_id})
  MERGE (prediction)-[:STATED_IN]->(episode)
}
CALL (prediction) {
  MATCH (prediction)-[old:IN_CLASS]->(class:ReferenceClass)
  WHERE prediction.reference_class_id IS NULL OR class.id <> prediction.reference_class_id
  DELETE old
}
CALL (prediction) {
  MATCH (class:ReferenceClass {id: prediction.reference_class_id})
  MERGE (prediction)-[:IN_CLASS]->(class)
}
RETURN count(prediction) AS num_predictions

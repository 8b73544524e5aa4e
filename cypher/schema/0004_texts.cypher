// Full text: one index over every subject for `search`, one over predictions alone for the text filter of their list.
CREATE FULLTEXT INDEX subject_texts IF NOT EXISTS
FOR (n:Prediction|Scenario|Killer|Predictor|ReferenceClass|Ticker|Document|Episode|Domain|Milestone)
ON EACH [n.id, n.symbol, n.name, n.title, n.text, n.label, n.description, n.criterion, n.verbatim_quote, n.context,
  n.key_catalyst, n.watch_events, n.resolution_evidence];
CREATE FULLTEXT INDEX prediction_texts IF NOT EXISTS
FOR (n:Prediction)
ON EACH [n.id, n.title, n.text, n.verbatim_quote, n.context, n.key_catalyst, n.watch_events, n.resolution_evidence];

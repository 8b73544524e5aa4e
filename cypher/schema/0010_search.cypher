// Search finds nodes by words that `graph/model/search_texts.py` makes of their texts, so the index splits at blanks only.
// It replaces the two indexes of the texts themselves.
DROP INDEX subject_texts IF EXISTS;
DROP INDEX prediction_texts IF EXISTS;
CREATE FULLTEXT INDEX search_words IF NOT EXISTS
FOR (n:Prediction|Scenario|Killer|Predictor|ReferenceClass|Milestone|Evidence|Validation|Ticker|Document|Episode|Domain)
ON EACH [n.search_title, n.search_text, n.search_group]
OPTIONS {indexConfig: {`fulltext.analyzer`: 'whitespace'}};
CALL db.createProperty('search_version');

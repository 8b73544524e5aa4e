// A prediction's validations of one day. $low and $high: between which the day's keys lie.
MATCH (validation:Validation)
WHERE validation.check_key > $low AND validation.check_key < $high
RETURN properties(validation) AS properties
ORDER BY validation.check_key

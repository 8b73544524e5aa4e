// The base rates of reference classes, as pairs of id and rate in one record. $ids: the classes.
UNWIND $ids AS id
MATCH (class:ReferenceClass {id: id})
RETURN collect([class.id, class.base_rate]) AS rates

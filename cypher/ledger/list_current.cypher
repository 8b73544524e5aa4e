// What claims' beliefs follow from at present besides their ledgers, by id, in one record of columns: properties of the claims, then
// those of their classes, null without one; moments in microseconds, which cost a client a hundredth of what its datetimes do. Claims
// without a stated probability are left out. $ids: claims; $names and $moments: properties of claims, these with moments;
// $class_names: of classes.
UNWIND $ids AS id
MATCH (claim:Claim {id: id})
WHERE claim.stated_probability IS NOT NULL
WITH claim, properties(claim) AS own, head(COLLECT { MATCH (claim)-[:IN_CLASS]->(class:ReferenceClass) RETURN properties(class) }) AS class
ORDER BY claim.id
WITH collect([name IN $names | own[name]] + [name IN $moments | own[name].epochMillis * 1000 + own[name].microsecond % 1000]
  + [name IN $class_names | class[name]]) AS claims
RETURN [place IN range(0, size($names) + size($moments) + size($class_names) - 1) | [claim IN claims | claim[place]]] AS columns

// Notes how a scheduled job stands. $name: the job's; $job: properties, an absent one as null.
MATCH (job:Job {name: $name})
SET job += $job
RETURN job.name AS name

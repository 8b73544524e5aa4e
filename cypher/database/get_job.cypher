// What is noted of a scheduled job; no row before anything is. $name: the job's.
MATCH (job:Job {name: $name})
RETURN properties(job) AS job

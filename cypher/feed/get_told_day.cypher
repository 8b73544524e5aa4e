// The last day whose milestones were told, as text; no row before the first. $job: the node that notes it.
MATCH (job:Job {name: $job})
WHERE job.told_on IS NOT NULL
RETURN job.told_on AS told_on

// The server's load as its Java machine tells: bytes of its heap that are used, and the most; seconds of processor time and of garbage
// collection since its start; and the number of open files.
CALL dbms.queryJmx('java.lang:type=Memory') YIELD attributes
WITH attributes.HeapMemoryUsage.value.properties AS heap
CALL dbms.queryJmx('java.lang:type=OperatingSystem') YIELD attributes
WITH heap, attributes.ProcessCpuTime.value / 1e9 AS processor_seconds, attributes.OpenFileDescriptorCount.value AS num_files
CALL dbms.queryJmx('java.lang:type=GarbageCollector,name=*') YIELD attributes
WITH heap, processor_seconds, num_files, sum(attributes.CollectionTime.value) / 1e3 AS collection_seconds
RETURN heap.used AS heap_used_bytes, heap.max AS heap_max_bytes, processor_seconds, collection_seconds, num_files
ORDER BY heap_used_bytes
LIMIT 1

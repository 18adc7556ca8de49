SELECT service_class, TRIM(name) AS queue, num_query_tasks AS slots, query_working_mem AS slot_memory_mb,
  TRIM(concurrency_scaling) AS concurrency_scaling
FROM stv_wlm_service_class_config
WHERE service_class > 4
ORDER BY service_class

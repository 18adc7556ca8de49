SELECT size_bytes / 1073741824.0 AS size_gb, free_bytes / 1073741824.0 AS free_gb, free_bytes * 100.0 / NULLIF(size_bytes, 0) AS free_percent
FROM weir_disk

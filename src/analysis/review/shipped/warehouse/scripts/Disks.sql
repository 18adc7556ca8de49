-- part_begin = 0: the disk's own share, without the mirror of another one.
SELECT owner AS node, SUM(used) AS used_mb, SUM(capacity) AS capacity_mb,
  ROUND(100.0 * SUM(used) / NULLIF(SUM(capacity), 0), 1) AS used_percent
FROM stv_partitions
WHERE part_begin = 0
GROUP BY owner
ORDER BY owner

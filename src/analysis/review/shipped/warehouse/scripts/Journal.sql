SELECT segments, bytes / 1048576.0 AS mb, syncs_failed, CASE WHEN disk_full THEN 1 ELSE 0 END AS disk_full
FROM weir_journal

SELECT i."schema" AS schema_name, i."table" AS table_name, i.tbl_rows AS table_rows, i.size AS size_mb,
  NVL(TO_CHAR(s.last_read, 'YYYY-MM-DD HH24:MI:SS'), '') AS last_read
FROM svv_table_info i
LEFT JOIN (SELECT tbl, MAX(endtime) AS last_read FROM stl_scan WHERE userid > 1 GROUP BY tbl) s ON s.tbl = i.table_id
ORDER BY i.tbl_rows DESC

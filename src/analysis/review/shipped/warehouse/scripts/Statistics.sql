SELECT "schema" AS schema_name, "table" AS table_name, tbl_rows AS table_rows, stats_off
FROM svv_table_info
ORDER BY stats_off DESC, tbl_rows DESC

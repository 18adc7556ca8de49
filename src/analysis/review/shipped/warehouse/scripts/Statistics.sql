SELECT QUOTE_IDENT("schema") AS schema_name, QUOTE_IDENT("table") AS table_name, tbl_rows AS table_rows, stats_off
FROM svv_table_info
ORDER BY stats_off DESC, tbl_rows DESC

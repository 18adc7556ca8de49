SELECT QUOTE_IDENT("schema") AS schema_name, QUOTE_IDENT("table") AS table_name, tbl_rows AS table_rows, size AS size_mb,
  SUBSTRING(encoded, 1, 1) AS encoded, max_varchar
FROM svv_table_info
ORDER BY tbl_rows DESC

SELECT QUOTE_IDENT("schema") AS schema_name, QUOTE_IDENT("table") AS table_name, tbl_rows AS table_rows, TRIM(diststyle) AS diststyle, skew_rows AS row_skew
FROM svv_table_info
WHERE skew_rows IS NOT NULL
ORDER BY skew_rows DESC

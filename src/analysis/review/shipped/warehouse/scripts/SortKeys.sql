SELECT QUOTE_IDENT("schema") AS schema_name, QUOTE_IDENT("table") AS table_name, tbl_rows AS table_rows, size AS size_mb,
  NVL(TRIM(sortkey1), '') AS sort_key, QUOTE_IDENT(TRIM(sortkey1)) AS sort_column, NVL(TRIM(sortkey1_enc), '') AS sort_key_encoding
FROM svv_table_info
ORDER BY tbl_rows DESC

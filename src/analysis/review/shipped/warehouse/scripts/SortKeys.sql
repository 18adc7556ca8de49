SELECT "schema" AS schema_name, "table" AS table_name, tbl_rows AS table_rows, size AS size_mb,
  NVL(TRIM(sortkey1), '') AS sort_key, NVL(TRIM(sortkey1_enc), '') AS sort_key_encoding
FROM svv_table_info
ORDER BY tbl_rows DESC

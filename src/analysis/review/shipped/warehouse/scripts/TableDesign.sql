SELECT "schema" AS schema_name, "table" AS table_name, tbl_rows AS table_rows, NVL(sortkey1, '') AS sort_key
FROM svv_table_info

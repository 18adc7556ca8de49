SELECT QUOTE_IDENT("schema") AS schema_name, QUOTE_IDENT("table") AS table_name, tbl_rows AS table_rows, unsorted AS unsorted_percent,
  ROUND(100.0 * (tbl_rows - estimated_visible_rows) / NULLIF(tbl_rows, 0), 1) AS deleted_percent
FROM svv_table_info
ORDER BY tbl_rows DESC

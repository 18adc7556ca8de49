SELECT t."schema" AS schema_name, t."table" AS table_name, t.tbl_rows AS table_rows,
  (SELECT count(*) FROM stl_query q WHERE position(lower(t."table") IN lower(q.querytxt)) > 0) AS statements,
  (SELECT count(*) FROM weir_tables w WHERE position(' ' || lower(t."table") || ' ' IN ' ' || lower(w.reads) || ' ') > 0) AS tables_made_of_it,
  (SELECT DATEDIFF(day, min(q.starttime), GETDATE()) FROM stl_query q) AS days_known
FROM svv_table_info t

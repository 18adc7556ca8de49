SELECT QUOTE_IDENT(TRIM(schema_name)) AS schema_name, QUOTE_IDENT(TRIM(name)) AS view_name, TRIM(user_name) AS owner, is_stale, state, autorefresh
FROM svv_mv_info
ORDER BY 1, 2

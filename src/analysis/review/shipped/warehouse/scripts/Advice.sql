SELECT TRIM(type) AS advice, TRIM("database") AS database_name, table_id, TRIM(ddl) AS ddl, TRIM(auto_eligible) AS is_automatic
FROM svv_alter_table_recommendations
ORDER BY table_id

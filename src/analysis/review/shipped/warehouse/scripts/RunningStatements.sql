SELECT pid, TRIM(user_name) AS user_name, TRIM(db_name) AS database_name, starttime,
  DATEDIFF(second, starttime, GETDATE()) AS seconds, SUBSTRING(query, 1, 200) AS statement
FROM stv_recents
WHERE status = 'Running'
ORDER BY seconds DESC

SELECT TRIM(filename) AS file, MAX(query) AS query, COUNT(*) AS errors, MAX(starttime) AS last_time,
  MAX(TRIM(colname)) AS column_name, MAX(TRIM(err_reason)) AS reason
FROM stl_load_errors
WHERE starttime >= DATEADD(day, -7, GETDATE())
GROUP BY 1
ORDER BY errors DESC

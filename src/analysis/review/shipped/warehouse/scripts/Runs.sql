SELECT kind, name, count(*) AS runs, sum(CASE WHEN state = 'failed' THEN 1 ELSE 0 END) AS failed, max(error) AS an_error
FROM weir_runs
WHERE ended_at > DATEADD(day, -1, GETDATE())
GROUP BY kind, name
ORDER BY failed DESC

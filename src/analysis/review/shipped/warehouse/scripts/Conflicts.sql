SELECT table_id, COUNT(*) AS conflicts, MAX(abort_time) AS last_time
FROM stl_tr_conflict
WHERE abort_time >= DATEADD(day, -7, GETDATE())
GROUP BY table_id
ORDER BY conflicts DESC

SELECT pid, TRIM(txn_owner) AS user_name, TRIM(txn_db) AS database_name, MIN(txn_start) AS begun,
  DATEDIFF(second, MIN(txn_start), GETDATE()) AS open_seconds, COUNT(*) AS locks
FROM svv_transactions
GROUP BY 1, 2, 3
ORDER BY open_seconds DESC

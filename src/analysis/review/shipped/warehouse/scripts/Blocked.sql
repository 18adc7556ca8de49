SELECT w.pid, TRIM(w.txn_owner) AS user_name, TRIM(w.txn_db) AS database_name, w.relation, TRIM(w.lock_mode) AS lock_mode,
  DATEDIFF(second, w.txn_start, GETDATE()) AS wait_seconds, h.pid AS blocking_pid, TRIM(h.txn_owner) AS blocking_user
FROM svv_transactions w
JOIN svv_transactions h ON h.relation = w.relation AND h.pid <> w.pid AND h.granted
WHERE NOT w.granted
ORDER BY wait_seconds DESC

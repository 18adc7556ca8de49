-- How far databases are from the end of transaction and multixact numbers, some 2.1 billion after their oldest row
-- that was not frozen. Shortly before it the server takes no more writes.
SELECT d.datname AS "database",
       age(d.datfrozenxid) AS transaction_age,
       mxid_age(d.datminmxid) AS multixact_age,
       current_setting('autovacuum_freeze_max_age')::bigint AS forced_vacuum_at,
       round((100.0 * greatest(age(d.datfrozenxid), mxid_age(d.datminmxid)) / 2146483647)::numeric, 1) AS used_percent
FROM pg_database d
ORDER BY 5 DESC

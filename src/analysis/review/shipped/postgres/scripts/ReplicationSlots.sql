-- Replication slots, whether somebody reads them, and how much write-ahead log they keep from being removed.
SELECT s.slot_name AS slot, quote_literal(s.slot_name) AS quoted_slot, s.slot_type AS kind,
       coalesce(s.database, '') AS "database", s.active AS is_read,
       coalesce(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
                                s.restart_lsn), 0)::bigint AS held_bytes,
       (SELECT setting::bigint * 1048576 FROM pg_settings WHERE name = 'max_wal_size') AS max_wal_bytes
FROM pg_replication_slots s
WHERE NOT s.temporary
ORDER BY 6 DESC

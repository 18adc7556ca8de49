-- Settings that a server with data that matters has one way only, and those that wait for a restart.
SELECT s.name AS setting, s.setting AS value, wanted.value AS wanted, wanted.kind, s.pending_restart AS waits_for_restart
FROM pg_settings s
LEFT JOIN (VALUES ('fsync', 'on', 'safety'), ('full_page_writes', 'on', 'safety'),
                  ('zero_damaged_pages', 'off', 'safety'), ('ignore_checksum_failure', 'off', 'safety'),
                  ('autovacuum', 'on', 'upkeep'), ('track_counts', 'on', 'upkeep'), ('track_activities', 'on', 'upkeep'))
  AS wanted(name, value, kind) ON wanted.name = s.name
WHERE wanted.name IS NOT NULL OR s.pending_restart
ORDER BY s.setting = wanted.value NULLS FIRST, s.name

SELECT stream, accepted, quarantined, refused, quarantined * 100.0 / NULLIF(accepted + quarantined, 0) AS share
FROM weir_streams
ORDER BY share DESC

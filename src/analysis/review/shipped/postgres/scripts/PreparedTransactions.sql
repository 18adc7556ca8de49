-- Transactions of the first phase of a commit in two phases that nobody ended. They hold locks and rows like open
-- ones, and outlive every session and restart.
SELECT p.gid AS "transaction", quote_literal(p.gid) AS quoted_transaction, p.owner, p.database,
       p.prepared AS prepared_at,
       extract(epoch FROM now() - p.prepared)::bigint AS open_seconds,
       age(p.transaction) AS holds_transactions
FROM pg_prepared_xacts p
ORDER BY p.prepared

-- What the reviews of this weir have to look at: a large table, one that nobody fills, rows that came one by one, and
-- rights that are too wide.
CREATE SCHEMA shop;
CREATE TABLE shop.visits (id BIGINT, customer_id INT, seen_at TIMESTAMP, page VARCHAR(400)) DISTSTYLE EVEN;
INSERT INTO shop.visits SELECT i, i % 500, TIMESTAMP '2026-01-01 00:00:00' + i * INTERVAL '1 minute', 'page ' || i % 40 FROM generate_series(1, 200000) AS t(i);
CREATE TABLE shop.nobody_fills (n INT);
CREATE TABLE shop.clicks (id INT, page VARCHAR(40));
INSERT INTO shop.clicks VALUES (1, 'a');
INSERT INTO shop.clicks VALUES (2, 'b');
INSERT INTO shop.clicks VALUES (3, 'a');
INSERT INTO shop.clicks VALUES (4, 'c');
INSERT INTO shop.clicks VALUES (5, 'a');
INSERT INTO shop.clicks VALUES (6, 'b');
INSERT INTO shop.clicks VALUES (7, 'a');
INSERT INTO shop.clicks VALUES (8, 'b');
INSERT INTO shop.clicks VALUES (9, 'c');
INSERT INTO shop.clicks VALUES (10, 'a');
INSERT INTO shop.clicks VALUES (11, 'b');
INSERT INTO shop.clicks VALUES (12, 'a');
GRANT INSERT ON shop.clicks TO PUBLIC;
SELECT v.page, count(*) FROM shop.visits v JOIN shop.visits w ON w.id = v.customer_id GROUP BY 1 ORDER BY 2 DESC;
SELECT count(*) FROM shop.clicks c JOIN shop.visits v ON v.page = 'page ' || c.id;

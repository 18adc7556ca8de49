-- A shop's database with the faults that such databases have. psql runs it as a superuser of a server made for it.
\set ON_ERROR_STOP on
CREATE EXTENSION pg_stat_statements;
CREATE SCHEMA sales;

-- Tables: one without a key, one that a crash empties, one that is mostly dead rows, one that nobody analyzed.
CREATE TABLE sales.customers (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, email text);
INSERT INTO sales.customers (name, email) SELECT 'customer ' || i, 'c' || i || '@example.com' FROM generate_series(1, 20000) i;
CREATE TABLE sales.orders (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id int NOT NULL REFERENCES sales.customers,
  ordered_on date NOT NULL, state text NOT NULL, note text);
INSERT INTO sales.orders (customer_id, ordered_on, state, note)
SELECT 1 + i % 20000, current_date - i % 400, CASE WHEN i % 4000 = 3 THEN 'open' ELSE 'sent' END, repeat('-', 80)
FROM generate_series(1, 200000) i;
CREATE TABLE sales.clicks (customer_id int, page text);
CREATE UNLOGGED TABLE sales.carts (id int PRIMARY KEY, customer_id int);
CREATE TABLE sales.stock (id int PRIMARY KEY, amount int) WITH (autovacuum_enabled = off);
INSERT INTO sales.stock SELECT i, 0 FROM generate_series(1, 40000) i;
CREATE TABLE sales.prices (id int PRIMARY KEY, cents int) WITH (autovacuum_enabled = off);
INSERT INTO sales.prices SELECT i, i FROM generate_series(1, 5000) i;

-- Indexes: two that are equal, one that another covers, one that could not be built. Orders have none by customer.
CREATE INDEX customers_email ON sales.customers (email);
CREATE INDEX customers_by_email ON sales.customers (email);
CREATE INDEX orders_day ON sales.orders (ordered_on);
CREATE INDEX orders_day_state ON sales.orders (ordered_on, state);
\set ON_ERROR_STOP off
CREATE UNIQUE INDEX CONCURRENTLY orders_once ON sales.orders (customer_id);
\set ON_ERROR_STOP on

-- Numbers that end soon, a trigger that somebody switched off for a load, and a rule that old rows may break.
CREATE TABLE sales.invoices (id smallserial PRIMARY KEY, cents int);
SELECT setval('sales.invoices_id_seq', 31000) \g /dev/null
CREATE FUNCTION sales.note_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER noted BEFORE UPDATE ON sales.invoices FOR EACH ROW EXECUTE FUNCTION sales.note_change();
ALTER TABLE sales.invoices DISABLE TRIGGER noted;
ALTER TABLE sales.orders ADD CONSTRAINT known_state CHECK (state IN ('open', 'sent', 'back')) NOT VALID;

-- Rights that are too wide.
GRANT INSERT, UPDATE ON sales.carts TO PUBLIC;
GRANT CREATE ON SCHEMA sales TO PUBLIC;
CREATE FUNCTION sales.revenue() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT sum(cents) FROM sales.invoices';

-- What reviews and the demo may do.
GRANT USAGE ON SCHEMA sales TO clerk;
GRANT SELECT, UPDATE ON sales.orders TO clerk;
ANALYZE sales.customers, sales.orders;

-- A day's work: orders of a customer are looked for without an index, most of the stock is replaced.
DO $$ BEGIN FOR i IN 1..60 LOOP PERFORM count(*) FROM sales.orders WHERE customer_id = i; END LOOP; END $$;
DELETE FROM sales.stock WHERE id > 4000;

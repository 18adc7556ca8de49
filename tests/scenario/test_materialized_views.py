"""Materialized views through the real program: AUTO REFRESH follows what they read, by hand remains, failures are seen."""
import psycopg
import pytest
from conftest import wait_for


def state(project, name):
    """(is_stale, autorefresh) as Redshift shows them."""
    return tuple(project.sql(f"SELECT is_stale, autorefresh FROM svv_mv_info WHERE name = '{name}'")[0])


def refreshes(project, name):
    return project.sql(f"SELECT refresh_type, status FROM svl_mv_refresh_status WHERE mv_name = '{name}' ORDER BY starttime")


@pytest.fixture
def shop(project):
    project.start()
    project.weir("sql", "CREATE TABLE sales (id INT, amount INT)")
    project.weir("sql", "INSERT INTO sales VALUES (1, 10), (2, 20)")
    return project


def total(project, view):
    return project.sql(f"SELECT total FROM {view}")[0][0]


def test_a_view_follows_what_it_reads(shop):
    shop.weir("sql", "CREATE VIEW some_sales AS SELECT * FROM sales WHERE id > 0")
    shop.weir("sql", "CREATE MATERIALIZED VIEW followed AUTO REFRESH YES AS SELECT sum(amount)::BIGINT AS total FROM some_sales")
    shop.weir("sql", "CREATE MATERIALIZED VIEW above AUTO REFRESH YES AS SELECT total * 2 AS total FROM followed")
    shop.weir("sql", "CREATE MATERIALIZED VIEW kept AS SELECT sum(amount)::BIGINT AS total FROM sales")
    assert (state(shop, "followed"), state(shop, "kept")) == (("f", "t"), ("f", "f"))
    expected = 30
    wire = shop.get("/v1/status", headers=shop.admin()).json["wire"]
    with psycopg.connect(host=str(shop.folder / ".weir"), port=wire["port"], dbname="shop", autocommit=True) as connection:
        for words, more in [("INSERT INTO sales VALUES (3, 5)", 5), ("UPDATE sales SET amount = amount + 1 WHERE id = 1", 1), ("DELETE FROM sales WHERE id = 3", -5)]:
            connection.execute(words)
            expected += more
            wait_for(lambda: total(shop, "followed") == expected, words)
            wait_for(lambda: total(shop, "above") == 2 * expected, "what reads it follows it")
        connection.execute("BEGIN")
        connection.execute("INSERT INTO sales VALUES (4, 100)")
        connection.execute("ROLLBACK")
        connection.execute("BEGIN")
        connection.execute("INSERT INTO sales VALUES (5, 1000)")
        connection.execute("COMMIT")
        with connection.cursor().copy("COPY sales FROM STDIN (FORMAT csv)") as copy:
            copy.write("6,10000\n")
        expected += 11000
        wait_for(lambda: total(shop, "followed") == expected, "a transaction and COPY")
        wait_for(lambda: state(shop, "followed") == ("f", "t"), "it says so")
        assert state(shop, "kept") == ("t", "f") and total(shop, "kept") == 30
        connection.execute("REFRESH MATERIALIZED VIEW kept")
        assert state(shop, "kept") == ("f", "f") and total(shop, "kept") == expected
        assert refreshes(shop, "kept") == [["Manual", "Refresh successfully recomputed MV from scratch"]]
        assert {kind for kind, _ in refreshes(shop, "followed")} == {"Auto"}
        connection.execute("ALTER MATERIALIZED VIEW kept AUTO REFRESH YES")
        connection.execute("ALTER MATERIALIZED VIEW above AUTO REFRESH NO")
        assert (state(shop, "kept")[1], state(shop, "above")[1]) == ("t", "f")
        connection.execute("TRUNCATE sales")
        wait_for(lambda: total(shop, "kept") is None, "it follows now")


def test_it_goes_on_after_a_kill(shop):
    shop.weir("sql", "CREATE MATERIALIZED VIEW followed AUTO REFRESH YES AS SELECT sum(amount)::BIGINT AS total FROM sales")
    shop.weir("sql", "INSERT INTO sales VALUES (3, 5)")
    shop.kill()
    shop.start()
    wait_for(lambda: total(shop, "followed") == 35, "what was missing is there")
    assert state(shop, "followed") == ("f", "t")
    shop.weir("sql", "INSERT INTO sales VALUES (4, 5)")
    wait_for(lambda: total(shop, "followed") == 40, "and it follows")


def test_a_stream_is_followed(project):
    project.write("streams/visits.yaml", "fields:\n  page: {type: string}\nwrite: public\n")
    project.start()
    project.weir("sql", "CREATE MATERIALIZED VIEW counted AUTO REFRESH YES AS SELECT count(*) AS total FROM visits")
    for count in (1, 2):
        assert project.post("/v1/streams/visits", {"page": "/"}, {"Idempotency-Key": str(count)}).status == 200
        wait_for(lambda: total(project, "counted") == count, "an event")


def test_a_refresh_that_fails_is_seen_and_tried_again(shop):
    shop.weir("sql", "CREATE TABLE texts (t VARCHAR(10))")
    shop.weir("sql", "CREATE MATERIALIZED VIEW strict AUTO REFRESH YES AS SELECT sum(t::INT)::BIGINT AS total FROM texts")
    shop.weir("sql", "INSERT INTO texts VALUES ('x')")
    wait_for(lambda: any(status.startswith("Refresh failed: ") for _, status in refreshes(shop, "strict")), "the failure is in the system relation")
    wait_for(lambda: "materialized_view.not_refreshed" in shop.output(), "and in the log")
    assert state(shop, "strict") == ("t", "t"), "stale, with its old rows"
    shop.weir("sql", "DELETE FROM texts")
    shop.weir("sql", "REFRESH MATERIALIZED VIEW strict")
    assert state(shop, "strict") == ("f", "t")


def test_what_nobody_is_told_of_is_refused(shop):
    shop.weir("sql", "CREATE VIEW late AS SELECT * FROM sales WITH NO SCHEMA BINDING")
    shop.weir("sql", "CREATE MATERIALIZED VIEW not_known AS SELECT count(*) AS n FROM late", code=1)
    assert "late binding view public.late" in shop.stderr
    (shop.folder / ".weir/store/s3/files").mkdir(parents=True)
    shop.weir("sql", "CREATE EXTERNAL SCHEMA ext FROM DATA CATALOG DATABASE 'd' IAM_ROLE default CREATE EXTERNAL DATABASE IF NOT EXISTS")
    shop.weir("sql", "CREATE EXTERNAL TABLE ext.files (a int) STORED AS PARQUET LOCATION 's3://files/'")
    shop.weir("sql", "CREATE MATERIALIZED VIEW not_told AUTO REFRESH YES AS SELECT count(*) AS n FROM ext.files", code=1)
    assert "the external table ext.files" in shop.stderr and "without AUTO REFRESH" in shop.stderr
    shop.weir("sql", "CREATE MATERIALIZED VIEW not_told AS SELECT count(*) AS n FROM ext.files")
    shop.weir("sql", "ALTER MATERIALIZED VIEW not_told AUTO REFRESH YES", code=1)
    shop.weir("sql", "ALTER MATERIALIZED VIEW sales AUTO REFRESH YES", code=2)
    assert "not a materialized view" in shop.stderr

"""Tables, users and loads in SQL, through the command and the routes, as people use them without a session."""

import re
import subprocess


def test_a_table_from_its_making_to_its_end(advertising):
    advertising.weir("sql", "CREATE TABLE sales (id INT IDENTITY(1,1), day DATE, amount DECIMAL(10,2)) DISTKEY(id) SORTKEY(day)")
    assert "CREATE TABLE" in advertising.stderr
    advertising.weir("sql", "INSERT INTO sales (day, amount) VALUES ('2026-11-21', 2.5), ('2026-11-22', 4)")
    assert "INSERT 0 2" in advertising.stderr
    advertising.weir("sql", "CREATE VIEW by_day AS SELECT day, sum(amount) AS total FROM sales GROUP BY 1")
    assert advertising.sql("SELECT day, total FROM by_day ORDER BY 1") == [["2026-11-21", "2.50"], ["2026-11-22", "4.00"]]
    advertising.weir("sql", "DROP TABLE sales", code=1)
    assert "CASCADE" in advertising.stderr
    advertising.weir("sql", "BEGIN", code=1)
    assert "needs a session" in advertising.stderr


def test_what_a_users_token_may_is_what_the_user_was_granted(advertising):
    advertising.weir("sql", "CREATE TABLE pay AS SELECT 1 AS id, 100 AS amount")
    advertising.weir("sql", "CREATE USER ada PASSWORD 'Secret123'")
    token = re.search(r"weir_\w+", advertising.weir("token", "create", "--user", "ada")).group(0)

    def ask(sql):
        reply = advertising.post("/v1/sql", {"sql": sql}, {"Authorization": f"Bearer {token}"})
        return reply.json["rows"] if reply.status == 200 else reply.json["error"]["message"]

    assert ask("SELECT * FROM pay") == "permission denied for relation pay"
    advertising.weir("sql", "GRANT SELECT (id) ON pay TO ada")
    assert ask("SELECT id FROM pay") == [[1]]
    assert ask("SELECT amount FROM pay") == "permission denied for relation pay"
    assert ask("DROP TABLE pay") == "must be owner of relation pay"
    assert ask("SELECT count(*) FROM impressions") == "permission denied for relation impressions"


def test_copy_and_unload_move_rows_through_the_store(advertising):
    advertising.weir("sql", "CREATE TABLE t AS SELECT i AS id, 'n' || i AS name FROM range(1000) r(i)")
    unload = "UNLOAD ('SELECT * FROM t ORDER BY id') TO 's3://lake/t/' IAM_ROLE default CSV HEADER GZIP MANIFEST"
    advertising.weir("sql", unload)
    assert "UNLOAD 1000" in advertising.stderr
    folder = advertising.folder / ".weir/store/s3/lake/t"
    assert sorted(one.name for one in folder.iterdir()) == ["0000_part_00.gz", "manifest"]
    lines = subprocess.run(["zcat", folder / "0000_part_00.gz"], capture_output=True, text=True, check=True).stdout.splitlines()
    assert lines[:2] == ["id,name", "0,n0"] and len(lines) == 1001
    advertising.weir("sql", unload)  # the same again replaces its own
    advertising.weir("sql", "CREATE TABLE back (id INT, name VARCHAR(10))")
    advertising.weir("sql", "COPY back FROM 's3://lake/t/manifest' IAM_ROLE default CSV GZIP IGNOREHEADER 1 MANIFEST")
    assert "COPY 1000" in advertising.stderr
    assert advertising.sql("SELECT count(*) FROM back JOIN t USING (id, name)") == [[1000]]
    (folder / "0000_part_00.gz").write_bytes(b"not gzip")
    advertising.weir("sql", "COPY back FROM 's3://lake/t/0000' IAM_ROLE default CSV GZIP", code=1)
    assert str(advertising.folder) not in advertising.stderr
    assert advertising.sql("SELECT count(*) FROM back") == [[1000]]


def test_what_was_committed_outlives_a_kill(advertising):
    advertising.weir("sql", "CREATE TABLE kept (id INT IDENTITY(1,1), v INT)")
    for i in range(5):
        advertising.weir("sql", f"INSERT INTO kept (v) VALUES ({i})")
    advertising.kill()
    advertising.start()
    assert advertising.sql("SELECT count(*), max(id) >= 5 FROM kept") == [[5, True]]
    advertising.weir("sql", "GRANT SELECT ON kept TO PUBLIC")
    assert "GRANT" in advertising.stderr

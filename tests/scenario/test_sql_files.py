"""The statements of tests/sql once more, through the wire; and those that PostgreSQL 15 answers alike, through a real one."""
import re

import psycopg
import pytest
from conftest import Project
from sql_files import FOLDER, POSTGRES, Postgres, Target

REDSHIFT = sorted(FOLDER.glob("redshift/*.test"))
# Of streams, files and the tail in process; here what a user sees of ordinary tables with the same rows. names.test and
# renamed.test have names that only streams can have.
STREAMS = sorted(path for folder in ("streams", "types", "locks") for path in FOLDER.glob(folder + "/*.test") if path.name not in ("names.test", "renamed.test"))
FILES = sorted(FOLDER.glob("dialect/*.test")) + sorted(FOLDER.glob("postgres/*.test"))


@pytest.fixture(scope="module")
def weir(tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("sql_files") / "shop")
    project.folder.mkdir()
    project.start()
    wire = project.get("/v1/status", headers=project.admin()).json["wire"]
    connect = lambda host, **more: psycopg.connect(host=host, port=wire["port"], dbname="shop", autocommit=True, **more)
    owner = connect(str(project.folder / ".weir"))

    def as_user(name):
        owner.execute(f"CREATE USER {name} PASSWORD 'Of-A-Test1'")
        return connect("127.0.0.1", user=name, password="Of-A-Test1")  # on the folder's socket everybody is its owner

    target = Target(owner, "weir", as_user=as_user)
    target.port, target.folder = wire["port"], project.folder
    yield target
    target.close()
    project.kill()


@pytest.fixture
def user(weir, request):
    """One who has but a schema of their own, for each file another."""
    name = "user_" + re.sub(r"\W", "_", request.node.callspec.id)
    weir.run(f"CREATE USER {name} PASSWORD 'Wonder1and'")
    weir.run(f"CREATE SCHEMA {name} AUTHORIZATION {name}")
    wire = dict(host="127.0.0.1", port=weir.port, user=name, password="Wonder1and", dbname="shop", autocommit=True)
    with psycopg.connect(**wire) as connection, psycopg.connect(**wire) as own:
        for one in (connection, own):
            one.execute(f"SET search_path = {name}")
        yield Target(connection, "weir", "wire", own=Target(own, "weir"))


@pytest.fixture(scope="module")
def postgres():
    assert (POSTGRES / "initdb").exists(), "scripts/install --tests installs PostgreSQL 15"
    server = Postgres()
    yield Target(server.connection, "postgresql")
    server.stop()


def name_of(path):
    return str(path.relative_to(FOLDER))


@pytest.mark.parametrize("path", FILES + REDSHIFT, ids=name_of)
def test_weir_answers_so_on_the_wire(weir, path):
    problems = weir.problems(path)
    assert not problems, "\n\n".join(problems)


@pytest.mark.parametrize("path", STREAMS, ids=name_of)
def test_weir_answers_a_user_so_on_the_wire(weir, user, path):
    places = {"${DATABASE}": weir.folder / ".weir/warehouse.duckdb", "${STORE}": weir.folder / ".weir/store", "${FOLDER}": weir.folder}

    def expand(sql):
        for word, place in places.items():
            sql = sql.replace(word, str(place))
        return sql

    problems = user.problems(path, expand)
    assert not problems, "\n\n".join(problems)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_real_postgresql_answers_so(postgres, path):
    problems = postgres.problems(path)
    assert not problems, "\n\n".join(problems)

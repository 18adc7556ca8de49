"""The statements of tests/sql once more, through the wire; and those that PostgreSQL 15 answers alike, through a real one."""
import psycopg
import pytest
from conftest import Project
from sql_files import FOLDER, POSTGRES, Postgres, Target

REDSHIFT = sorted(FOLDER.glob("redshift/*.test"))
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

    target = Target(owner, "weir", as_user)
    yield target
    target.close()
    project.kill()


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


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_real_postgresql_answers_so(postgres, path):
    problems = postgres.problems(path)
    assert not problems, "\n\n".join(problems)

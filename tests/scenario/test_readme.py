"""The README's snippets and the guide's beacon, run as they stand."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
from conftest import BINARY, ROOT

README = (ROOT / "README.md").read_text()
GUIDE = (ROOT / "docs/guides/capture.md").read_text()


def snippet(language, text=README):
    return re.search(rf"```{language}\n(.*?)```", text, re.S).group(1)


@pytest.fixture
def served(project):
    project.weir("init")
    events = project.folder / "streams/events.yaml"
    events.write_text(events.read_text() + 'cors: ["*"]\n')
    return project.start()


def here(text, project):
    return text.replace("127.0.0.1:8480", f"127.0.0.1:{project.port}")


def test_curl(served):
    [line] = [line for line in README.splitlines() if line.startswith("curl -d")]
    done = subprocess.run(["bash", "-c", here(line, served)], capture_output=True, text=True, check=True)
    assert '"accepted":1' in done.stdout


def test_python(served):
    done = subprocess.run([sys.executable, "-c", here(snippet("python"), served)], capture_output=True, text=True)
    assert done.stdout.strip() == "accepted", done.stderr


def test_node(served, tmp_path):
    script = tmp_path / "send.mjs"
    script.write_text(here(snippet("js"), served))
    done = subprocess.run(["node", str(script)], capture_output=True, text=True)
    assert done.stdout.strip() == "2", done.stderr


def test_page_beacon(served, tmp_path):
    """The ten lines in a real browser: the events are sent when the page is left."""
    chromium = shutil.which("chromium")
    assert chromium, "Debian's chromium is missing; scripts/install --tests installs it"
    page = tmp_path / "page.html"
    page.write_text("<!doctype html>" + here(snippet("html", GUIDE), served) + "<script>track({type: 'beacon'}); setTimeout(flush, 50);</script>")
    subprocess.run([chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
                    f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=3000", "--dump-dom", page.as_uri()],
                   capture_output=True, timeout=60, check=True)
    assert served.sql("SELECT count(*) FROM events WHERE type = 'beacon'") == [[1]]


def test_the_guides_declaration_is_good(project):
    project.write("streams/orders.yaml", snippet("yaml", GUIDE))
    project.weir("plan", code=3)


@pytest.mark.parametrize("command", sorted(set(re.findall(r"^weir (\w+)", README, re.M))))
def test_every_command_of_the_tour_exists(command):
    done = subprocess.run([BINARY, command, "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


MIGRATION = (ROOT / "docs/migrate/hybrid-warehouse.md").read_text()


def test_the_migration_tour_from_the_hybrid_warehouse(project):
    """Every command of the page, in a copy of the example, as somebody would type them."""
    shutil.copytree(ROOT / "examples/advertising", project.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".weir", "staging"))
    project.start()
    environment = os.environ | {"PATH": f"{pathlib.Path(BINARY).parent}:{os.environ['PATH']}", "WEIR_DIR": str(project.folder),
                                "URL": f"http://127.0.0.1:{project.port}", "WEIR_PORT": str(project.port)}
    script = here(snippet("sh", MIGRATION), project)
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=project.folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout.strip().splitlines()[-1])
    assert told["count"] >= 1 and {"day", "impressions", "clicks", "clickthrough_rate"} <= set(told["days"][0])
    rows = project.sql("SELECT (SELECT count(*) FROM raw_impressions) = (SELECT count(*) FROM impressions), count(*) FROM public.advertising")
    assert rows[0][0] is True and rows[0][1] > 0

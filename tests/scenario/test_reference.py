"""The reference pages say what the program does: every example on them is run, every metric is on them."""
import json
import os
import re
import subprocess
import time

from conftest import ROOT
from test_operations import parse_prometheus

HTTP = ROOT / "docs/reference/http.md"
METRICS = ROOT / "docs/reference/metrics.md"
ORDERS = "fields:\n  customer: {type: string, required: true, subject: true}\n  amount: number\n"


def examples(page):
    """(line, commands, kind of answer, answer) of each block of commands and the answer below it."""
    text = page.read_text()
    for block in re.finditer(r"^```sh\n(.*?)^```\n```(json|text)\n(.*?)^```$", text, re.M | re.S):
        yield text[:block.start()].count("\n") + 1, block[1], block[2], block[3]


def differences(told, got, place=""):
    """What the page says and the answer does not have. "…" stands for any text; numbers are examples; null is anything."""
    if told is None:
        return []
    if isinstance(told, dict):
        if not isinstance(got, dict):
            return [f"{place} is {got!r}"]
        return [one for key, value in told.items() for one in (differences(value, got[key], f"{place}.{key}") if key in got else [f"{place}.{key} is missing"])]
    if isinstance(told, list):
        if not isinstance(got, list) or len(got) < len(told):
            return [f"{place} is {got!r}"]
        return [one for index, value in enumerate(told) for one in differences(value, got[index], f"{place}[{index}]")]
    if isinstance(told, str) and isinstance(got, str):
        pattern = ".*".join(re.escape(part) for part in told.split("…"))
        return [] if re.fullmatch(pattern, got, re.S) else [f"{place} is {got!r}, not {told!r}"]
    if isinstance(told, bool) or isinstance(got, bool):
        return [] if told is got else [f"{place} is {got!r}, not {told!r}"]
    return [] if isinstance(told, (int, float)) and isinstance(got, (int, float)) else [f"{place} is {got!r}, not like {told!r}"]


def environment(project):
    def token(*role):
        return project.weir("token", "create", *role).strip()
    return {**os.environ, "URL": f"http://127.0.0.1:{project.port}", "FOLDER": str(project.folder), "NOW": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime()),
            "ADMIN": project.admin()["Authorization"].split()[1], "READ": token("--read"), "WRITE": token("--write", "orders")}


def test_the_examples_of_the_http_page_answer_what_it_says(advertising):
    advertising.write("streams/orders.yaml", ORDERS)
    advertising.weir("apply")
    env = environment(advertising)
    ran = 0
    wrong = []
    for line, commands, kind, answer in examples(HTTP):
        done = subprocess.run(["bash", "-euc", commands], capture_output=True, text=True, env=env, timeout=60)
        got = done.stdout.replace("\r", "")
        if kind == "json":
            try:
                found = differences(json.loads(answer), json.loads(got))
            except ValueError:
                found = [f"no JSON: {got!r} {done.stderr}"]
        else:
            found = [] if got.strip() == answer.strip() else [repr(got)]
        wrong += [f"http.md:{line}: {one}" for one in found]
        ran += 1
    assert ran > 25 and not wrong, "\n".join(wrong)


def metrics_table(text):
    """The rows as the page has them: name, kind, labels, help."""
    rows = []
    for name, (kind, words, samples) in sorted(parse_prometheus(text).items()):
        labels = sorted({label for _, pairs in samples for label, _ in pairs if label != "le"})
        rows.append(f"| `{name}` | {kind} | {', '.join(f'`{label}`' for label in labels)} | {words} |")
    return rows


def test_every_metric_is_on_its_page_and_none_that_does_not_exist(advertising):
    advertising.write("alerts/page.yaml", "channels:\n  hook: {kind: webhook, url: 'http://127.0.0.1:1/'}\n")
    advertising.weir("apply")
    advertising.stop()
    with (advertising.folder / "weir.yaml").open("a") as settings:
        settings.write("connections: {nobody: {host: localhost, port: 1, database: d, user: u}}\n")
    advertising.start()
    advertising.post("/v1/connections/nobody/query", {"sql": "SELECT 1"}, advertising.admin())
    advertising.post("/impressions", {"impressions": [{"ad_id": "x"}]})
    advertising.post("/impressions", "{nonsense")
    advertising.sql("SELECT count(*) FROM impressions")
    advertising.weir("lake", "drain")
    rows = metrics_table(advertising.get("/metrics").body.decode())
    page = METRICS.read_text()
    table = re.search(r"<!-- metrics[^>]*-->\n\| metric .*?\n\|[-|]+\n(.*?)<!-- /metrics -->", page, re.S)
    assert table[1].splitlines() == rows, "docs/reference/metrics.md should have these rows:\n" + "\n".join(rows)

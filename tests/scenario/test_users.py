"""Users, roles and groups: the command, the routes, signing in, and that no password is left anywhere."""
import re
import subprocess

import pytest

from conftest import BINARY, ROOT

GOOD, OTHER = "Correct-Horse7", "Another-One8"


@pytest.fixture(autouse=True)
def declared(project):
    project.write("weir.yaml", "name: shop\n")


def sign_in(project, user, password):
    return project.post("/v1/session", {"user": user, "password": password})


def cookie_of(reply):
    return {"Cookie": reply.headers["set-cookie"].split(";")[0]}


def refused(project, *arguments, stdin=None):
    done = subprocess.run([BINARY, *arguments, "--dir", str(project.folder)], capture_output=True, text=True, input=stdin or "", timeout=60)
    assert done.returncode in (1, 2) and done.stdout == "", done
    return done.stderr


def test_the_commands_of_the_guide_do_what_it_says(project):
    text = (ROOT / "docs/guides/users.md").read_text()
    commands = re.search(r"<!-- run:.*?-->\n```sh\n(.*?)```", text, re.S)[1]
    done = subprocess.run(["bash", "-euc", f'weir() {{ "{BINARY}" --dir "{project.folder}" "$@"; }}\n{commands}'], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^100 +ada +set .*analysts", done.stdout, re.M) and re.search(r"^101 +grace +yes +set .*etl", done.stdout, re.M), done.stdout


def test_a_user_signs_in_until_the_password_is_another(project):
    project.weir("user", "create", "ada", "--password-stdin", stdin=f"{GOOD}\n")
    project.start()
    assert sign_in(project, "ada", OTHER).status == 401
    assert sign_in(project, "nobody", GOOD).json == sign_in(project, "ada", "").json
    signed_in = sign_in(project, "ada", GOOD)
    assert signed_in.status == 200 and signed_in.json["user"] == "ada" and signed_in.json["role"] == "read"
    cookie = cookie_of(signed_in)
    assert project.get("/v1/status", headers=cookie).status == 200
    assert project.get("/v1/users", headers=cookie).status == 403
    project.weir("user", "alter", "ada", "--superuser")
    assert [one["name"] for one in project.get("/v1/users", headers=cookie).json["users"]] == ["weir", "ada"]
    # A restart keeps the session, a new password ends it.
    project.stop()
    project.start()
    assert project.get("/v1/users", headers=cookie).status == 200
    project.weir("user", "password", "ada", "--password-stdin", stdin=f"{OTHER}\n")
    assert project.get("/v1/users", headers=cookie).status == 401
    assert sign_in(project, "ada", GOOD).status == 401 and sign_in(project, "ada", OTHER).status == 200


def test_a_users_token_may_what_the_user_may_and_ends_with_it(project):
    project.weir("user", "create", "ada", "--no-password")
    project.start()
    token = {"Authorization": "Bearer " + project.weir("token", "create", "--user", "ada").strip()}
    assert project.get("/v1/session", headers=token).json["user"] == "ada"
    assert project.get("/v1/streams", headers=token).status == 200 and project.get("/v1/tokens", headers=token).status == 403
    project.weir("user", "role", "grant", "sys:superuser", "ada")
    assert "ada" in [one["user"] for one in project.get("/v1/tokens", headers=token).json["tokens"]]
    project.weir("user", "drop", "ada")
    assert project.get("/v1/streams", headers=token).status == 401
    project.weir("user", "create", "ada", "--no-password", "--superuser")
    assert project.get("/v1/streams", headers=token).status == 401, "another ada"
    assert "no user 'bob'" in refused(project, "token", "create", "--user", "bob")


def test_a_user_changes_the_own_password_and_other_sessions_end(project):
    project.weir("user", "create", "ada", "--password-stdin", stdin=f"{GOOD}\n")
    project.start()
    mine, elsewhere = (cookie_of(sign_in(project, "ada", GOOD)) for _ in range(2))
    page = {**mine, "X-Weir": "1", "Origin": f"http://127.0.0.1:{project.port}", "Content-Type": "application/json"}
    change = lambda now, to, headers=page: project.request("PUT", "/v1/session/password", {"now": now, "next": to}, headers)
    assert change(OTHER, OTHER).status == 403 and change(GOOD, "short").status == 400
    assert project.get("/v1/status", headers=elsewhere).status == 200, "what was refused ends nothing"
    changed = change(GOOD, OTHER)
    assert changed.status == 200 and changed.json["user"] == "ada"
    assert project.get("/v1/status", headers=elsewhere).status == 401 and project.get("/v1/status", headers=mine).status == 401
    assert project.get("/v1/status", headers=cookie_of(changed)).status == 200
    assert sign_in(project, "ada", GOOD).status == 401 and sign_in(project, "ada", OTHER).status == 200
    assert change(GOOD, OTHER, project.admin()).status == 403


def test_what_was_changed_survives_a_kill(project):
    project.start()
    admin = project.admin()
    for index in range(5):
        made = project.post("/v1/users", {"name": f"u{index}", "password": GOOD, "groups": []}, admin)
        assert made.status == 200, made
    assert project.request("DELETE", "/v1/users/u4", headers=admin).status == 204
    assert project.post("/v1/roles", {"name": "analysts"}, admin).status == 200
    assert project.request("PUT", "/v1/roles/analysts/members/u1", headers=admin).status == 204
    project.kill()
    project.start()
    names = {one["name"]: one for one in project.get("/v1/users", headers=admin).json["users"]}
    assert sorted(names) == ["u0", "u1", "u2", "u3", "weir"] and names["u1"]["roles"] == ["analysts"]
    assert sign_in(project, "u3", GOOD).status == 200 and sign_in(project, "u4", GOOD).status == 401
    assert project.post("/v1/users", {"name": "u4"}, admin).json["id"] == 105, "a number is given once"


def test_mistakes_are_told_and_change_nothing(project):
    assert "no terminal" in refused(project, "user", "create", "ada")
    assert "allowed are 8 to 64" in refused(project, "user", "create", "ada", "--password-stdin", stdin="short\n")
    assert "upper-case" in refused(project, "user", "create", "ada", "--password-stdin", stdin="correct-horse7\n")
    assert "exclude each other" in refused(project, "user", "create", "ada", "--generate", "--disable")
    assert "is reserved" in refused(project, "user", "create", "public", "--no-password")
    assert "no role 'analysts'" in refused(project, "user", "create", "ada", "--no-password", "--role", "analysts")
    assert "folder's owner" in refused(project, "user", "drop", "weir")
    project.weir("user", "create", "ada", "--no-password")
    assert "already" in refused(project, "user", "create", "ada", "--no-password")
    assert "did you mean 'ada'" in refused(project, "user", "drop", "adaa")
    assert "nothing to change" in refused(project, "user", "alter", "ada")
    assert "60s to 20d" in refused(project, "user", "alter", "ada", "--session-timeout", "5s")
    project.weir("user", "role", "grant", "sys:superuser", "ada")
    assert "cannot be disabled" in refused(project, "user", "password", "ada", "--disable"), "a superuser by a role too"
    project.weir("user", "role", "revoke", "sys:superuser", "ada")
    project.start()
    admin = project.admin()
    for body, words in [({"name": "b", "passwort": GOOD}, "did you mean 'password'"), ({"name": "b", "password": 5}, "must be a text"), ({}, "'name'"),
                        ({"name": "b", "valid_until": "tomorrow"}, "tomorrow"), ({"name": "b", "groups": ["g"]}, "no group 'g'"),
                        ({"name": "b", "settings": {"a b": "1"}}, "no name of a setting")]:
        reply = project.post("/v1/users", body, admin)
        assert reply.status in (400, 404) and words in reply.body.decode(), (body, reply)
    assert [one["name"] for one in project.get("/v1/users", headers=admin).json["users"]] == ["weir", "ada"]
    reader = {"Authorization": "Bearer " + project.weir("token", "create", "--read").strip()}
    for method, path in [("GET", "/v1/users"), ("POST", "/v1/users"), ("PUT", "/v1/users/ada/password"), ("GET", "/v1/roles"), ("DELETE", "/v1/users/ada")]:
        assert project.request(method, path, body=None if method == "GET" else "{}", headers=reader).status == 403
        assert project.request(method, path, body=None if method == "GET" else "{}").status == 401


def test_ten_wrong_passwords_close_the_door(project):
    project.weir("user", "create", "ada", "--password-stdin", stdin=f"{GOOD}\n")
    project.start()
    replies = [sign_in(project, "ada", OTHER).status for _ in range(10)]
    assert replies == [401] * 10
    closed = sign_in(project, "ada", GOOD)
    assert closed.status == 429 and "retry-after" in closed.headers
    assert project.post("/v1/session", {"token": "weir_x"}).status == 429


def test_no_password_is_left_in_any_file_or_line(project):
    project.start()
    made = project.weir("user", "create", "ada", "--generate").strip()
    assert "shown once" in project.stderr and len(made) == 24
    project.weir("user", "create", "grace", "--password-stdin", stdin=f"{GOOD}\n")
    assert sign_in(project, "ada", made).status == 200
    assert sign_in(project, GOOD, "typed a line too early").status == 401
    assert sign_in(project, "grace", OTHER).status == 401
    project.weir("user", "password", "grace", "--disable")
    assert sign_in(project, "grace", GOOD).status == 401
    listed = project.weir("user", "list", "--json")
    project.stop()
    found = [path for path in project.folder.rglob("*") if path.is_file() for secret in (made, GOOD, OTHER) if secret.encode() in path.read_bytes()]
    assert not found and GOOD not in listed and "argon2" not in listed and "SCRAM" not in listed

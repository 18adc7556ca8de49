"""TLS of the listeners: HTTP, AWS's dialects and the wire show one certificate; off loopback nothing goes without it."""
import http.client
import json
import socket
import ssl
import subprocess

import pytest

from conftest import wait_for


def own_address():
    """An address of this machine that is not loopback, or None. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        found = probe.getsockname()[0]
    return None if found.startswith("127.") else found


def make_certificate(folder, name, addresses):
    names = ",".join(f"IP:{one}" for one in addresses)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
                    "-subj", f"/CN={name}", "-addext", f"subjectAltName={names}", "-keyout", folder / "weir.key",
                    "-out", folder / "weir.pem"], check=True, capture_output=True)
    return folder / "weir.pem"


class Secure:
    """Asks one server over TLS, on connections that stay."""

    def __init__(self, address, port, ca_file):
        self.context = ssl.create_default_context(cafile=ca_file)
        self.connection = http.client.HTTPSConnection(address, port, timeout=60, context=self.context)

    def ask(self, method, path, body=None, headers=None):
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body)
        self.connection.request(method, path, body, {"Content-Type": "application/json", **(headers or {})})
        answer = self.connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()


def test_the_port_of_http_takes_tls_too(project):
    project.write("streams/visits.yaml", "fields:\n  page: {type: string}\nwrite: public\n")
    project.start()
    secure = Secure("127.0.0.1", project.port, project.folder / ".weir/tls/certificate.pem")
    status, _, body = secure.ask("GET", "/health/ready")
    assert status == 200, body
    first = secure.connection.sock
    events = "\n".join(json.dumps({"page": f"/{number}/" + "x" * 500}) for number in range(5_000)).encode()
    status, _, body = secure.ask("POST", "/v1/streams/visits", events, {"Content-Type": "application/x-ndjson"})
    assert status in (200, 202), body
    # A large answer, made while it is sent, whole and in order.
    project.weir("lake", "drain")
    status, _, body = secure.ask("POST", "/v1/sql", {"sql": "SELECT range AS n, repeat('y', 100) AS y FROM range(200000)", "rows_max": 1_000_000},
                                 project.admin())
    rows = json.loads(body)["rows"]
    assert status == 200 and len(rows) == 200_000 and rows[-1][0] == 199_999
    assert secure.connection.sock is first, "all on one connection"
    assert project.sql("SELECT count(*) FROM visits") == [[5_000]]


def test_a_cookie_given_by_tls_comes_back_by_tls_only(project):
    project.start()
    token = project.admin()["Authorization"].split()[1]
    secure = Secure("127.0.0.1", project.port, project.folder / ".weir/tls/certificate.pem")
    status, headers, body = secure.ask("POST", "/v1/session", {"token": token}, {"Origin": f"https://127.0.0.1:{project.port}"})
    assert status == 200, body
    assert "; Secure" in headers["set-cookie"] and "HttpOnly" in headers["set-cookie"]
    plain = project.post("/v1/session", {"token": token}, {"Origin": f"http://127.0.0.1:{project.port}"})
    assert "Secure" not in plain.headers["set-cookie"]


def test_old_versions_and_half_a_handshake_do_no_harm(project):
    project.start()
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", project.port)) as raw, pytest.raises(ssl.SSLError):
        old.wrap_socket(raw)
    held = []
    for hello in (b"\x16", b"\x16\x03\x01\x00\x05", b"\x16\x03\x01\x40\x00" + b"\x01" * 200):
        raw = socket.create_connection(("127.0.0.1", project.port), timeout=20)
        raw.sendall(hello)
        held.append(raw)
    assert project.get("/health/ready").status == 200
    for raw in held:
        try:
            while raw.recv(1000):
                pass
        except ConnectionResetError:
            pass
        raw.close()


def test_aws_clients_by_tls(project):
    from test_aws import boto3
    project.start()
    port = project.get("/v1/status", headers=project.admin()).json["aws"]["port"]
    key = json.loads(project.weir("token", "create", "--admin", "--access-key", "--json"))
    s3 = boto3.client("s3", endpoint_url=f"https://127.0.0.1:{port}", region_name="eu-west-1", aws_access_key_id=key["access_key_id"],
                      aws_secret_access_key=key["token"], verify=str(project.folder / ".weir/tls/certificate.pem"))
    s3.create_bucket(Bucket="sealed", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    body = bytes(range(256)) * 20_000
    s3.put_object(Bucket="sealed", Key="a/b.bin", Body=body)
    assert s3.get_object(Bucket="sealed", Key="a/b.bin")["Body"].read() == body


def test_off_loopback_there_is_no_listener_without_a_certificate(project):
    for setting, text in (("listeners.http", "listeners: {http: '0.0.0.0:0'}\n"), ("wire.address", "wire: {address: 0.0.0.0}\n"),
                          ("aws.address", "aws: {address: '::'}\n")):
        project.write("weir.yaml", text)
        project.weir("serve", code=2)
        assert setting in project.stderr and "tls.certificate" in project.stderr, project.stderr
    project.write("weir.yaml", "tls: {certificate: weir.pem}\n")
    project.weir("serve", code=2)
    assert "belong together" in project.stderr, project.stderr


def test_off_loopback_everybody_else_needs_tls(project):
    address = own_address()
    if address is None:
        pytest.skip("this machine has no address but loopback")
    ca = make_certificate(project.folder, "first", [address, "127.0.0.1"])
    project.write("weir.yaml", "tls: {certificate: weir.pem, key: weir.key}\n" f"http: {{hosts: ['{address}']}}\n")
    project.write("streams/open.yaml", "fields:\n  page: {type: string}\nwrite: public\n")
    project.write("streams/wide.yaml", "fields:\n  page: {type: string}\nwrite: public\noff_loopback: true\n")
    project.start(listen="0.0.0.0")
    secure = Secure(address, project.port, ca)
    assert secure.ask("GET", "/health/live", headers=project.admin())[0] == 200
    # A page's address typed without https leads there; anything with a secret in it is refused.
    plain = http.client.HTTPConnection(address, project.port, timeout=20)
    plain.request("GET", "/sql?x=1")
    answer = plain.getresponse()
    assert (answer.status, answer.getheader("Location")) == (308, f"https://{address}:{project.port}/sql?x=1")
    answer.read()
    plain = http.client.HTTPConnection(address, project.port, timeout=20)
    plain.request("GET", "/v1/status", headers=project.admin())
    answer = plain.getresponse()
    assert answer.status == 400 and b"need TLS" in answer.read()
    # Who may write without a token is told apart by where they are.
    assert secure.ask("POST", "/v1/streams/open", {"page": "/"})[0] == 401
    assert secure.ask("POST", "/v1/streams/wide", {"page": "/"})[0] in (200, 202)
    assert secure.ask("POST", "/v1/streams/open", {"page": "/"}, project.admin())[0] in (200, 202, 403)
    # A new certificate is shown without a restart; the old connection goes on.
    make_certificate(project.folder, "second", [address])

    def shows_second():
        try:
            return Secure(address, project.port, project.folder / "weir.pem").ask("GET", "/health/live", headers=project.admin())[0] == 200
        except ssl.SSLError:
            return False

    wait_for(shows_second, "the second certificate is shown")
    assert secure.ask("GET", "/health/live", headers=project.admin())[0] == 200
    (project.folder / "weir.key").write_text("no key")
    wait_for(lambda: "tls.certificate_not_read" in project.output(), "what cannot be used is told")
    assert shows_second(), "and the one before stays"

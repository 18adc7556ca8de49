"""Servers elsewhere for tests of outside connections: a real PostgreSQL with TLS and passwords, and ones that misbehave."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading

import psycopg
from conftest import free_port, wait_for

POSTGRES = pathlib.Path(os.environ.get("WEIR_TEST_POSTGRESQL", "/usr/lib/postgresql/15/bin"))  # another version: the folder of its programs
PASSWORD = "Lookingglass7"  # of every user but the superuser
SUPERUSER_PASSWORD = "Jabberwock9"


def certify(folder, name, subject_alternatives):
    """A certificate of `name` under the folder's own authority; returns the paths of certificate and key."""
    def openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, cwd=folder)
    if not (folder / "ca.pem").exists():
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", 2, "-subj", "/CN=test authority",
                "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
    (folder / f"{name}.ext").write_text(f"subjectAltName={subject_alternatives}\n")
    openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", 2, "-extfile", f"{name}.ext", "-out", f"{name}.pem")
    return folder / f"{name}.pem", folder / f"{name}.key"


class Elsewhere:
    """A real PostgreSQL 15 on TCP, with TLS, passwords and three users: weir (nothing granted), reader (reads all), boss."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-elsewhere-"))
        self.port = free_port()
        self.as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        certificate, key = certify(self.folder, "localhost", "DNS:localhost")
        self.ca = self.folder / "ca.pem"
        (self.folder / "boss").write_text(SUPERUSER_PASSWORD)
        if self.as_user:
            for path in (self.folder, certificate, key, self.folder / "boss"):
                shutil.chown(path, "postgres")
        self.folder.chmod(0o755)
        self.do("initdb", "-D", self.folder / "data", "-U", "boss", "-A", "scram-sha-256", f"--pwfile={self.folder / 'boss'}", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        with (self.folder / "data/pg_hba.conf").open("a") as rules:
            rules.write("host all all 0.0.0.0/0 scram-sha-256\nhost all all ::0/0 scram-sha-256\n")
        self.log = open(self.folder.with_suffix(".log"), "wb")
        self.settings = ["-c", "listen_addresses=*", "-c", "fsync=off", "-c", "ssl=on", "-c", f"ssl_cert_file={certificate}", "-c", f"ssl_key_file={key}",
                         "-c", "shared_preload_libraries=pg_stat_statements"]
        self.start()
        self.tell("CREATE DATABASE shop", database="postgres")
        self.tell(f"""
            CREATE ROLE weir LOGIN PASSWORD '{PASSWORD}';
            CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}' IN ROLE pg_read_all_data, pg_monitor;
            CREATE SCHEMA sales;
            CREATE TABLE sales.orders (id int PRIMARY KEY, note text);
            INSERT INTO sales.orders VALUES (1, 'tea'), (2, NULL);
            CREATE TABLE public.open (n int);
            INSERT INTO public.open SELECT generate_series(1, 1000);
            GRANT SELECT ON public.open TO weir;
            CREATE EXTENSION pg_stat_statements;
        """)

    def start(self):
        self.process = subprocess.Popen([*self.as_user, POSTGRES / "postgres", "-D", self.folder / "data", "-k", self.folder, "-p", str(self.port), *self.settings],
                                        stdout=self.log, stderr=self.log)
        wait_for(self.answers, "PostgreSQL answers")

    def answers(self):
        try:
            self.connect("postgres").close()
            return True
        except psycopg.OperationalError:
            return False

    def connect(self, database="shop"):
        return psycopg.connect(host=str(self.folder), port=self.port, user="boss", password=SUPERUSER_PASSWORD, dbname=database, autocommit=True)

    def tell(self, sql, database="shop"):
        with self.connect(database) as connection:
            done = connection.pgconn.exec_(sql.encode())
            assert not done.error_message, done.error_message.decode()

    def ask(self, sql):
        with self.connect() as connection:
            return connection.execute(sql).fetchall()

    def of_weir(self):
        """The process ids of weir's sessions that run something."""
        return [pid for (pid,) in self.ask("SELECT pid FROM pg_stat_activity WHERE application_name = 'weir' AND state <> 'idle'")]

    def do(self, program, *arguments):
        done = subprocess.run([*self.as_user, POSTGRES / program, *arguments], capture_output=True, text=True, cwd=self.folder)
        assert done.returncode == 0, done.stderr

    def pids(self):
        """Of the postmaster and its children."""
        postmaster = int((self.folder / "data/postmaster.pid").read_text().split()[0])
        children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(postmaster)], capture_output=True, text=True).stdout.split()
        return [postmaster, *map(int, children)]

    def freeze(self):
        self.frozen = self.pids()
        for pid in self.frozen:
            os.kill(pid, signal.SIGSTOP)

    def thaw(self):
        for pid in [*self.frozen, self.process.pid]:  # runuser stops with what it started
            os.kill(pid, signal.SIGCONT)

    def crash(self):
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(30)

    def shut(self):
        """Quick, whoever is connected."""
        os.kill(self.pids()[0], signal.SIGINT)
        self.process.wait(30)

    def stop(self):
        self.shut()
        self.log.close()
        shutil.rmtree(self.folder)
        self.folder.with_suffix(".log").unlink()


class Mute:
    """Takes connections and never says a word."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen()
        self.port = self.socket.getsockname()[1]
        self.taken = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                self.taken.append(self.socket.accept()[0])
            except OSError:
                return

    def stop(self):
        self.socket.close()

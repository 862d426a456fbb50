"""A Todoward and its database, each for as long as a `with` block."""

import os
import pwd
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

SECRET = "j4Zt0nQ8cV1yXoR6mWq2LhKs9uBfPd3E-schemathesis"


def eventually(what, look, limit=20):
    """What `look` finds, within a limit."""
    end = time.monotonic() + limit
    while not (found := look()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {limit} s: {what}")
        time.sleep(0.02)
    return found


class Todoward:
    def __init__(self, binary, directory, database_url):
        self.binary, self.directory = binary, directory
        self.environment = {
            "BETTER_AUTH_SECRET": SECRET,
            "DATABASE_URL": database_url,
            "PORT": "0",
            "TODOWARD__METRICS__PORT": "0",
        }
        self.log_file = directory / "log"
        with self.log_file.open("w") as log:
            self.process = subprocess.Popen(
                [binary, "serve"], cwd=directory, env=self.environment, stdout=log, stderr=log
            )
        try:
            self.url = eventually("it says where it serves", self.address)
        except BaseException:
            self.stop()
            raise

    def address(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"it has ended: {self.log()}")
        found = re.search(r'serving.* address="?(127\.0\.0\.1:\d+)', self.log())
        return found and f"http://{found[1]}"

    def log(self):
        return self.log_file.read_text(errors="replace")

    def token(self, user):
        command = [self.binary, "token", "--sub", user, "--expires", "1d"]
        return subprocess.check_output(command, env=self.environment, text=True).strip()

    def stop(self):
        """Ends it by a signal, unless it has ended; the exit code."""
        self.process.terminate()
        try:
            return self.process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


@contextmanager
def todoward(root, database_url):
    binary = (root / os.environ.get("TODOWARD_BIN", "target/debug/todoward")).resolve(strict=True)
    with tempfile.TemporaryDirectory(prefix="todoward-") as directory:
        server = Todoward(binary, Path(directory), database_url)
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def sqlite():
    yield "sqlite://todoward.db"


@contextmanager
def postgres():
    """A database of TEST_DATABASE_URL, or of a throw-away cluster from the machine's binaries."""
    if named := os.environ.get("TEST_DATABASE_URL"):
        server = named.removesuffix("/postgres")
        name = f"schemathesis_{os.getpid()}"
        psql(server, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        try:
            yield f"{server}/{name}"
        finally:
            psql(server, f"DROP DATABASE {name} WITH (FORCE)")
        return
    binaries = find_binaries()
    with tempfile.TemporaryDirectory(prefix="todoward-postgres-") as directory:
        user = {}
        if os.getuid() == 0:  # PostgreSQL refuses to run as root.
            other = pwd.getpwnam("postgres" if has_user("postgres") else "nobody")
            os.chown(directory, other.pw_uid, other.pw_gid)
            user = {"user": other.pw_uid, "group": other.pw_gid, "extra_groups": []}
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
        data = f"{directory}/data"
        quiet = {"cwd": "/", "stdout": subprocess.DEVNULL, **user}
        subprocess.run([binaries / "initdb", *options, "-D", data], check=True, **quiet)
        port = free_port()
        command = [binaries / "postgres", "-D", data, "-p", str(port), "-k", directory]
        command += ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, **quiet)
        try:
            server = f"postgres://postgres@127.0.0.1:{port}"
            eventually("PostgreSQL answers", lambda: psql(server, "SELECT 1", check=False))
            yield f"{server}/postgres"
        finally:
            process.send_signal(2)
            process.wait()


def psql(server, statement, check=True):
    program = shutil.which("psql") or find_binaries() / "psql"
    command = [program, "-q", "-d", f"{server}/postgres", "-c", statement]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if check and done.returncode:
        raise RuntimeError(done.stderr)
    return done.returncode == 0


def find_binaries():
    places = [Path(place) for place in os.environ["PATH"].split(":")]
    for parent in ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"]:
        places += sorted(Path(parent).glob("*/bin"), reverse=True)
    for place in places:
        if (place / "initdb").exists() and (place / "postgres").exists():
            return place
    raise RuntimeError("no PostgreSQL: run sh tests/install-postgres.sh, or set TEST_DATABASE_URL")


def has_user(name):
    return any(entry.pw_name == name for entry in pwd.getpwall())


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]

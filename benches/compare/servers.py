"""Starts who is measured, and reads from the system what they used."""

import os
import re
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

from settings import HERE, ROOT, SECRET, TARGET

TICK = os.sysconf("SC_CLK_TCK")
PEERS = HERE.parent / "peers"
TODOWARD = os.environ.get("TODOWARD_BIN") or str(TARGET / "release/todoward")


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def build():
    """Builds all servers with the profile of a release."""
    if os.environ.get("SKIP_BUILD"):
        return
    cargo = ["cargo", "build", "--locked", "--release", "--quiet", "--target-dir", str(TARGET)]
    if not os.environ.get("TODOWARD_BIN"):
        subprocess.run(cargo, check=True, cwd=ROOT)
    for peer in ("axum", "bare-sqlite"):
        manifest = ["--manifest-path", str(PEERS / peer / "Cargo.toml")]
        subprocess.run(cargo + manifest, check=True)
    python = TARGET / "fastapi/bin/python"
    if not python.exists():
        subprocess.run(["python3", "-m", "venv", str(TARGET / "fastapi")], check=True)
    requirements = ["-r", str(PEERS / "fastapi/requirements.txt")]
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run(pip + requirements, check=True)


class Server:
    """A process that serves, and its children."""

    def __init__(self, name, command, environment, cwd=None):
        self.name = name
        self.directory = tempfile.TemporaryDirectory(prefix="todoward-bench-")
        self.log_path = f"{self.directory.name}/log"
        # O_APPEND, so that what comes after `forget_log` begins at 0 again.
        log = os.open(self.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.process = subprocess.Popen(
            command, cwd=cwd, stdout=log, stderr=log, env=os.environ | environment, process_group=0)
        os.close(log)
        self.address = None

    def log(self):
        with open(self.log_path, errors="replace") as log:
            return log.read()

    def wait(self, pattern, ready=None):
        """Waits until the log has the address, and `ready` answers there."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.process.poll() is None:
            found = re.search(pattern, self.log())
            if found:
                self.address = found.group(1)
                if not ready or answers(f"http://{self.address}{ready}"):
                    return self
            time.sleep(0.05)
        log = self.log()[-2000:]
        self.stop()
        raise SystemExit(f"{self.name} does not start:\n{log}")

    def forget_log(self):
        os.truncate(self.log_path, 0)

    def cpu(self):
        """Seconds of user and system time so far."""
        return cpu_of(self.process.pid)

    def peak(self):
        """The most memory that was resident, in MiB."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmHWM:\s+(\d+)", status.read()).group(1)) / 1024

    def stop(self):
        if self.process.poll() is None:
            # With its children: it leads a process group.
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.directory.cleanup()


def cpu_of(pid):
    """Seconds of user and system time of a process and all below it, so far."""
    ticks, new = 0, [pid]
    while new:
        pid = new.pop()
        with open(f"/proc/{pid}/task/{pid}/children") as children:
            new += [int(child) for child in children.read().split()]
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICK


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return response.status == 200
    except OSError:
        return False


def todoward(database, name="Todoward", **environment):
    """Todoward with everything on that a production server has: metrics, rate limit, log at info."""
    base = {
        "HOST": "127.0.0.1",
        "PORT": "0",
        "DATABASE_URL": database,
        "BETTER_AUTH_SECRET": SECRET,
        "RUST_LOG": "info",
        "TODOWARD__METRICS__PORT": str(free_port()),
        # Every request is counted, and none of these is refused.
        "TODOWARD__RATE_LIMIT__REQUESTS_PER_SECOND": "1000000",
        "TODOWARD__RATE_LIMIT__BURST": "1000000",
    }
    # The caller's own variables have precedence, to try other settings.
    set_outside = {key: value for key, value in os.environ.items() if key.startswith("TODOWARD__")}
    server = Server(name, [TODOWARD, "serve"], base | set_outside | environment, cwd=str(TARGET))
    return server.wait(r"address=([0-9.:]+)", "/health/ready")


def migrate(database):
    environment = os.environ | {"DATABASE_URL": database, "BETTER_AUTH_SECRET": SECRET}
    subprocess.run([TODOWARD, "migrate"], check=True, env=environment, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, cwd=str(TARGET))


def axum(database, **environment):
    name = " ".join(["axum", *(f"{key}={value}" for key, value in environment.items())])
    environment = {"DATABASE_URL": database, "BETTER_AUTH_SECRET": SECRET} | environment
    server = Server(name, [str(TARGET / "release/peer-axum")], environment)
    return server.wait(r"(127\.0\.0\.1:\d+)")


def fastapi(database, WORKERS="2", **environment):
    name = "FastAPI" + (f" WORKERS={WORKERS}" if environment else "")
    environment = {"DATABASE_URL": database, "BETTER_AUTH_SECRET": SECRET} | environment
    port = free_port()
    command = [str(TARGET / "fastapi/bin/python"), "-m", "uvicorn", "app:app", "--port", str(port),
               "--workers", WORKERS, "--loop", "uvloop", "--http", "httptools",
               "--no-access-log"]
    server = Server(name, command, environment, cwd=str(PEERS / "fastapi"))
    # Once for each worker.
    server.wait(r"(?s)" + ".*".join([r"Application startup (complete)"] + ["startup complete"] * (int(WORKERS) - 1)))
    server.address = f"127.0.0.1:{port}"
    return server

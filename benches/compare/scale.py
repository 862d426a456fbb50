"""Replicas behind nginx, and PgBouncer before PostgreSQL: what each step between
costs on this machine. One machine cannot show what more machines gain."""

import os
import pwd
import resource
import shutil
import tempfile
import time
from contextlib import ExitStack

import parts
import report
import servers
from load import OPERATIONS, wrk
from report import ratio, table
from settings import ROUNDS, ROWS, SECONDS

NGINX = """daemon off; pid {directory}/pid; error_log stderr; worker_processes auto;
events {{}}
http {{
  access_log off;
  client_body_temp_path {directory}; proxy_temp_path {directory}; fastcgi_temp_path {directory};
  uwsgi_temp_path {directory}; scgi_temp_path {directory};
  upstream todoward {{ {replicas} keepalive 64; }}
  server {{
    listen 127.0.0.1:{port};
    keepalive_requests 1000000;
    location / {{ proxy_pass http://todoward; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""

PGBOUNCER = """[databases]
* = host=127.0.0.1 port={postgres} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = 8
max_client_conn = 200
"""


class Nginx(servers.Server):
    """A reverse proxy before replicas, as deploy/nginx has it but for TLS and logs."""

    def __init__(self, name, replicas):
        port = servers.free_port()
        self.replicas = replicas
        nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        directory = tempfile.mkdtemp(prefix="todoward-bench-")
        self.own = directory
        listed = " ".join(f"server {replica.address};" for replica in replicas)
        with open(f"{directory}/nginx.conf", "w") as file:
            file.write(NGINX.format(directory=directory, replicas=listed, port=port))
        super().__init__(name, [nginx, "-c", f"{directory}/nginx.conf", "-e", "stderr"], {})
        self.address = f"127.0.0.1:{port}"
        until(lambda: servers.answers(f"http://{self.address}/health/ready"))

    def cpu(self):
        """The CPU time of nginx and of its replicas."""
        return super().cpu() + sum(replica.cpu() for replica in self.replicas)

    def stop(self):
        super().stop()
        shutil.rmtree(self.own, ignore_errors=True)


class PgBouncer(servers.Server):
    def __init__(self, cluster, mode):
        port = servers.free_port()
        program = shutil.which("pgbouncer", path=os.environ["PATH"] + ":/usr/sbin")
        self.own = tempfile.mkdtemp(prefix="todoward-bench-")
        with open(f"{self.own}/pgbouncer.ini", "w") as file:
            file.write(PGBOUNCER.format(postgres=cluster.port, port=port, mode=mode))
        command = [program, f"{self.own}/pgbouncer.ini"]
        if os.getuid() == 0:
            # It refuses to run as root.
            os.chmod(self.own, 0o755)
            command = ["setpriv", f"--reuid={pwd.getpwnam('postgres').pw_uid}", "--clear-groups", *command]
        super().__init__(f"PgBouncer, {mode}", command, {})
        self.port = port
        until(lambda: "process up" in self.log())

    def url(self, database):
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def stop(self):
        super().stop()
        shutil.rmtree(self.own, ignore_errors=True)


def until(done):
    deadline = time.monotonic() + 15
    while not done():
        if time.monotonic() > deadline:
            raise SystemExit("a proxy does not start")
        time.sleep(0.05)


def shares(cluster, server, file):
    """The CPU time that each process spends on a request, for an estimate of other machines."""
    rows = []
    for operation in OPERATIONS:
        cluster.settle("large")
        others = {"PostgreSQL": lambda: servers.cpu_of(cluster.process.pid),
                  "wrk": lambda: sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])}
        before = {name: cpu() for name, cpu in others.items()}
        found = wrk(server, operation, file, warm_up=0)
        spent = [(cpu() - before[name]) / (found.rate * SECONDS) * 1e6 for name, cpu in others.items()]
        rows.append((parts.NAMES[operation], report.rate(found.rate), *(f"{cpu:.0f} µs" for cpu in (found.cpu, *spent))))
    table("Where the cores go", ("CPU a request", "requests/s", "Todoward", "PostgreSQL", "wrk"), rows)


def scale(cluster):
    url = parts.main_database(cluster)
    with ExitStack() as stack, parts.targets(ROWS) as file:
        def one(name, database=url, **environment):
            server = servers.todoward(database, name=name, **environment)
            stack.callback(server.stop)
            return server

        def proxied(name, *replicas):
            server = Nginx(name, replicas)
            stack.callback(server.stop)
            return server

        def pooled(mode, **environment):
            pooler = PgBouncer(cluster, mode)
            stack.callback(pooler.stop)
            return one(f"one, PgBouncer in mode {mode}", pooler.url("large"), **environment)

        two = [one(f"replica {number}", TODOWARD__DATABASE__POOL_SIZE="2") for number in (1, 2)]
        contestants = [
            one("one"),
            proxied("nginx, one", one("behind nginx")),
            proxied("nginx, two with pools of 2", *two),
            pooled("session"),
            pooled("transaction", TODOWARD__DATABASE__PREPARED_STATEMENTS="false"),
        ]
        shares(cluster, contestants[0], file)
        rows = []
        for operation in OPERATIONS:
            figures = parts.interleave(cluster, "large", contestants, operation, file, max(1, ROUNDS - 2))
            parts.remember("scale", operation, figures)
            for name in figures:
                of_one = ratio(parts.against(figures, name, "one"))
                rows.append((f"{parts.NAMES[operation]}, {name}", report.rate(parts.of(figures, name, "rate")), of_one,
                             f"{parts.of(figures, name, 'p99'):.2f} ms", f"{parts.of(figures, name, 'cpu'):.0f} µs",
                             str(sum(found.errors for found in figures[name]))))
    table("Replicas, nginx, PgBouncer", ("", "requests/s", "of one", "p99", "CPU a request", "errors"), rows)

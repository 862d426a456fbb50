"""Imports of 50,000 tasks and exports of 100,000, beside other users."""

import http.client
import json
import tempfile
import threading
import time

import servers
from load import token_of
from parts import running
from report import table

TASKS = 50_000
IMPORTS = 6
QUIET = 4  # seconds before each import, in which only the others are measured
THREADS = 4
PACE = 0.02  # seconds between two requests of a thread


def file():
    """Lists, subtasks, descriptions, tags, days."""
    lines = [json.dumps({"list": {"id": f"l{n}", "name": f"List {n}"}}) for n in range(20)]
    for n in range(TASKS):
        task = {"id": n, "title": f"Buy milk and bread {n}", "description": f"About {n}. " * 8,
                "completed": n % 3 == 0, "priority": ("none", "low", "medium", "high")[n % 4],
                "due_date": "2026-12-01" if n % 2 else None, "tags": ["home", f"tag {n % 50}"],
                "list_id": f"l{n % 20}", "created_at": "2026-11-01T10:00:00.123Z"}
        if n % 10 == 9:
            task["parent_id"] = n - 9
        lines.append(json.dumps({"task": task}))
    return ("\n".join(lines) + "\n").encode()


def call(connection, owner, method, path, body=None, kind="application/json"):
    headers = {"Authorization": f"Bearer {owner}"} | ({"Content-Type": kind} if body else {})
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    return response.status, response.read()


def nothing():
    return {"create": [], "list": []}


def add(all, more):
    for name, took in more.items():
        all[name] += took


class Others:
    """Other users, each of whom creates a task and reads a list in turn."""

    def __init__(self, address):
        self.took = nothing()
        self.errors = 0
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(address, n)) for n in range(THREADS)]
        for thread in self.threads:
            thread.start()

    def run(self, address, number):
        connection, owner = http.client.HTTPConnection(address), token_of(f"other {number}")
        turn = 0
        while not self.ended.wait(PACE):
            turn += 1
            begun = time.perf_counter()
            if turn % 2:
                name = "create"
                status, _ = call(connection, owner, "POST", "/api/v1/tasks", b'{"title":"Buy milk"}')
            else:
                name = "list"
                status, _ = call(connection, owner, "GET", "/api/v1/tasks?limit=20")
            self.took[name].append(time.perf_counter() - begun)
            self.errors += status >= 300

    def take(self):
        taken, self.took = self.took, nothing()
        return taken

    def stop(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()


def part(of, share):
    of = sorted(of)
    return of[min(len(of) - 1, int(len(of) * share))] * 1000 if of else 0.0


def measure_on(name, url, body, rows):
    with running(servers.todoward, url) as (server,):
        others = Others(server.address)
        try:
            time.sleep(2)
            others.take()
            took, before, during = [], nothing(), nothing()
            for number in range(IMPORTS):
                # Quiet and busy in turn, so that what else the machine does affects both figures.
                time.sleep(QUIET)
                add(before, others.take())
                connection = http.client.HTTPConnection(server.address, timeout=100)
                begun = time.perf_counter()
                status, text = call(connection, token_of(f"importer {number}"), "POST", "/api/v1/import", body,
                                    "application/x-ndjson")
                took.append(time.perf_counter() - begun)
                done = json.loads(text)
                if status != 200 or done["created"]["tasks"] != TASKS:
                    raise SystemExit(f"{status} {text[:500]}")
                add(during, others.take())
            again = http.client.HTTPConnection(server.address, timeout=100)
            begun = time.perf_counter()
            status, text = call(again, token_of("importer 0"), "POST", "/api/v1/import", body, "application/x-ndjson")
            second = time.perf_counter() - begun
            if json.loads(text)["created"]["tasks"] != 0:
                raise SystemExit(text[:500])
            others.take()
            begun = time.perf_counter()
            status, exported = call(again, token_of("importer 0"), "GET", "/api/v1/export")
            export = time.perf_counter() - begun
            beside = others.take()
        finally:
            others.stop()
        peak = server.peak()
    rows.append((f"{name}: import of {TASKS:,}", f"{min(took):.1f} to {max(took):.1f} s", f"{len(body) / 2**20:.1f} MiB"))
    rows.append((f"{name}: again", f"{second:.1f} s", ""))
    rows.append((f"{name}: export of {TASKS:,}", f"{export:.1f} s", f"{len(exported) / 2**20:.1f} MiB"))
    for what in ("create", "list"):
        figures = [f"p50 {part(of[what], .5):.1f}, p99 {part(of[what], .99):.1f}, max {part(of[what], 1):.0f} ms"
                   for of in (before, during, beside)]
        rows.append((f"{name}: {what} of others, alone", figures[0], ""))
        rows.append((f"{name}: {what} of others, beside imports", figures[1], ""))
        rows.append((f"{name}: {what} of others, beside an export", figures[2], ""))
        ratios = [part(of[what], .99) / (part(before[what], .99) or 1) - 1 for of in (during, beside)]
        rows.append((f"{name}: {what} of others, p99", f"{ratios[0]:+.0%} beside imports, {ratios[1]:+.0%} beside an export", ""))
    rows.append((f"{name}: errors of others", str(others.errors), ""))
    rows.append((f"{name}: most memory", f"{peak:.0f} MiB", ""))


def measure(cluster):
    body, rows = file(), []
    with tempfile.TemporaryDirectory(prefix="todoward-bench-") as directory:
        url = f"sqlite://{directory}/files.db"
        servers.migrate(url)
        measure_on("SQLite", url, body, rows)
    cluster.create("files", servers.migrate)
    # In an empty table PostgreSQL would plan to read all of it, and keep that plan.
    cluster.fill("files", 100_000)
    url = cluster.url("files")
    measure_on("PostgreSQL", url, body, rows)
    table(f"Files of {TASKS:,} tasks", ("", "", ""), rows)

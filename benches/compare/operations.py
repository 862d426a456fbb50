"""The operations beyond the four hot ones, beside the peer that does the same by hand."""

import http.client
import json
import random
import tempfile
import time
from pathlib import Path

import check
import load
import report
import servers
from load import token_of, wrk
from parts import against, of, remember, rotated, running
from report import ratio, table
from settings import ASKED_OWNERS, ASKED_TASKS, CONNECTIONS, FIRST, OWNER_PREFIX, PER_OWNER, ROUNDS, ROWS, owner, task_id

LISTS = 5
# The rest is in the inbox.
IN_LISTS = PER_OWNER * 19 // 20
OWNERS = max(1, ROWS // PER_OWNER)
STEP = max(1, OWNERS // ASKED_OWNERS)
BATCH = 20

NAMES = {
    "position": "list 20 of a list by position, top level",
    "position, all levels": "the same with all subtasks",
    "count": "count by list",
    "snapshot": "changes, first 100 of a snapshot",
    "idle": "changes, nothing new",
    "pull": "complete, then pull it (half each)",
    "move": "move beside another",
    "mixed": f"batch of {BATCH // 2} creates and {BATCH // 2} completes",
    "creates": f"batch of {BATCH} creates",
}
READ_ONLY = ("position", "position, all levels", "count", "snapshot", "idle")
# Of owners whose changes a client follows. Todoward numbers what these write by itself, for streams, and the
# peer has none: so all the others are of owners whom nobody follows.
FOLLOWED = ("snapshot", "idle", "pull")


def list_id(number, which):
    """The id of a list of an owner's, by their numbers."""
    digits = f"018e{FIRST + number}7abc8def01234567890{which}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def prepare(cluster):
    """A database of its own, in which the owners that are asked for have lists. A third of
    the tasks in them was moved."""
    cluster.create("operations", servers.migrate)
    cluster.fill("operations", ROWS)
    cluster.psql("operations", f"""
        INSERT INTO lists (owner_id, id, name, archived, version, updated_at)
        SELECT '{OWNER_PREFIX}' || ({FIRST} + number),
            ('018e' || ({FIRST} + number) || '7abc8def01234567890' || which)::uuid,
            'List ' || which, false, 1, timestamp '2026-11-01 10:00:00.123'
        FROM generate_series(0, {OWNERS - 1}, {STEP}) number, generate_series(0, {LISTS - 1}) which;
        UPDATE tasks SET list_id = ('018e' || ({FIRST} + number) || '7abc8def01234567890' || turn % {LISTS})::uuid,
            position = CASE WHEN turn % 3 = 0 THEN replace(tasks.id::text, '-', '') || 'V' END
        FROM (SELECT id, n % {OWNERS} AS number, n / {OWNERS} AS turn
            FROM (SELECT id, substring(title FROM '[0-9]+$')::int AS n FROM tasks) AS numbered) AS wanted
        WHERE tasks.id = wanted.id AND number % {STEP} = 0 AND turn < {IN_LISTS};
        VACUUM FULL ANALYZE tasks, lists;""")
    return cluster.url("operations")


def settle(cluster, operation):
    if operation not in FOLLOWED:
        cluster.psql("operations", "UPDATE owners SET epoch = NULL WHERE epoch IS NOT NULL; DELETE FROM epochs;")
    cluster.psql("operations", "VACUUM tasks, lists, owners, epochs, gone; CHECKPOINT;")


def at_rest(server):
    """Until it does nothing: at its start Todoward looks through all tasks for texts that are not folded."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        before = server.cpu()
        time.sleep(1)
        if server.cpu() - before <= 0.02:
            return
    raise SystemExit(f"{server.name} is never at rest")


def lines_of(operation, cursors):
    """What wrk sends, without the tokens: (owner's number, method, path, body)."""
    chance = random.Random(operation)
    pairs = load.pairs(ROWS)
    rows = {number: range(number, OWNERS * PER_OWNER, OWNERS) for number, _ in pairs}
    complete = lambda row: f"/tasks/{task_id(row)}/complete"
    if operation == "pull":
        # So far apart that the write has ended when the pull is sent.
        for at in range(0, len(pairs), 2 * CONNECTIONS):
            some = pairs[at:at + 2 * CONNECTIONS]
            yield from ((number, "PATCH", complete(row), "") for number, row in some)
            yield from ((number, "GET", f"/changes?since={cursors[number]}", "") for number, _ in some)
        return
    for number, row in pairs:
        of_list = f"/tasks?list={list_id(number, row // OWNERS % LISTS)}"
        if operation == "position":
            yield number, "GET", f"{of_list}&parent=none&sort=position&limit=20", ""
        elif operation == "position, all levels":
            yield number, "GET", f"{of_list}&sort=position&limit=20", ""
        elif operation == "count":
            yield number, "GET", "/tasks/count?by=list", ""
        elif operation == "snapshot":
            yield number, "GET", "/changes?limit=100", ""
        elif operation == "idle":
            yield number, "GET", f"/changes?since={cursors[number]}", ""
        elif operation == "move":
            # At random, so that few of them are where they should go, however often it is repeated.
            for _ in range(4):
                which = chance.randrange(LISTS)
                task, beside = chance.sample(rows[number][which:IN_LISTS:LISTS], 2)
                body = {chance.choice(("before", "after")): task_id(beside)}
                yield number, "POST", f"/tasks/{task_id(task)}/move", json.dumps(body)
        elif row // OWNERS < 2:
            create = {"method": "POST", "path": "/tasks", "body": {"title": "Buy milk", "tags": ["home"]}}
            batch = [create] * BATCH
            if operation == "mixed":
                batch[::2] = ({"method": "PATCH", "path": complete(row)} for row in rows[number][:BATCH // 2])
            yield number, "POST", "/batch", json.dumps({"operations": batch})


def write_lines(path, lines, tokens):
    with open(path, "w") as file:
        for number, method, rest, body in lines:
            file.write(f"{tokens[number]} {method} /api/v1{rest} {body}\n")
    return path


def follow(server, tokens, cursors):
    """Reads everything that is new for every owner, so that a cursor is behind it."""
    host, port = server.address.split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    for number, token in tokens.items():
        more = True
        while more:
            since = f"&since={cursors[number]}" if number in cursors else ""
            connection.request("GET", f"/api/v1/changes?limit=1000{since}", headers={"Authorization": f"Bearer {token}"})
            response = connection.getresponse()
            page = json.load(response)
            if response.status != 200:
                raise SystemExit(f"{server.name}, changes: {response.status} {page}")
            cursors[number], more = page["next"], page["more"]
    connection.close()


def measure(cluster):
    url = prepare(cluster)
    print(f"Filled {ROWS:,} tasks: {'; '.join(cluster.sizes('operations'))}", flush=True)
    tokens = {number: token_of(owner(number)) for number, _ in load.pairs(ROWS)}
    shown, ratios = [], []
    with running(servers.todoward, url, servers.axum) as contestants, \
            tempfile.TemporaryDirectory(prefix="todoward-bench-") as directory:
        number = max(tokens)
        check.operations_alike(contestants, owner(number), [list_id(number, which) for which in range(LISTS)])
        for server in contestants:
            at_rest(server)
        cursors = {server.name: {} for server in contestants}
        for operation, name in NAMES.items():
            file, figures = Path(directory) / "lines", {}
            for turn in range(ROUNDS):
                if operation not in READ_ONLY:
                    settle(cluster, operation)
                for server in rotated(contestants, turn):
                    own = cursors[server.name]
                    if operation in ("idle", "pull"):
                        follow(server, tokens, own)
                    if operation in ("idle", "pull") or not figures:
                        write_lines(file, lines_of(operation, own), tokens)
                    found = wrk(server, "written", file, begin=turn * 1777)
                    figures.setdefault(server.name, []).append(found)
            remember("operations", operation, figures)
            for server in figures:
                shown.append((f"{name}, {server}", report.rate(of(figures, server, "rate")),
                              f"{of(figures, server, 'p50'):.2f} ms", f"{of(figures, server, 'p99'):.2f} ms",
                              f"{of(figures, server, 'cpu'):.0f} µs", f"{sum(one.errors for one in figures[server])}"))
            both = list(zip(figures["Todoward"], figures["axum"]))
            ratios.append((name, ratio(against(figures, "Todoward", "axum")),
                           ratio(one.p99 / two.p99 for one, two in both), ratio(one.cpu / two.cpu for one, two in both)))
            print(" | ".join(ratios[-1]), flush=True)
    table(f"Other operations: {ROWS:,} tasks, {CONNECTIONS} connections",
          ("", "requests/s", "p50", "p99", "server CPU a request", "errors"), shown)
    table(f"Other operations: Todoward of axum, median (least–most) of {ROUNDS} rounds",
          ("", "requests/s", "p99", "server CPU"), ratios)

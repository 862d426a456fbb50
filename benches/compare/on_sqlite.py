"""SQLite: the server beside a bare loop of the same inserts."""

import sqlite3
import subprocess
import tempfile
import uuid
from pathlib import Path

import load
import report
import servers
from load import OPERATIONS, wrk
from parts import GOALS, NAMES, of, remember, running
from report import goal, median, ratio, table
from settings import PER_OWNER, ROUNDS, SECONDS, TARGET, owner, task_id

TASKS = 100_000

# All other columns are NULL in most rows.
COLUMNS = """owner_id, id, title, title_lower, description, description_lower, completed, completed_at, priority, due_date,
    tags, version, updated_at, title_folded, rest_folded, folded_version"""


def fill(file):
    """Writes rows as `Cluster.fill` does, but fewer."""
    owners = TASKS // PER_OWNER
    time = "2026-11-01 10:00:00.123"
    rows = ((owner(n % owners), uuid.UUID(task_id(n)).bytes, f"Buy milk and bread {n}", f"buy milk and bread {n}",
             f"About {n}", f"about {n}", n % 3 == 0, time if n % 3 == 0 else None, n % 4, "2026-12-01",
             '[\n"home",\n"shop"]', 1, time, None, "home\nshop", 1) for n in range(TASKS))
    with sqlite3.connect(file) as database:
        database.executemany(f"INSERT INTO tasks ({COLUMNS}) VALUES ({','.join('?' * 16)})", rows)
    database.close()


def bare(file):
    command = [str(TARGET / "release/bare-sqlite"), file, str(SECONDS)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measure():
    goals, shown, creates = [], [], []
    with tempfile.TemporaryDirectory(prefix="todoward-bench-") as directory:
        served, alone = f"{directory}/served.db", f"{directory}/alone.db"
        for file in (served, alone):
            servers.migrate(f"sqlite://{file}")
            fill(file)
        targets = load.write_targets(Path(directory) / "targets", TASKS)
        with running(servers.todoward, f"sqlite://{served}") as (server,):
            figures = {}
            for operation in OPERATIONS:
                for turn in range(ROUNDS):
                    if operation == "create" and turn % 2:
                        creates.append(bare(alone))
                    figures.setdefault(operation, []).append(wrk(server, operation, targets, begin=turn * 1777))
                    if operation == "create" and not turn % 2:
                        creates.append(bare(alone))
    remember("sqlite", "operations", figures | {"bare": creates})
    for operation in OPERATIONS:
        shown.append((NAMES[operation], report.rate(of(figures, operation, "rate")),
                      f"{of(figures, operation, 'p99'):.2f} ms", f"{of(figures, operation, 'cpu'):.0f} µs",
                      str(sum(one.errors for one in figures[operation]))))
    shown.append(("bare loop of inserts", report.rate(median(creates)), "", "", ""))
    read = of(figures, "read", "rate")
    goal(goals, "read one", f"{report.rate(read)}/s", "≥ 30,000/s", read >= 30_000)
    same = [one.rate / loop for one, loop in zip(figures["create"], creates)]
    goal(goals, "create (synchronous=FULL): of a bare loop", ratio(same), "≥ 0.8", median(same) >= 0.8)
    table(f"SQLite: {TASKS:,} tasks", ("", "requests/s", "p99", "server CPU a request", "errors"), shown)
    table("SQLite: aims", GOALS, goals)

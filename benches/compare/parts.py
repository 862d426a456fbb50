"""The parts of the comparison. Each starts what it needs and stops it."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path

import check
import load
import report
import servers
from load import OPERATIONS, wrk
from report import goal, median, ratio, table
from settings import CONNECTIONS, GROWN, PER_OWNER, ROUNDS, ROWS, SECONDS, owner

GOALS = ("what", "found", "aim", "reached")
NAMES = {"list": "list 20 newest", "read": "read one", "complete": "complete (toggle)", "create": "create"}
MANY, FEW = "owner-of-ten-thousand-tasks", "owner-of-twenty-tasks"


@contextmanager
def running(start, database, *more, **environment):
    """Starts servers, and stops them at the end of the block, whatever happens in it."""
    with ExitStack() as stack:
        started = []
        for one in (start, *more):
            started.append(one(database, **environment))
            stack.callback(started[-1].stop)
        yield started


@contextmanager
def targets(rows, **other):
    with tempfile.TemporaryDirectory(prefix="todoward-bench-") as directory:
        yield load.write_targets(Path(directory) / "targets", rows, **other)


def main_database(cluster):
    """The URL of the large database, which is filled at the first call."""
    if "large" not in cluster.databases:
        cluster.create("large", servers.migrate)
        cluster.fill("large", ROWS, extra=((MANY, 10_000), (FEW, 20)))
        print(f"Filled {ROWS:,} tasks: {'; '.join(cluster.sizes('large'))}", flush=True)
    return cluster.url("large")


def rotated(things, turn):
    """The things in their order, but with another one first in each round."""
    turn %= len(things)
    return things[turn:] + things[:turn]


def interleave(cluster, database, contestants, operation, file, rounds=ROUNDS, connections=CONNECTIONS):
    """{name: [figure of each round]}; `contestants` are servers, and pgbench by
    its number of clients."""
    figures = {}
    for turn in range(rounds):
        if operation in ("complete", "create"):
            cluster.settle(database)
        for one in rotated(contestants, turn):
            begin = turn * 1777
            # It is so much slower that two rounds are enough.
            if turn >= 2 and getattr(one, "name", "") == "FastAPI":
                continue
            if isinstance(one, int):
                found = load.pgbench(cluster, database, operation, ROWS, one, next_run())
                figures.setdefault(f"pgbench {one}", []).append(found)
            else:
                found = wrk(one, operation, file, connections, begin=begin)
                figures.setdefault(one.name, []).append(found)
    return figures


runs = 0


def next_run():
    """The number of a run of pgbench, from which it makes ids that no other run makes."""
    global runs
    runs += 1
    return runs


def remember(part, operation, figures):
    plain = {name: [asdict(one) if hasattr(one, "rate") else one for one in found] for name, found in figures.items()}
    report.keep(part, operation, plain)


def of(figures, name, what):
    return median(getattr(one, what) for one in figures[name])


def against(figures, name, other):
    """Round by round."""
    return [one.rate / two.rate for one, two in zip(figures[name], figures[other])]


def against_pgbench(figures):
    """The name of the fastest pgbench, and what share of its rate Todoward has in each round."""
    names = [name for name in figures if name.startswith("pgbench")]
    best = max(names, key=lambda name: median(figures[name]))
    return best, [one.rate / limit for one, limit in zip(figures["Todoward"], figures[best])]


def compare(cluster, title, part, operations, rounds, *variants):
    """`variants` are other settings of Todoward, shown beside it."""
    url = main_database(cluster)
    pooled = partial(servers.axum, EXCLUSIVE="1")
    with running(servers.todoward, url, servers.axum, pooled, servers.fastapi, *variants) as contestants, \
            targets(ROWS) as file:
        check.alike(contestants, ROWS)
        shown, goals = [], []
        for operation in operations:
            figures = interleave(cluster, "large", [*contestants, 8, CONNECTIONS], operation, file, rounds)
            remember(part, operation, figures)
            best, to_pgbench = against_pgbench(figures)
            others = ("axum", "axum EXCLUSIVE=1", "FastAPI")
            to_axum, to_pooled, to_fastapi = (against(figures, "Todoward", name) for name in others)
            of_todoward = [one.name for one in contestants if one.name.startswith("Todoward")]
            for name in (*of_todoward, *others):
                shown.append((f"{NAMES[operation]}, {name}", report.rate(of(figures, name, "rate")),
                              f"{of(figures, name, 'p50'):.2f} ms", f"{of(figures, name, 'p99'):.2f} ms",
                              f"{of(figures, name, 'cpu'):.0f} µs", f"{sum(one.errors for one in figures[name])}"))
            shown.append((f"{NAMES[operation]}, {best}", report.rate(median(figures[best])), "", "", "", "0"))
            name = NAMES[operation]
            goal(goals, f"{name}: of axum", ratio(to_axum), "≥ 1.0 (1.1)", median(to_axum) >= 1)
            for other in of_todoward[1:]:
                found = against(figures, "Todoward", other)
                goal(goals, f"{name}: of {other}", ratio(found), "≥ 0.97", median(found) >= 0.97)
            goal(goals, f"{name}: of axum EXCLUSIVE=1", ratio(to_pooled), "≥ 1.0", median(to_pooled) >= 1)
            goal(goals, f"{name}: of FastAPI", ratio(to_fastapi), "≥ 10", median(to_fastapi) >= 10)
            goal(goals, f"{name}: of pgbench", ratio(to_pgbench), "≥ 0.5", median(to_pgbench) >= 0.5)
            p99 = [one.p99 / two.p99 for one, two in zip(figures["Todoward"], figures["axum"])]
            goal(goals, f"{name}: p99 of axum's", ratio(p99), "≤ 1.5", median(p99) <= 1.5)
            if operation == "read":
                cpu = of(figures, "Todoward", "cpu")
                goal(goals, "read one: server CPU", f"{cpu:.1f} µs", "≤ 30 µs", cpu <= 30)
    columns = (title, "requests/s", "p50", "p99", "server CPU a request", "errors")
    table(f"{title}: {ROWS:,} tasks, {CONNECTIONS} connections", columns, shown)
    table(f"{title}: ratios, median (least–most) of {rounds} rounds", GOALS, goals)


def peers(cluster):
    compare(cluster, "Peers", "peers", OPERATIONS, ROUNDS)


def durable(cluster):
    """As PostgreSQL comes: an answered write is on the disk."""
    main_database(cluster)
    fixed = [partial(servers.todoward, name=f"Todoward, {number} pipelines", TODOWARD__DATABASE__PIPELINES=number)
             for number in ("2", "6")]
    cluster.psql("postgres", "ALTER DATABASE large SET synchronous_commit = on")
    try:
        compare(cluster, "synchronous_commit=on", "durable", ("complete", "create"), max(1, ROUNDS - 2), *fixed)
    finally:
        cluster.psql("postgres", "ALTER DATABASE large RESET synchronous_commit")


def crowd(cluster):
    """Todoward beside axum with 256 connections."""
    url = main_database(cluster)
    rows, goals = [], []
    with running(servers.todoward, url, servers.axum) as contestants, targets(ROWS) as file:
        for operation in OPERATIONS:
            figures = interleave(cluster, "large", list(contestants), operation, file, max(1, ROUNDS - 3), 256)
            remember("crowd", operation, figures)
            for name, found in figures.items():
                errors, longest = sum(one.errors for one in found), max(one.longest for one in found)
                rows.append((f"{NAMES[operation]}, {name}", report.rate(of(figures, name, "rate")),
                             f"{of(figures, name, 'p99'):.1f} ms", f"{longest:.0f} ms", str(errors)))
                if name == "Todoward":
                    goal(goals, NAMES[operation], f"{errors} errors, longest {longest:.0f} ms",
                         "0 errors, ≤ 1 s", errors == 0 and longest <= 1000)
    table("256 connections", ("256 connections", "requests/s", "p99", "longest", "errors"), rows)
    table("256 connections: aims", GOALS, goals)


def memory(cluster):
    """The memory of a new process with a pool of 16, after all operations."""
    url = main_database(cluster)
    goals = []
    pool = {"TODOWARD__DATABASE__POOL_SIZE": "16"}
    with running(servers.todoward, url, **pool) as (server,), targets(ROWS) as file:
        for connections in (CONNECTIONS, 256):
            for operation in OPERATIONS:
                wrk(server, operation, file, connections, warm_up=0)
            peak = server.peak()
            what = f"peak RSS, pool of 16, {connections} connections"
            goal(goals, what, f"{peak:.1f} MiB", "≤ 40 MiB", peak <= 40)
    report.keep("memory", "peak", goals)
    table("Memory", GOALS, goals)


def owners(cluster):
    """An owner with many tasks beside one with few, and a search in all."""
    url = main_database(cluster)
    goals, rows = [], []
    with running(servers.todoward, url) as (server,), tempfile.TemporaryDirectory() as directory:
        def drive(subject, query, **other):
            file = Path(directory) / "target"
            file.write_text(f"{load.token_of(subject)} -\n")
            return wrk(server, query, file, **other)

        figures = {}
        asked = {"20 of 10,000": (MANY, "?limit=20"), "20 of 20": (FEW, "?limit=20"),
                 "default (50) of 10,000": (MANY, ""), "default (20) of 20": (FEW, "")}
        for turn in range(ROUNDS):
            for name in rotated(list(asked), turn):
                figures.setdefault(name, []).append(drive(*asked[name]))
        remember("owners", "list", figures)
        for name in asked:
            rows.append((f"list {name}", report.rate(of(figures, name, "rate")), f"{of(figures, name, 'p99'):.2f} ms",
                         f"{of(figures, name, 'cpu'):.0f} µs"))
        same = against(figures, "20 of 10,000", "20 of 20")
        goal(goals, "20 of 10,000, of 20 of 20", ratio(same), "≥ 0.85", median(same) >= 0.85)
        search = drive(MANY, "?q=nothing+like+it", connections=1)
        rows.append(("search q in 10,000, 1 connection", report.rate(search.rate), f"{search.p99:.2f} ms",
                     f"{search.cpu:.0f} µs"))
        goal(goals, "search q in 10,000: p99", f"{search.p99:.1f} ms", "≤ 30 ms", search.p99 <= 30)
        with targets(ROWS) as others:
            for name, beside in (("read one, of others, 8 connections", 0), ("the same beside 64 searches of one owner", 64)):
                with ThreadPoolExecutor() as pool:
                    if beside:
                        pool.submit(drive, MANY, "?q=nothing+like+it", connections=beside, seconds=2 * SECONDS + 2)
                    found = wrk(server, "read", others, connections=8)
                cpu = "" if beside else f"{found.cpu:.0f} µs"
                rows.append((name, report.rate(found.rate), f"{found.p99:.2f} ms", cpu))
    table("An owner with 10,000 tasks", ("", "requests/s", "p99", "server CPU a request"), rows)
    table("An owner with 10,000 tasks: aims", GOALS, goals)


def variants(cluster):
    """The peers with more and fewer connections. Todoward is compared with the best of them."""
    url = main_database(cluster)
    rows = []
    with ExitStack() as stack, targets(ROWS) as file:
        contestants = [stack.enter_context(running(servers.axum, url, CONNECTIONS=str(number)))[0]
                       for number in (2, 4, 8, 16)]
        contestants += [stack.enter_context(running(servers.fastapi, url, WORKERS=str(number), POOL_SIZE="8"))[0]
                        for number in (2, 3)]
        for operation in OPERATIONS:
            figures = interleave(cluster, "large", contestants, operation, file)
            remember("variants", operation, figures)
            for name in figures:
                rows.append((f"{NAMES[operation]}, {name}", report.rate(of(figures, name, "rate")),
                             f"{of(figures, name, 'p99'):.2f} ms", f"{of(figures, name, 'cpu'):.0f} µs"))
    table("The peers' own settings", ("", "requests/s", "p99", "server CPU a request"), rows)


def growth(cluster):
    """The same operations in a small table and in a large one."""
    sizes = {"small": 10_000, "grown": GROWN}
    for name, rows in sizes.items():
        cluster.create(name, servers.migrate)
        cluster.fill(name, rows)
        print(f"Filled {rows:,} tasks: {'; '.join(cluster.sizes(name))}", flush=True)
    shown, goals = [], []
    with ExitStack() as stack:
        files = {name: stack.enter_context(targets(rows)) for name, rows in sizes.items()}
        running_ = [stack.enter_context(running(servers.todoward, cluster.url(name), name=name))[0] for name in sizes]
        for operation in OPERATIONS:
            figures = {}
            for turn in range(ROUNDS):
                for server in rotated(running_, turn):
                    cluster.settle(server.name)
                    found = wrk(server, operation, files[server.name], begin=turn * 1777)
                    figures.setdefault(server.name, []).append(found)
            remember("growth", operation, figures)
            for name, rows in sizes.items():
                shown.append((f"{NAMES[operation]}, {rows:,} tasks", report.rate(of(figures, name, "rate")),
                              f"{of(figures, name, 'p99'):.2f} ms", f"{of(figures, name, 'cpu'):.0f} µs"))
            kept = against(figures, "grown", "small")
            goal(goals, f"{NAMES[operation]}: {GROWN:,} of 10,000", ratio(kept), "≥ 0.85", median(kept) >= 0.85)
    table("Growth", ("", "requests/s", "p99", "server CPU a request"), shown)
    table("Growth: ratios", GOALS, goals)


def tokens(cluster):
    from keys import eddsa
    eddsa(cluster)


def sqlite(_):
    from on_sqlite import measure
    measure()

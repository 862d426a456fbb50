"""Ordinary requests beside 10,000 open streams of changes, and beside none."""

import os
import re
import selectors
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import servers
from load import OPERATIONS, token_of, wrk
from parts import GOALS, NAMES, main_database, of, remember, rotated, running, targets
from report import goal, median, ratio, table
from settings import ROUNDS, ROWS, owner

# An owner may have at most ten streams.
OWNERS, EACH = 990, 10
STREAMS = OWNERS * EACH
# So few that the CPU has time left: otherwise p99 measures the queue.
CONNECTIONS = 8


def status(server, name):
    with open(f"/proc/{server.process.pid}/status") as status:
        return int(re.search(rf"{name}:\s+(\d+)", status.read()).group(1))


def measure(cluster):
    url = main_database(cluster)
    goals, shown, figures = [], [], {}
    with running(servers.todoward, url) as (without,), running(servers.todoward, url) as (beside,):
        without.name, beside.name = "without", "beside"
        before, threads = status(beside, "VmRSS"), status(beside, "Threads")
        with tempfile.TemporaryDirectory(prefix="todoward-bench-") as directory, targets(ROWS) as file:
            tokens = Path(directory) / "tokens"
            # Owners of no other request of this measurement.
            tokens.write_text("\n".join(token_of(owner(10 * number + 5)) for number in range(OWNERS)))
            command = [sys.executable, __file__, beside.address, str(tokens)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
                try:
                    opened = holder.stdout.readline().strip()
                    if opened != str(STREAMS):
                        raise SystemExit(f"{opened} of {STREAMS} streams are open")
                    memory = (status(beside, "VmRSS") - before) / STREAMS
                    goal(goals, f"memory of each of {STREAMS:,}", f"{memory:.1f} KiB", "≤ 32 KiB", memory <= 32)
                    more = status(beside, "Threads") - threads
                    goal(goals, "threads more than without", str(more), "0", more <= 0)
                    for operation in OPERATIONS:
                        found = figures.setdefault(operation, {})
                        for turn in range(ROUNDS):
                            for server in rotated([without, beside], turn):
                                cluster.settle("large")
                                one = wrk(server, operation, file, CONNECTIONS, begin=turn * 1777)
                                found.setdefault(server.name, []).append(one)
                finally:
                    holder.terminate()
    for operation, found in figures.items():
        remember("streams", operation, found)
        shown.append((NAMES[operation], *(f"{of(found, name, 'p99'):.2f} ms" for name in ("without", "beside")),
                      *(f"{of(found, name, 'rate'):,.0f}" for name in ("without", "beside"))))
        kept = [b.p99 / a.p99 for a, b in zip(found["without"], found["beside"])]
        goal(goals, f"{NAMES[operation]}: p99, of without", ratio(kept), "≤ 1.2", median(kept) <= 1.2)
    columns = (f"{CONNECTIONS} connections", "p99 without", "p99 beside", "requests/s without", "beside")
    table(f"Beside {STREAMS:,} streams of {OWNERS} owners", columns, shown)
    table("Streams: aims", GOALS, goals)


def hold(address, tokens):
    """Opens the streams, says how many there are, and reads what comes until it is ended."""
    host, port = address.split(":")
    selector = selectors.DefaultSelector()
    heads = 0
    for token in Path(tokens).read_text().split("\n"):
        for _ in range(EACH):
            stream = socket.create_connection((host, int(port)))
            stream.sendall(f"GET /api/v1/changes/stream HTTP/1.1\r\nHost: {address}\r\n"
                           f"Authorization: Bearer {token}\r\n\r\n".encode())
            heads += stream.recv(4096).startswith(b"HTTP/1.1 200")
            stream.setblocking(False)
            selector.register(stream, selectors.EVENT_READ)
    print(heads, flush=True)
    while os.getppid() != 1:
        for key, _ in selector.select(timeout=1):
            if not key.fileobj.recv(65536):
                selector.unregister(key.fileobj)


if __name__ == "__main__":
    hold(*sys.argv[1:])

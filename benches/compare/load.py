"""Drives a server with wrk, and PostgreSQL with pgbench."""

import base64
import hashlib
import hmac
import json
import random
import re
import subprocess
import time
from dataclasses import dataclass

from cluster import find
from settings import (ASKED_OWNERS, ASKED_TASKS, CONNECTIONS, HERE, PER_OWNER, SECONDS, SECRET, WARM_UP,
                      owner, task_id)

OPERATIONS = ("list", "read", "complete", "create")


@dataclass
class Measured:
    rate: float
    p50: float
    p99: float
    longest: float
    errors: int
    cpu: float  # microseconds a request


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def hs256(claims, secret=SECRET):
    text = ".".join(base64url(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return f"{text}.{base64url(hmac.digest(secret.encode(), text.encode(), hashlib.sha256))}"


def claims_of(subject, seconds=3600):
    """What Better Auth's plugin signs."""
    now = int(time.time())
    return {"iat": now, "name": "Alice Example", "email": "alice@example.com", "emailVerified": True,
            "image": None, "createdAt": "2026-01-01T00:00:00.000Z", "updatedAt": "2026-01-01T00:00:00.000Z",
            "id": subject, "sub": subject, "exp": now + seconds}


def token_of(subject):
    return hs256(claims_of(subject))


def pairs(rows, asked=ASKED_OWNERS):
    """(owner, task) of a table of `rows`, shuffled the same way each time."""
    owners = max(1, rows // PER_OWNER)
    asked = range(0, owners, max(1, owners // asked))
    found = [(number, number + owners * turn) for number in asked for turn in range(ASKED_TASKS)]
    random.Random(1).shuffle(found)
    return found


def write_targets(path, rows, asked=ASKED_OWNERS, sign=token_of):
    tokens = {}
    with open(path, "w") as file:
        for number, row in pairs(rows, asked):
            if number not in tokens:
                tokens[number] = sign(owner(number))
            file.write(f"{tokens[number]} {task_id(row)}\n")
    return path


def wrk(server, operation, targets, connections=CONNECTIONS, seconds=SECONDS, begin=0, warm_up=WARM_UP):
    """One figure. The CPU is the server's, all threads and processes."""
    def drive(seconds, begin):
        command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "10s",
                   "-s", str(HERE / "load.lua"), f"http://{server.address}", "--", operation, str(targets), str(begin)]
        done = subprocess.run(command, capture_output=True, text=True)
        found = re.search(r"RESULT (\{.*\})", done.stdout)
        if not found:
            raise SystemExit(f"wrk: {done.stdout}{done.stderr}")
        return json.loads(found.group(1))

    if warm_up:
        drive(warm_up, begin + 5000)
    server.forget_log()
    before = server.cpu()
    result = drive(seconds, begin)
    cpu = server.cpu() - before
    if result["refused"]:
        print(f"{server.name}, {operation}: {result['refused']} answers were not 2xx:\n{server.log()[-1000:]}")
    return Measured(
        rate=result["requests"] / result["seconds"],
        p50=result["p50"], p99=result["p99"], longest=result["max"],
        errors=result["refused"] + result["failed"],
        cpu=cpu / max(1, result["requests"]) * 1e6)


# The statements of Todoward, prepared. pgbench's variables are numbers: ids and
# owners are made from them, as `fill` does, at a cost that does not show.
COLUMNS = """id, title, description, completed, completed_at, priority, due_date, due_time, time_zone, recurrence, tags,
    list_id, parent_id, position, next_id, version, updated_at, deleted_at, deleted_with"""
OWNER = f"'{owner(0)[:-8]}' || :owner"
ID = "('018c' || :row || '7abc8def012345678901')::uuid"
STATEMENTS = {
    "list": f"SELECT {COLUMNS} FROM tasks WHERE owner_id = {OWNER} AND deleted_at IS NULL ORDER BY id DESC LIMIT 21;",
    "read": f"SELECT {COLUMNS} FROM tasks WHERE owner_id = {OWNER} AND deleted_at IS NULL AND id = {ID};",
    "complete": f"""UPDATE tasks SET completed = NOT completed, version = version + 1, folded_version = folded_version + 1,
        completed_at = CASE WHEN completed THEN NULL ELSE :now END, updated_at = :now, change = 0
        WHERE owner_id = {OWNER} AND id = {ID} AND deleted_at IS NULL AND recurrence IS NULL AND next_id IS NULL
        AND parent_id IS NULL RETURNING {COLUMNS};""".replace(":now", "'2026-11-02 10:00:00.123'::timestamp"),
    "create": f"""INSERT INTO tasks (owner_id, change, id, title, description, completed, completed_at, priority, due_date,
        due_time, time_zone, recurrence, tags, list_id, parent_id, position, next_id, version, updated_at, deleted_at,
        deleted_with, title_lower, description_lower, title_folded, rest_folded, folded_version) VALUES ({OWNER}, 0,
        ('018d' || :turn || '7abc8' || :who)::uuid, 'Buy milk', NULL, false, NULL, 0, NULL,
        NULL, NULL, NULL, E'[\\n"home"]', NULL, NULL, NULL, NULL, 1, '2026-11-02 10:00:00.123', NULL,
        NULL, 'buy milk', NULL, NULL, 'home', 1);""",
}


def pgbench(cluster, database, operation, rows, clients, begin, seconds=SECONDS):
    """Transactions a second, each of one statement."""
    owners = max(1, rows // PER_OWNER)
    step = max(1, owners // ASKED_OWNERS)
    script = f"""\\set number random(0, {min(owners, ASKED_OWNERS) - 1}) * {step}
\\set owner 10000000 + :number
\\set row 10000000 + :number + {owners} * random(0, {ASKED_TASKS - 1})
\\set count :count + 1
\\set turn 10000000 + :count
\\set who 100000000000000 + {begin} * 1000 + :client_id
{STATEMENTS[operation]}
""".replace("        ", " ")
    statement = " ".join(script.split("\n")[6:])
    script = "\n".join(script.split("\n")[:6]) + "\n" + statement + "\n"
    file = f"{cluster.directory}.sql"
    with open(file, "w") as out:
        out.write(script)
    command = [find("pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-j", "1", "-T",
               str(max(2, round(seconds))), "-D", "count=0", "-f", file, cluster.url(database)]
    done = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    failed = re.search(r"failed transactions: (\d+)", done.stdout)
    if done.returncode != 0 or not found or (failed and failed.group(1) != "0"):
        raise SystemExit(f"pgbench: {done.stdout}{done.stderr}")
    return float(found.group(1))

"""What the environment can change, and where things are."""

import os
import secrets
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))

ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS = float(os.environ.get("SECONDS", "2"))
ROWS = int(os.environ.get("ROWS", "1000000"))
GROWN = int(os.environ.get("GROWN", "10000000"))
PER_OWNER = 100
CONNECTIONS = 32

# How long each is driven before it is measured.
WARM_UP = min(1.0, SECONDS / 3)

# How many owners the requests are for, evenly spread over all, and how many tasks of each.
ASKED_OWNERS = 1000
ASKED_TASKS = 10

SECRET = os.environ.get("BETTER_AUTH_SECRET") or f"only-for-benchmarks-{secrets.token_hex(16)}"

# The ids of Better Auth's users have 32 characters. All digits at the end, so
# that pgbench, whose variables are numbers, can make them.
OWNER_PREFIX = "Yq3Yq3Yq3Yq3Yq3Yq3Yq3Yq3"
FIRST = 10_000_000


def owner(number):
    return f"{OWNER_PREFIX}{FIRST + number}"


def task_id(row):
    """The id of a row that `fill` has made: a UUIDv7 whose time is digits, too."""
    digits = f"018c{FIRST + row}7abc8def012345678901"[:32]
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

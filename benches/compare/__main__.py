"""Measures Todoward beside its peers, in one interleaved run.

    python3 benches/compare

The environment shortens it or chooses: PARTS (the names below, with commas; all
but growth, scale, variants, files, streams and operations by default), ROUNDS (5), SECONDS of
each figure (2), ROWS (1,000,000), GROWN (10,000,000), SKIP_BUILD, TODOWARD_BIN, and
TODOWARD__… for other settings of Todoward. docs/BENCHMARKS.md says what the
figures mean.
"""

import os
import platform
import shutil
import signal
import sys
import time

import files
import operations
import parts
import report
import scale
import servers
import streams
from cluster import CONFIGURATION, Cluster
from settings import ROUNDS, SECONDS

PARTS = {
    "peers": parts.peers,
    "crowd": parts.crowd,
    "durable": parts.durable,
    "memory": parts.memory,
    "owners": parts.owners,
    "tokens": parts.tokens,
    "sqlite": parts.sqlite,
    "growth": parts.growth,
    "variants": parts.variants,
    "scale": scale.scale,
    "files": files.measure,
    "streams": streams.measure,
    "operations": operations.measure,
}


def main():
    chosen = os.environ.get("PARTS", "peers,crowd,durable,memory,owners,tokens,sqlite").split(",")
    unknown = set(chosen) - PARTS.keys()
    if unknown:
        raise SystemExit(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    for tool in ("wrk", "openssl", "cargo"):
        if not shutil.which(tool):
            raise SystemExit(f"{tool} is missing")
    servers.build()
    begun = time.monotonic()
    settings = ", ".join(f"{name}={value}" for name, value in CONFIGURATION.items())
    print(f"{os.cpu_count()} cores, {platform.machine()}, load {os.getloadavg()[0]:.1f}; "
          f"{ROUNDS} rounds of {SECONDS:.0f} s\nPostgreSQL: {settings}", flush=True)
    cluster = Cluster(servers.free_port())
    try:
        for name in chosen:
            PARTS[name](cluster)
        report.save()
        print(f"Took {time.monotonic() - begun:.0f} s.")
    finally:
        cluster.stop()


# A stop from outside stops what was started here, too.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
main()

"""A throw-away PostgreSQL, filled."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from settings import FIRST, OWNER_PREFIX, PER_OWNER

# The same for all that is measured; the rest is PostgreSQL's default, so fsync is on.
# Nothing runs in the background during a measurement: `settle` does that work between
# two of them.
CONFIGURATION = {
    "shared_buffers": "1GB",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "checkpoint_timeout": "1h",
    "max_wal_size": "16GB",
    "max_connections": "200",
}


def find(program):
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for place in places:
        if (place / program).exists():
            return str(place / program)
    found = shutil.which(program)
    if not found:
        raise SystemExit(f"no {program}: run sh tests/install-postgres.sh")
    return found


class Cluster:
    def __init__(self, port):
        self.port = port
        self.directory = tempfile.mkdtemp(prefix="todoward-bench-")
        # PostgreSQL refuses to run as root.
        self.user = {}
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            self.user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            os.chown(self.directory, user.pw_uid, user.pw_gid)
        data = f"{self.directory}/data"
        initdb = [find("initdb"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N", "-D", data]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd="/", **self.user)
        command = [find("postgres"), "-D", data, "-p", str(port), "-k", self.directory]
        for name, value in {"listen_addresses": "127.0.0.1", **CONFIGURATION}.items():
            command += ["-c", f"{name}={value}"]
        self.log = open(f"{self.directory}.log", "wb")
        self.process = subprocess.Popen(command, cwd="/", stdout=self.log, stderr=self.log, **self.user)
        ready = [find("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
        deadline = time.monotonic() + 30
        while subprocess.run(ready).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"PostgreSQL does not start: see {self.log.name}")
            time.sleep(0.1)
        self.databases = []

    def stop(self):
        self.process.send_signal(2)
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)
        for left in (self.log.name, f"{self.directory}.sql"):
            Path(left).unlink(missing_ok=True)

    def url(self, database):
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def psql(self, database, statements):
        command = [find("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.url(database)]
        done = subprocess.run(command, input=statements, text=True, capture_output=True)
        if done.returncode != 0:
            raise SystemExit(f"psql: {done.stderr}")
        return done.stdout.strip()

    def set(self, name, value):
        """Changes a setting for all sessions that begin from now on."""
        # ALTER SYSTEM would not do: the command line has precedence over it.
        for database in self.databases:
            self.psql(database, f"ALTER DATABASE {database} SET {name} = {value}")

    def create(self, database, migrate):
        """An empty database with the tables that `migrate` makes."""
        self.psql("postgres", f"CREATE DATABASE {database} ENCODING 'UTF8' TEMPLATE template0")
        self.databases.append(database)
        migrate(self.url(database))

    def fill(self, database, rows, extra=()):
        """`rows` tasks of `rows / PER_OWNER` owners in turn, so that the tasks
        of an owner are as far apart as those of a table that grew. `extra`:
        (owner, number of tasks)."""
        owners = max(1, rows // PER_OWNER)
        columns = f"""
            'Buy milk and bread ' || n, 'buy milk and bread ' || n, 'About ' || n, 'about ' || n, n % 3 = 0,
            CASE WHEN n % 3 = 0 THEN timestamp '2026-11-01 10:00:00.123' END, n % 4, '2026-12-01',
            E'[\\n"home",\\n"shop"]', 1, timestamp '2026-11-01 10:00:00.123', NULL, E'home\\nshop', 1"""
        statements = f"""
            INSERT INTO tasks SELECT '{OWNER_PREFIX}' || ({FIRST} + n % {owners}),
                ('018c' || ({FIRST} + n) || '7abc8def012345678901')::uuid, {columns}
            FROM generate_series(0, {rows - 1}) n;"""
        for number, (owner, tasks) in enumerate(extra):
            statements += f"""
            INSERT INTO tasks SELECT '{owner}', ('018b' || ({FIRST} + n) || '7abc8def01234567890{number}')::uuid,
                {columns} FROM generate_series(0, {tasks - 1}) n;"""
        # The indexes are made anew from what the migrations have made.
        indexes = self.psql(database, """
            SELECT format('ALTER TABLE tasks ADD CONSTRAINT %I %s;', conname, pg_get_constraintdef(oid))
            FROM pg_constraint WHERE conrelid = 'tasks'::regclass AND contype = 'p'
            UNION ALL SELECT pg_get_indexdef(indexrelid) || ';' FROM pg_index
            WHERE indrelid = 'tasks'::regclass AND NOT indisprimary""")
        drops = self.psql(database, """
            SELECT format('ALTER TABLE tasks DROP CONSTRAINT %I;', conname)
            FROM pg_constraint WHERE conrelid = 'tasks'::regclass AND contype = 'p'
            UNION ALL SELECT format('DROP INDEX %s;', indexrelid::regclass) FROM pg_index
            WHERE indrelid = 'tasks'::regclass AND NOT indisprimary""")
        memory = "SET maintenance_work_mem = '512MB';"
        self.psql(database, f"{drops} {statements} {memory} {indexes} VACUUM ANALYZE tasks;")

    def settle(self, database):
        """Does the background work of what was written before, so that the next figure does not
        contain it."""
        self.psql(database, "VACUUM tasks; CHECKPOINT;")

    def sizes(self, database):
        return self.psql(database, """
            SELECT format('%s %s', relname, pg_size_pretty(pg_relation_size(oid)))
            FROM pg_class WHERE relname LIKE 'tasks%' AND relkind IN ('r', 'i') ORDER BY 1""").splitlines()

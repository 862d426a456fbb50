#!/usr/bin/env bash
# Drives the release binary with wrk on a real PostgreSQL and on SQLite, and
# prints requests a second, latency, server CPU a request and memory. Needs
# PostgreSQL's binaries, wrk, curl and python3; takes about three minutes.
#
#   benches/load.sh [seconds per figure, 5 by default]
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-5}
rows=${ROWS:-1000000}
connections=32
work=$(mktemp -d)
bin=target/release/todoward
started=()

finish() {
    for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT

for tool in wrk curl python3; do
    command -v "$tool" >/dev/null || { echo "benches/load.sh needs $tool" >&2; exit 1; }
done
[ -n "${SKIP_BUILD:-}" ] || cargo build --release --locked --quiet

# --- PostgreSQL: a throw-away cluster with the settings it comes with ---------
pg=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1)
pg=${pg:-$(dirname "$(command -v pg_isready)")}
as_postgres=()
if [ "$(id -u)" -eq 0 ]; then
    chmod 755 "$work"
    as_postgres=(setpriv --reuid postgres --regid postgres --clear-groups)
fi
mkdir "$work/pg" && if [ "$(id -u)" -eq 0 ]; then chown postgres "$work/pg"; fi
"${as_postgres[@]}" "$pg/initdb" -U postgres -A trust -E UTF8 --no-locale -D "$work/pg/data" >/dev/null
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
(cd / && exec "${as_postgres[@]}" "$pg/postgres" -D "$work/pg/data" -p "$port" -k "$work/pg" -c listen_addresses=127.0.0.1 \
    -c shared_buffers=1GB >"$work/pg.log" 2>&1) &
started+=($!)
until "$pg/pg_isready" -q -h 127.0.0.1 -p "$port"; do sleep 0.2; done
psql() { "$pg/psql" -X -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$port" -U postgres "$@"; }

export BETTER_AUTH_SECRET=only-for-benchmarks-$(python3 -c 'import secrets; print(secrets.token_hex(16))')
export TODOWARD__METRICS__PORT=0

# $1: database, $2: rows of 100-task owners beside one owner with 10,000.
fill() {
    psql -d postgres -c "CREATE DATABASE $1 ENCODING 'UTF8' TEMPLATE template0"
    DATABASE_URL=postgres://postgres@127.0.0.1:$port/$1 "$bin" migrate >/dev/null
    psql -d "$1" >/dev/null <<SQL
        INSERT INTO tasks
        SELECT owner, (lpad(to_hex(1700000000000 + n), 12, '0') || '7' || substr(md5(n::text), 1, 3)
                       || '8' || substr(md5((-n)::text), 1, 15))::uuid,
               'Task ' || n, 'task ' || n, 'About ' || n, 'about ' || n, n % 3 = 0,
               CASE WHEN n % 3 = 0 THEN now() AT TIME ZONE 'UTC' END, n % 4, '2026-12-01', '[]', 1,
               now() AT TIME ZONE 'UTC'
        FROM (SELECT n, CASE WHEN n <= 10000 THEN 'many' ELSE 'owner' || (n % ($2 / 100)) END AS owner
              FROM generate_series(1, 10000 + $2) n ORDER BY random()) AS tasks;
        VACUUM ANALYZE tasks;
SQL
}

# Starts the server on a database; sets url and pid.
serve() {
    PORT=0 DATABASE_URL=$1 RUST_LOG=${2:-info} "$bin" >/dev/null 2>"$work/log" &
    pid=$!
    started+=($pid)
    until url=$(grep -o 'address=[0-9.:]*' "$work/log" | cut -d= -f2) && [ -n "$url" ] &&
        curl -sf "http://$url/health/ready" >/dev/null; do sleep 0.1; done
}

stop() { kill "$pid"; wait "$pid" || true; }

cpu_ticks() { awk '{print $14 + $15}' "/proc/$pid/stat"; }

# $1: label, $2: path, $3: subject, $4: a Lua script, $5: connections
drive() {
    local token before after result
    token=$("$bin" token --sub "$3" --expires 1h)
    local script=()
    if [ -n "${4:-}" ]; then script=(-s "$4"); fi
    wrk -t1 -c"${5:-$connections}" -d1 -H "Authorization: Bearer $token" "${script[@]}" "http://$url$2" >/dev/null
    before=$(cpu_ticks)
    result=$(wrk -t1 -c"${5:-$connections}" -d"$seconds" --latency -H "Authorization: Bearer $token" "${script[@]}" "http://$url$2")
    after=$(cpu_ticks)
    LABEL=$1 TICKS=$((after - before)) HZ=$(getconf CLK_TCK) python3 -c '
import os, re, sys
text = sys.stdin.read()
count = int(re.search(r"(\d+) requests in", text).group(1))
rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))
p99 = re.search(r"99%\s+(\S+)", text).group(1)
errors = re.search(r"(Non-2xx.*|Socket errors.*)", text)
cpu = int(os.environ["TICKS"]) / int(os.environ["HZ"]) / count * 1e6
label = os.environ["LABEL"]
print(f"| {label} | {rate:,.0f} | {p99} | {cpu:.0f} µs |" + (f" {errors.group(1)} |" if errors else ""))
' <<<"$result"
}

cat >"$work/create.lua" <<'LUA'
wrk.method = "POST"
wrk.body = '{"title":"Buy milk","tags":["home"]}'
wrk.headers["Content-Type"] = "application/json"
LUA
cat >"$work/complete.lua" <<'LUA'
wrk.method = "PATCH"
LUA

peak() { awk '/VmHWM/ {printf "%.0f", $2 / 1024}' "/proc/$pid/status"; }

first() { # the newest task of an owner
    curl -sf "http://$url/api/v1/tasks?limit=1" -H "Authorization: Bearer $("$bin" token --sub "$1")" |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["items"][0]["id"])'
}

echo "Filling PostgreSQL: 10,000 tasks of one owner, in tables of 10,000 and of $rows more."
fill small 100
fill large "$rows"

echo
echo "| PostgreSQL, $connections connections | requests/s | p99 | server CPU a request |"
echo "|---|---:|---:|---:|"
serve "postgres://postgres@127.0.0.1:$port/small"
drive "list 50 of 10,000, table of 10,100" "/api/v1/tasks" many
stop
serve "postgres://postgres@127.0.0.1:$port/large"
drive "list 50 of 10,000, table of $((rows + 10000))" "/api/v1/tasks" many
drive "list 20 of 100" "/api/v1/tasks?limit=20" owner7
drive "read one" "/api/v1/tasks/$(first owner7)" owner7
drive "complete (toggle)" "/api/v1/tasks/$(first owner8)/complete" owner8 "$work/complete.lua"
drive "create" "/api/v1/tasks" creator "$work/create.lua"
drive "search q in 10,000" "/api/v1/tasks?q=nothing+like+it" many "" 4
drive "read one, 256 connections" "/api/v1/tasks/$(first owner7)" owner7 "" 256
echo
echo "Peak resident memory under this load: $(peak) MiB"
stop

echo
echo "| SQLite, $connections connections | requests/s | p99 | server CPU a request |"
echo "|---|---:|---:|---:|"
serve "sqlite://$work/bench.db"
drive "create" "/api/v1/tasks" owner7 "$work/create.lua"
drive "read one" "/api/v1/tasks/$(first owner7)" owner7
drive "list 20" "/api/v1/tasks?limit=20" owner7
echo
echo "Peak resident memory under this load: $(peak) MiB"
stop

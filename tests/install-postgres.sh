#!/bin/sh
# Sees to it that the tests find PostgreSQL: a server named by TEST_DATABASE_URL,
# or the binaries initdb and postgres, installed through the system's package
# manager where that is allowed.
set -eu

[ -n "${TEST_DATABASE_URL:-}" ] && exit 0
command -v initdb >/dev/null 2>&1 && exit 0
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && exit 0
ls /opt/homebrew/opt/postgresql*/bin/initdb /usr/local/opt/postgresql*/bin/initdb >/dev/null 2>&1 && exit 0

as_root=""
if [ "$(id -u)" -ne 0 ]; then
    if sudo -n true 2>/dev/null; then as_root="sudo -n"; else as_root="no"; fi
fi
if [ "$as_root" != no ] && command -v apt-get >/dev/null 2>&1; then
    $as_root apt-get update -qq && $as_root apt-get install -y -qq --no-install-recommends postgresql
elif [ "$as_root" != no ] && command -v dnf >/dev/null 2>&1; then
    $as_root dnf install -y -q postgresql-server
elif command -v brew >/dev/null 2>&1; then
    brew install postgresql@17
else
    echo "The tests need PostgreSQL. Install it (Debian and Ubuntu: apt-get install postgresql;" >&2
    echo "Fedora: dnf install postgresql-server), or set TEST_DATABASE_URL=postgres://user@host" >&2
    exit 1
fi

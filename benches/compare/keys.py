"""Tokens of a key pair beside tokens of a secret, on the same server."""

import json
import subprocess
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import load
import report
import servers
from load import base64url, claims_of, hs256, wrk
from parts import GOALS, main_database, of, remember, rotated, running
from report import goal, median, ratio, table
from settings import ROUNDS, ROWS

# Few, because each token is signed by a process; all are remembered after a moment.
ASKED = 200


class Pair:
    """An Ed25519 key pair."""

    def __init__(self, directory):
        self.file = f"{directory}/key.pem"
        self.input = f"{directory}/input"
        openssl = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", self.file]
        subprocess.run(openssl, check=True, capture_output=True)
        public = ["openssl", "pkey", "-in", self.file, "-pubout", "-outform", "DER"]
        der = subprocess.run(public, check=True, capture_output=True).stdout
        # RFC 8410: the last 32 bytes are the key.
        self.jwk = {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "benchmark", "x": base64url(der[-32:])}

    def token(self, claims):
        header = {"alg": "EdDSA", "kid": "benchmark"}
        text = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
        Path(self.input).write_text(text)
        sign = ["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", self.file, "-in", self.input]
        return f"{text}.{base64url(subprocess.run(sign, check=True, capture_output=True).stdout)}"


def key_server(jwk):
    """Answers every request with the key set."""
    body = json.dumps({"keys": [jwk]}).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def eddsa(cluster):
    url = main_database(cluster)
    with tempfile.TemporaryDirectory(prefix="todoward-bench-") as directory:
        pair = Pair(directory)
        keys = key_server(pair.jwk)
        origin = f"http://127.0.0.1:{keys.server_port}"

        def signed(sign):
            return lambda subject: sign(claims_of(subject) | {"iss": origin, "aud": origin})

        files = {}
        for name, sign in (("HS256", hs256), ("EdDSA", pair.token)):
            files[name] = load.write_targets(Path(directory) / name, ROWS, ASKED, signed(sign))
        with running(servers.todoward, url, BETTER_AUTH_URL=origin) as (server,):
            figures = {}
            for turn in range(ROUNDS):
                for name in rotated(list(files), turn):
                    figures.setdefault(name, []).append(wrk(server, "read", files[name], begin=turn * 177))
        keys.shutdown()
        keys.server_close()
    remember("tokens", "read", figures)
    rows = [(f"read one, {name}", report.rate(of(figures, name, "rate")), f"{of(figures, name, 'p99'):.2f} ms",
             f"{of(figures, name, 'cpu'):.1f} µs") for name in files]
    table("Tokens of a key pair", ("", "requests/s", "p99", "server CPU a request"), rows)
    goals = []
    more = [one.cpu / two.cpu for one, two in zip(figures["EdDSA"], figures["HS256"])]
    goal(goals, "CPU with EdDSA of HS256", ratio(more), "≤ 1.25", median(more) <= 1.25)
    table("Tokens of a key pair: aim", GOALS, goals)

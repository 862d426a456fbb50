"""Before anything is measured: that all answer the same, and refuse the same."""

import json
import urllib.error
import urllib.request

from load import claims_of, hs256, token_of
from settings import PER_OWNER, owner, task_id


def ask(server, method, path, token, body=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if body is not None:
        headers["Content-Type"] = "application/json"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://{server.address}{path}", data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, None


def expect(server, what, got, wanted):
    if got != wanted:
        raise SystemExit(f"{server.name}, {what}:\n  {str(got)[:1000]}\ninstead of\n  {str(wanted)[:1000]}")


def alike(servers, rows):
    """Compares what every server answers with what the first one does."""
    number = max(1, rows // PER_OWNER) - 1
    subject, row = owner(number), number
    token = token_of(subject)
    task = f"/api/v1/tasks/{task_id(row)}"
    first = servers[0]
    status, page = ask(first, "GET", "/api/v1/tasks?limit=20", token)
    expect(first, "list", (status, len(page["items"])), (200, 20))
    expect(first, "newest first", page["items"], sorted(page["items"], key=lambda task: task["id"], reverse=True))
    one = ask(first, "GET", task, token)[1]
    expect(first, "read", (one["id"], one["owner_id"]), (task_id(row), subject))
    for server in servers:
        # Read anew for each server: `toggled` has changed the version.
        _, page = ask(first, "GET", "/api/v1/tasks?limit=20", token)
        _, one = ask(first, "GET", task, token)
        got = ask(server, "GET", "/api/v1/tasks?limit=20", token)
        expect(server, "list", (got[0], got[1]["items"]), (200, page["items"]))
        cursor = got[1]["next_cursor"]
        status, behind = ask(server, "GET", f"/api/v1/tasks?limit=20&cursor={cursor}", token)
        _, both = ask(first, "GET", "/api/v1/tasks?limit=40", token)
        expect(server, "second page", (status, behind["items"]), (200, both["items"][20:]))
        expect(server, "read", ask(server, "GET", task, token), (200, one))
        toggled(server, task, token)
        created(server, first)
        refuses(server, task, subject)


def toggled(server, task, token):
    """Toggles twice, so that only the version of the task has changed in the end."""
    for _ in range(2):
        _, old = ask(server, "GET", task, token)
        status, new = ask(server, "PATCH", f"{task}/complete", token)
        changed = {"completed": not old["completed"], "version": old["version"] + 1,
                   "completed_at": new["updated_at"] if new["completed"] else None, "updated_at": new["updated_at"]}
        expect(server, "complete", (status, new), (200, old | changed))
        expect(server, "read what is completed", ask(server, "GET", task, token), (200, new))


def created(server, first):
    token = token_of("somebody who creates")
    body = {"title": "Buy MILK", "description": "Two \"litres\"", "priority": "high", "due_date": "2026-12-01",
            "tags": ["home", "ä \"ö\""]}
    status, task = ask(server, "POST", "/api/v1/tasks", token, body)
    wanted = task | body | {"completed": False, "completed_at": None, "version": 1,
                            "owner_id": "somebody who creates"}
    expect(server, "create", (status, task), (201, wanted))
    # The first server reads it, too: the row is as that one would have written it.
    expect(server, "read what was created", ask(first, "GET", f"/api/v1/tasks/{task['id']}", token), (200, task))
    small = {"title": "Buy milk", "tags": ["home"]}
    expect(server, "create a small one", ask(server, "POST", "/api/v1/tasks", token, small)[0], 201)
    expect(server, "create without a title", ask(server, "POST", "/api/v1/tasks", token, {})[0], 422)


def refuses(server, task, subject):
    expired = hs256(claims_of(subject, seconds=-60))
    forged = hs256(claims_of(subject), "another secret, of the same length")
    for what, token in (("no token", None), ("an expired one", expired), ("a forged one", forged)):
        for method, path in (("GET", task), ("GET", "/api/v1/tasks"), ("PATCH", f"{task}/complete"),
                             ("POST", "/api/v1/tasks")):
            body = {"title": "x"} if method == "POST" else None
            expect(server, f"{method} with {what}", ask(server, method, path, token, body)[0], 401)
    other = token_of("somebody else")
    for method, path in (("GET", task), ("PATCH", f"{task}/complete")):
        status = ask(server, method, path, other)[0]
        if status not in (403, 404):
            raise SystemExit(f"{server.name}: {method} of somebody else's task is {status}")

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
            return response.status, json.loads(response.read() or "null")
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


def operations_alike(servers, subject, lists):
    """Lists by position, counts, changes, moves and batches, of an owner who has these lists."""
    first, token = servers[0], token_of(subject)
    pages = [f"/api/v1/tasks?list={lists[0]}{more}&sort=position&limit=20" for more in ("", "&parent=none")]
    for server in servers:
        for path in (*pages, "/api/v1/tasks/count?by=list"):
            status, wanted = ask(first, "GET", path, token)
            got = ask(server, "GET", path, token)
            expect(server, path, (got[0], without(got[1], "next_cursor")), (status, without(wanted, "next_cursor")))
            expect(server, f"{path} without a token", ask(server, "GET", path, None)[0], 401)
        tasks = ask(server, "GET", pages[0], token)[1]["items"]
        places = [task["position"] for task in tasks]
        expect(server, "by position", (len(tasks), places), (19, sorted(places)))
        other = token_of("somebody else")
        expect(server, "somebody else's list", ask(server, "GET", pages[0], other)[1]["items"], [])
        moved(server, first, pages[0], token)
        batched(server, first, tasks, token)
    followed(servers, subject, lists)


def without(body, *names):
    return {name: value for name, value in body.items() if name not in names}


def moved(server, first, page, token):
    """Each move, beside what a list in memory would be."""
    tasks = ask(first, "GET", page, token)[1]["items"]
    order = [task["id"] for task in tasks]
    for task, way, beside in ((3, "before", 9), (12, "before", 0), (5, "after", 18), (0, "after", 7), (18, "before", 17),
                              (4, "after", 4), (6, "before", 7)):
        task, beside = order[task], order[beside]
        old = ask(first, "GET", f"/api/v1/tasks/{task}", token)[1]
        status, new = ask(server, "POST", f"/api/v1/tasks/{task}/move", token, {way: beside})
        wanted = [id for id in order if id != task]
        if task != beside:
            wanted.insert(wanted.index(beside) + (way == "after"), task)
        stays = wanted == order or task == beside
        order = order if stays else wanted
        changed = {} if stays else {name: new[name] for name in ("position", "updated_at")}
        expect(server, f"move {way}", (status, new), (200, old | changed | {"version": old["version"] + (not stays)}))
        for reader in (server, first):
            got = [task["id"] for task in ask(reader, "GET", page, token)[1]["items"]]
            expect(reader, f"order behind a move {way} by {server.name}", got, order)
    for who in (None, token_of("somebody else")):
        status = ask(server, "POST", f"/api/v1/tasks/{order[0]}/move", who, {"before": order[5]})[0]
        if status not in (401, 403, 404):
            raise SystemExit(f"{server.name}: move of somebody else's task is {status}")


def batched(server, first, tasks, token):
    body = {"title": "Buy MILK", "description": "Two litres", "tags": ["Home"]}
    create = {"method": "POST", "path": "/tasks", "body": body}
    toggles = [{"method": "PATCH", "path": f"/tasks/{task['id']}/complete"} for task in tasks[:2]]
    for operations in ([create] * 3, [create, toggles[0], create, create, toggles[1]]):
        before = ask(first, "GET", "/api/v1/tasks/count?by=list", token)[1]["count"]
        status, done = ask(server, "POST", "/api/v1/batch", token, {"operations": operations})
        expect(server, "batch", status, 200)
        for operation, result in zip(operations, done["results"], strict=True):
            task = result["body"]
            path = f"/api/v1/tasks/{task['id']}"
            expect(server, "read what a batch has written", ask(first, "GET", path, token), (200, task))
            headers = {"ETag": f'"{task["version"]}"'}
            if operation is create:
                expect(server, "create in a batch", (result["status"], task), (201, task | body | {"version": 1}))
                headers["Location"] = path
            else:
                expect(server, "complete in a batch", (result["status"], task["updated_at"] > task["created_at"]), (200, True))
            expect(server, "headers in a batch", result["headers"], headers)
        after = ask(first, "GET", "/api/v1/tasks/count?by=list", token)[1]["count"]
        expect(server, "created by a batch", after - before, operations.count(create))
    # What search compares is written, too.
    new = [result["body"]["id"] for result in done["results"] if result["status"] == 201]
    found = ask(first, "GET", "/api/v1/tasks?q=milk+home&limit=3", token)[1]["items"]
    expect(server, "search for what a batch has created", [task["id"] for task in found], new[::-1])
    missing = {"method": "PATCH", "path": "/tasks/018c0000-0000-7abc-8def-012345678901/complete"}
    refused = {"operations": [create, toggles[0], missing]}
    version = ask(first, "GET", f"/api/v1/tasks/{tasks[0]['id']}", token)[1]["version"]
    expect(server, "batch with a task that is not there", ask(server, "POST", "/api/v1/batch", token, refused)[0], 422)
    left = ask(first, "GET", f"/api/v1/tasks/{tasks[0]['id']}", token)[1]["version"]
    count = ask(first, "GET", "/api/v1/tasks/count?by=list", token)[1]["count"]
    expect(server, "nothing is left of a batch that was refused", (left, count), (version, after))
    other = token_of("somebody else")
    for who, wanted in ((None, 401), (other, 422)):
        expect(server, "batch of another's", ask(server, "POST", "/api/v1/batch", who, {"operations": toggles})[0], wanted)


def pull(server, token, since=None, limit=1000):
    """All pages up to the last: the items in their order, and the cursor."""
    found, more = {"tasks": [], "lists": [], "gone": []}, True
    while more:
        query = f"?limit={limit}" + (f"&since={since}" if since else "")
        status, page = ask(server, "GET", f"/api/v1/changes{query}", token)
        expect(server, "changes", (status, sum(len(page[name]) for name in found) <= limit), (200, True))
        for name in found:
            found[name] += page[name]
        since, more = page["next"], page["more"]
    return found, since


def followed(servers, subject, lists):
    """What one of them writes, the others pull, in pages of any size."""
    first, token = servers[0], token_of(subject)
    everything, _ = pull(first, token)
    expect(first, "lists of a snapshot", [one["id"] for one in everything["lists"]], lists)
    cursors = []
    for server in servers:
        for limit in (1000, 100, 7):
            found, cursor = pull(server, token, limit=limit)
            expect(server, f"snapshot by {limit}", found, everything)
        cursors.append(cursor)
        expect(server, "changes without a token", ask(server, "GET", "/api/v1/changes", None)[0], 401)
    tasks = [task["id"] for task in everything["tasks"][:3]]
    for writer in servers:
        toggles = [{"method": "PATCH", "path": f"/tasks/{task}/complete"} for task in tasks]
        expect(writer, "batch", ask(writer, "POST", "/api/v1/batch", token, {"operations": toggles})[0], 200)
        status, made = ask(first, "POST", "/api/v1/tasks", token, {"title": "Not for long"})
        expect(first, "end it", ask(first, "DELETE", f"/api/v1/tasks/{made['id']}?permanent=true", token)[0], 204)
        ask(first, "PATCH", f"/api/v1/lists/{lists[1]}", token, {"name": f"For {writer.name}"})
        now = [ask(first, "GET", f"/api/v1/tasks/{task}", token)[1] for task in tasks]
        renamed = ask(first, "GET", f"/api/v1/lists/{lists[1]}", token)[1]
        wanted = {"tasks": now, "lists": [renamed], "gone": [{"kind": "task", "id": made["id"]}]}
        for at, server in enumerate(servers):
            for limit in (1, 2, 1000):
                found, cursor = pull(server, token, cursors[at], limit)
                expect(server, f"changes by {limit} of {writer.name}", found, wanted)
            cursors[at] = cursor
            expect(server, "nothing new", pull(server, token, cursor)[0], {"tasks": [], "lists": [], "gone": []})

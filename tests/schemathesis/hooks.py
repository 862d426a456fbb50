"""What schemathesis cannot know from the document."""

import unicodedata

import schemathesis
from schemathesis.generation.meta import TestPhase


@schemathesis.serializer("application/x-ndjson", "text/csv", "text/calendar")
def as_text(context, value):
    """Sends a file as schemathesis has made it up."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@schemathesis.hook
def before_call(context, case, kwargs):
    """Takes out parameters that would be refused before the value that a request tries.

    The phase "coverage" of 4.32 tries one value of one field, but sends all optional parameters
    with it: 0 as the version and as the cursor, and always the same idempotency key. The phase
    "fuzzing" makes up cursors, of which none can be valid.
    """
    if case.meta is None:
        return
    phase = case.meta.phase
    if phase.name == TestPhase.COVERAGE:
        tried = getattr(phase.data, "parameter", None)
        for name in {"If-Match", "If-None-Match", "Idempotency-Key"} - {tried}:
            case.headers.pop(name, None)
        for name in {"cursor", "since"} - {tried}:
            case.query.pop(name, None)
    if phase.name == TestPhase.FUZZING and case.meta.generation.mode.is_positive:
        case.query.pop("cursor", None)
        case.query.pop("since", None)


# Refusals that depend on what a request refers to, and not on its form: a version that is not the
# current one, a key of another body, a made-up cursor, a refused operation of a batch. For
# schemathesis itself a 404 is no failure.
DECIDED_BY_STATE = {
    (422, "batch_refused"),
    # To JSON Schema a file is any text.
    (422, "invalid_import"),
    # The second token must be a valid one, and both must be new.
    (401, "token_expired"),
    (403, "adopt_refused"),
    (412, "version_mismatch"),
    (422, "idempotency_key_reused"),
    (400, "invalid_cursor"),
}


# The beginnings of refusals whose rule JSON Schema cannot express: fields and parameters that need
# or exclude each other, ids of the caller's own rows, names of time zones, rules that have a date,
# and the number of words after folding.
RELATIONS = (
    "needs a due_",
    "contradicts parent_id",
    "has too many tasks above it",
    "must not be the task itself",
    "must be null or the id of a ",
    "must be the id of a ",
    "must be the only one of before, after, first and last",
    "must have list_id",
    "must have before",
    "must be the name of a time zone",
    "must be false, or absent, where completed is false",
    "must be true, or trash must be",
    "must be true: nothing else can be deleted at once",
    "cannot stand beside trash",
    "must be 1 to 100 characters, with 1 to 10 words",
    # For a PUT that creates.
    "is required",
    "must be a UUID version 7",
    "lies more than a day ahead",
    # For the path of an operation in a batch.
    "must be a path, and a query",
    "must not have the segments . and ..",
)


def is_relation(fault):
    """Whether a fault is one of RELATIONS, or that of a rule of which only the form is right."""
    return fault.get("pointer") == "/recurrence/rule" or fault["detail"].startswith(RELATIONS)


def too_much_only_as_sent(body):
    """Whether title and tags break a limit as they are sent, but not as the server counts them:
    without white space around them, without repeats, and in composed characters. JSON Schema
    cannot express that."""
    if not isinstance(body, dict):
        return False
    title, tags = body.get("title", ""), body.get("tags", [])
    if not isinstance(title, str) or not isinstance(tags, list):
        return False
    if not all(isinstance(tag, str) for tag in tags):
        return False
    kept = {unicodedata.normalize("NFC", tag).strip() for tag in tags}
    return not fits(title, tags) and fits(title.strip(), kept)


def fits(title, tags):
    return len(title) <= 1000 and len(tags) <= 50 and all(len(tag) <= 60 for tag in tags)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Whether a failure is real: none of those that are explained above and below."""
    if type(failure).__name__ == "AcceptedNegativeData":
        # Whatever schemathesis makes up as a file, for example a number, is sent as text.
        is_file = case.operation.path.endswith("/import") and not isinstance(case.body, (dict, list))
        return not is_file and not too_much_only_as_sent(case.body)
    if type(failure).__name__ != "RejectedPositiveData":
        return True
    problem = response.json()
    # The second one: the id of an account to erase must be spelled out; `me` is refused.
    if problem["detail"].startswith(("If-None-Match: * creates and If-Match changes", "spell the id out")):
        return False
    if (response.status_code, problem["code"]) in DECIDED_BY_STATE:
        return False
    # Without a file there is no Content-Type to tell its format.
    if response.status_code == 415 and case.operation.path.endswith("/import"):
        if "format" not in (case.query or {}) and "Content-Type" not in response.request.headers:
            return False
    # No portable regular expression can say which characters are visible, so the pattern of the
    # document allows more than the server does.
    faults = problem.get("errors", [])
    if faults and all(fault["detail"] == "must have a visible character" for fault in faults):
        return False
    if faults and all(is_relation(fault) for fault in faults):
        return False
    return True

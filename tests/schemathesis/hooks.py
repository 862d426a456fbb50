"""What schemathesis cannot know from the document."""

import unicodedata

import schemathesis
from schemathesis.generation.meta import TestPhase


@schemathesis.serializer("application/x-ndjson", "text/csv", "text/calendar")
def as_text(context, value):
    """A file is sent as it is made up."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@schemathesis.hook
def before_call(context, case, kwargs):
    """Leaves out what would refuse a request before what it is about is seen.

    The phase "coverage" of 4.32 sends all optional parameters with every request: the number 0 as
    a version and as a cursor, always the same key, even if it tries one value of one field. The
    phase "fuzzing" makes up cursors, and none of them can be one.
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


# What the request refers to decides, not its form: a version that is not the current one, a key
# that stands for another body, a cursor that was made up, an operation of a batch that is refused.
# A 404 counts as right without us.
DECIDED_BY_STATE = {
    (422, "batch_refused"),
    # A file is a text to JSON Schema.
    (422, "invalid_import"),
    # The other token must be one, and both be new.
    (401, "token_expired"),
    (403, "adopt_refused"),
    (412, "version_mismatch"),
    (422, "idempotency_key_reused"),
    (400, "invalid_cursor"),
}


# What JSON Schema has no words for: that fields and parameters need or exclude each other, that
# an id is that of a row of the caller's, that a name is one of the time zones, that a text is a
# rule with a date, and how many words a text has after folding.
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
    # Of a PUT that creates.
    "is required",
    "must be a UUID version 7",
    "lies more than a day ahead",
    # Of the path of an operation in a batch.
    "must be a path, and a query",
    "must not have the segments . and ..",
)


def is_relation(fault):
    """Whether a fault is one of those, or of a rule whose form alone is right."""
    return fault.get("pointer") == "/recurrence/rule" or fault["detail"].startswith(RELATIONS)


def too_much_only_as_sent(body):
    """Whether a title or tags are too long, or tags too many, only as they are sent: white space,
    repeats and the parts of composed characters are dropped before anything is counted, for which
    JSON Schema has no word."""
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
    """Keeps a failure unless it is one of those above."""
    if type(failure).__name__ == "AcceptedNegativeData":
        # Whatever a file is made up as, a number say, it is sent as a text.
        is_file = case.operation.path.endswith("/import") and not isinstance(case.body, (dict, list))
        return not is_file and not too_much_only_as_sent(case.body)
    if type(failure).__name__ != "RejectedPositiveData":
        return True
    problem = response.json()
    # The second: whose account is erased must be spelled out, and not said to be `me`.
    if problem["detail"].startswith(("If-None-Match: * creates and If-Match changes", "spell the id out")):
        return False
    if (response.status_code, problem["code"]) in DECIDED_BY_STATE:
        return False
    # Without a file nothing says its format.
    if response.status_code == 415 and case.operation.path.endswith("/import"):
        if "format" not in (case.query or {}) and "Content-Type" not in response.request.headers:
            return False
    # "Visible" is a property of characters that no portable regular expression names: the
    # pattern in the document asks for less than the server.
    faults = problem.get("errors", [])
    if faults and all(fault["detail"] == "must have a visible character" for fault in faults):
        return False
    if faults and all(is_relation(fault) for fault in faults):
        return False
    return True

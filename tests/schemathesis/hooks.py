"""Which refusals of valid requests are right, because a schema cannot say what decides them."""

import schemathesis
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import TestPhase

# What the request refers to decides, not its form: a version that is not the current one, a key
# that stands for another body, a cursor that was made up. A 404 counts as right without us.
DECIDED_BY_STATE = {
    (412, "version_mismatch"),
    (422, "idempotency_key_reused"),
    (400, "invalid_cursor"),
}


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Keeps a failure unless it is one of those above."""
    if type(failure).__name__ != "RejectedPositiveData":
        return True
    problem = response.json()
    if (response.status_code, problem["code"]) in DECIDED_BY_STATE:
        return False
    # "Visible" is a property of characters that no portable regular expression names: the
    # pattern in the document asks for less than the server.
    faults = problem.get("errors", [])
    if faults and all(fault["detail"] == "must have a visible character" for fault in faults):
        return False
    # The phase "coverage" of 4.32 says that a request is valid and sends the number 0 in an
    # optional header whose pattern forbids it; the parts of the case say what it did.
    header = case.meta.components.get(ParameterLocation.HEADER)
    made_wrong = header is not None and header.mode.is_negative
    in_coverage = case.meta.phase.name == TestPhase.COVERAGE
    return not (in_coverage and made_wrong and problem["code"] == "invalid_request")

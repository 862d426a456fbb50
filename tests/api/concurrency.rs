//! Many at once: idempotency keys, preconditions, races.

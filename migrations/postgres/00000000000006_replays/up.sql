-- What a repeated response has that the request does not say. The previous release writes
-- nothing here, and of its keys a subtask's list is not known.
ALTER TABLE idempotency_keys ADD COLUMN list_id UUID;

COMMENT ON COLUMN idempotency_keys.list_id IS
    'The list of the parent below which a subtask was created, if the request named none.';

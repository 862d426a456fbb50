-- What a repeated response has that the request does not say, as on PostgreSQL.
ALTER TABLE idempotency_keys ADD COLUMN list_id BINARY;

ALTER TABLE idempotency_keys DROP COLUMN list_id;

-- The accounts that are being erased, some rows at a time. Whoever finds one here goes on
-- with it, also after a restart.
CREATE TABLE erasures (
    owner_id TEXT COLLATE "C" PRIMARY KEY,
    begun_at TIMESTAMP NOT NULL
);

COMMENT ON COLUMN erasures.begun_at IS 'UTC.';

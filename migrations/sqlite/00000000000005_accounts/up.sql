-- The accounts that are being erased, as on PostgreSQL. The row whose owner is empty says
-- that rows were erased, and that their bytes may still be in the WAL.
CREATE TABLE erasures (
    owner_id TEXT NOT NULL PRIMARY KEY,
    begun_at TIMESTAMP NOT NULL
);

DROP TABLE gone;
DROP TABLE epochs;
ALTER TABLE owners DROP COLUMN epoch, DROP COLUMN earlier_epoch, DROP COLUMN forgotten;
COMMENT ON COLUMN owners.last_change IS 'How many changes have taken the lock.';
ALTER TABLE lists DROP COLUMN change;
ALTER TABLE tasks DROP COLUMN change;

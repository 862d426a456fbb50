DROP TABLE gone;
DROP TABLE epochs;
ALTER TABLE owners DROP COLUMN forgotten;
ALTER TABLE owners DROP COLUMN earlier_epoch;
ALTER TABLE owners DROP COLUMN epoch;
DROP INDEX lists_changed;
DROP INDEX tasks_changed;
ALTER TABLE lists DROP COLUMN change;
ALTER TABLE tasks DROP COLUMN change;

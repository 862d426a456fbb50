DROP INDEX tasks_due;
DROP INDEX tasks_ranked;
ALTER TABLE tasks DROP COLUMN title_folded;
ALTER TABLE tasks DROP COLUMN rest_folded;
ALTER TABLE tasks DROP COLUMN folded_version;

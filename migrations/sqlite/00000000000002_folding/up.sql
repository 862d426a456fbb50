-- What search and the order of titles compare: texts folded by Todoward. The same
-- columns as on PostgreSQL, where each is explained.
ALTER TABLE tasks ADD COLUMN title_folded TEXT;
ALTER TABLE tasks ADD COLUMN rest_folded TEXT;
ALTER TABLE tasks ADD COLUMN folded_version BIGINT;

-- For an owner with very many tasks. They cost a task without a day and without a
-- priority nothing. (PostgreSQL makes its own while others write: src/db/indexes.rs.)
CREATE INDEX tasks_due ON tasks (owner_id, due_date, id) WHERE due_date IS NOT NULL;
CREATE INDEX tasks_ranked ON tasks (owner_id, priority, id) WHERE priority > 0;

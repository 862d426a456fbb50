-- Lists, subtasks, order, due times, recurrence and the trash. The same columns as on
-- PostgreSQL, where each is explained.
ALTER TABLE tasks ADD COLUMN due_time SMALLINT;
ALTER TABLE tasks ADD COLUMN time_zone TEXT;
ALTER TABLE tasks ADD COLUMN recurrence TEXT;
ALTER TABLE tasks ADD COLUMN list_id BINARY;
ALTER TABLE tasks ADD COLUMN parent_id BINARY;
ALTER TABLE tasks ADD COLUMN position TEXT;
ALTER TABLE tasks ADD COLUMN next_id BINARY;
ALTER TABLE tasks ADD COLUMN deleted_at TIMESTAMP;
ALTER TABLE tasks ADD COLUMN deleted_with BINARY;

-- They cost a task of the inbox, at the top level, nothing.
CREATE INDEX tasks_of_list ON tasks (owner_id, list_id, id) WHERE list_id IS NOT NULL;
CREATE INDEX tasks_of_parent ON tasks (owner_id, parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX tasks_moved ON tasks (owner_id, list_id, parent_id, position) WHERE position IS NOT NULL;
CREATE INDEX tasks_in_trash ON tasks (owner_id, deleted_at, id) WHERE deleted_at IS NOT NULL;
CREATE INDEX tasks_trashed ON tasks (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE lists (
    owner_id   TEXT NOT NULL,
    id         BINARY NOT NULL,
    name       TEXT NOT NULL,
    color      TEXT,
    archived   BOOLEAN NOT NULL,
    position   TEXT,
    version    BIGINT NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    deleted_at TIMESTAMP,
    PRIMARY KEY (owner_id, id)
);

CREATE INDEX lists_id ON lists (id);
CREATE INDEX lists_trashed ON lists (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE owners (
    owner_id    TEXT NOT NULL PRIMARY KEY,
    last_change BIGINT NOT NULL
);

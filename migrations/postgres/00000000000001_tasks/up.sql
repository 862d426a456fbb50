-- Tasks and the idempotency keys that made them.
--
-- The owner stands first in both primary keys: every statement names one owner,
-- so an owner's rows lie together, and the tables can later be sharded by owner
-- (Citus: create_distributed_table('tasks', 'owner_id')) without a change.
--
-- COLLATE "C" compares bytes, which in UTF-8 is the order of code points. It
-- makes sorting and equality the same on every server, and the same as SQLite's.
CREATE TABLE tasks (
    owner_id          TEXT COLLATE "C" NOT NULL,
    id                UUID NOT NULL,
    title             TEXT COLLATE "C" NOT NULL,
    title_lower       TEXT COLLATE "C" NOT NULL,
    description       TEXT COLLATE "C",
    description_lower TEXT COLLATE "C",
    completed         BOOLEAN NOT NULL,
    completed_at      TIMESTAMP,
    priority          SMALLINT NOT NULL,
    due_date          DATE,
    tags              TEXT COLLATE "C" NOT NULL,
    version           BIGINT NOT NULL,
    updated_at        TIMESTAMP NOT NULL,
    PRIMARY KEY (owner_id, id)
);

-- Tells "somebody else's" (403) from "nobody's" (404) after a scoped miss. Not
-- unique, so that a table sharded by owner can have it too.
CREATE INDEX tasks_id ON tasks (id);

COMMENT ON COLUMN tasks.owner_id IS 'The subject (sub) of the verified token, byte for byte.';
COMMENT ON COLUMN tasks.id IS 'UUIDv7. Its time is the time of creation, so the primary key is also the order by creation.';
COMMENT ON COLUMN tasks.title_lower IS 'The title lower-cased by Unicode''s default mapping, done by Todoward: databases disagree about it.';
COMMENT ON COLUMN tasks.description_lower IS 'The description lower-cased, for the search.';
COMMENT ON COLUMN tasks.completed_at IS 'UTC. When completed last became true.';
COMMENT ON COLUMN tasks.priority IS '0 none, 1 low, 2 medium, 3 high.';
COMMENT ON COLUMN tasks.tags IS 'A JSON array of strings, each on a line of its own, which makes a tag findable as text.';
COMMENT ON COLUMN tasks.version IS '1, then one more at each change. The entity tag of the task.';
COMMENT ON COLUMN tasks.updated_at IS 'UTC, in whole milliseconds.';

-- What POST with an Idempotency-Key has already created. The key's age is the
-- time inside task_id; the answer is made again from the request, whose bytes
-- body_hash proves to be the same. The task may have been deleted since, so
-- there is no foreign key.
CREATE TABLE idempotency_keys (
    owner_id  TEXT COLLATE "C" NOT NULL,
    key       TEXT COLLATE "C" NOT NULL,
    body_hash BYTEA NOT NULL,
    task_id   UUID NOT NULL,
    PRIMARY KEY (owner_id, key)
);

COMMENT ON COLUMN idempotency_keys.body_hash IS 'SHA-256 of the request body.';

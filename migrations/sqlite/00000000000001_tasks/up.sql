-- Tasks and the idempotency keys that made them. The same tables as on
-- PostgreSQL, where each column is explained; here an id is 16 bytes, and
-- times are text in UTC.
--
-- SQLite's BINARY collation compares bytes, as COLLATE "C" does there.
CREATE TABLE tasks (
    owner_id          TEXT NOT NULL,
    id                BINARY NOT NULL,
    title             TEXT NOT NULL,
    title_lower       TEXT NOT NULL,
    description       TEXT,
    description_lower TEXT,
    completed         BOOLEAN NOT NULL,
    completed_at      TIMESTAMP,
    priority          SMALLINT NOT NULL,
    due_date          DATE,
    tags              TEXT NOT NULL,
    version           BIGINT NOT NULL,
    updated_at        TIMESTAMP NOT NULL,
    PRIMARY KEY (owner_id, id)
);

-- Tells "somebody else's" (403) from "nobody's" (404) after a scoped miss.
CREATE INDEX tasks_id ON tasks (id);

CREATE TABLE idempotency_keys (
    owner_id  TEXT NOT NULL,
    key       TEXT NOT NULL,
    body_hash BINARY NOT NULL,
    task_id   BINARY NOT NULL,
    PRIMARY KEY (owner_id, key)
);

-- The numbers of changes, for GET /changes. The same columns as on PostgreSQL, where
-- each is explained.
ALTER TABLE tasks ADD COLUMN change BIGINT;
ALTER TABLE lists ADD COLUMN change BIGINT;
ALTER TABLE owners ADD COLUMN epoch BIGINT;
ALTER TABLE owners ADD COLUMN earlier_epoch BIGINT;
ALTER TABLE owners ADD COLUMN forgotten BIGINT;

-- No row has a number or a mark yet: they cost nothing now.
CREATE INDEX tasks_unnumbered ON tasks (owner_id) WHERE change = 0;
CREATE INDEX tasks_changed ON tasks (owner_id, change, id) WHERE change > 0;
CREATE INDEX lists_unnumbered ON lists (owner_id) WHERE change = 0;
CREATE INDEX lists_changed ON lists (owner_id, change, id) WHERE change > 0;

CREATE TABLE epochs (
    owner_id     TEXT NOT NULL,
    epoch        BIGINT NOT NULL,
    after_change BIGINT NOT NULL,
    noted_at     TIMESTAMP NOT NULL,
    PRIMARY KEY (owner_id, epoch)
);

CREATE TABLE gone (
    owner_id TEXT NOT NULL,
    kind     TEXT NOT NULL,
    id       BINARY NOT NULL,
    change   BIGINT NOT NULL,
    gone_at  TIMESTAMP NOT NULL,
    PRIMARY KEY (owner_id, kind, id)
);

CREATE INDEX gone_unnumbered ON gone (owner_id) WHERE change = 0;
CREATE INDEX gone_changed ON gone (owner_id, change, kind, id);
CREATE INDEX gone_since ON gone (gone_at);

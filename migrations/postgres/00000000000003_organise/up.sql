-- Lists, subtasks, order, due times, recurrence and the trash.
--
-- Expand only: the previous release keeps serving while and after this runs. Columns
-- are nullable and have no default, so no row is rewritten and no lock is held for
-- longer than an instant. Rows of the previous release are tasks of the inbox, at the
-- top level, where their ids put them. Until the last replica of it has ended it shows
-- what is in the trash as if it were not.
--
-- No foreign keys: whether a list or a parent is there and not in the trash is checked
-- under the lock of the owner's row below, which a key could not say, and a key would
-- have to be made anew on every server of a sharded database.
ALTER TABLE tasks
    ADD COLUMN due_time     SMALLINT,
    ADD COLUMN time_zone    TEXT COLLATE "C",
    ADD COLUMN recurrence   TEXT COLLATE "C",
    ADD COLUMN list_id      UUID,
    ADD COLUMN parent_id    UUID,
    ADD COLUMN position     TEXT COLLATE "C",
    ADD COLUMN next_id      UUID,
    ADD COLUMN deleted_at   TIMESTAMP,
    ADD COLUMN deleted_with UUID;

COMMENT ON COLUMN tasks.due_time IS 'Minutes since midnight, local time.';
COMMENT ON COLUMN tasks.time_zone IS 'The IANA name of the zone of due_time. Null: wherever the user is.';
COMMENT ON COLUMN tasks.recurrence IS 'Where the next date counts from, the anchor of the series, the number of tasks before this one, and the RRULE, with single spaces between them.';
COMMENT ON COLUMN tasks.list_id IS 'The list. Null: the inbox.';
COMMENT ON COLUMN tasks.parent_id IS 'The task that this is a subtask of.';
COMMENT ON COLUMN tasks.position IS 'The place among the siblings. Null: never moved, and where its id puts it.';
COMMENT ON COLUMN tasks.next_id IS 'The task that completing this one has made.';
COMMENT ON COLUMN tasks.deleted_at IS 'UTC. When it went to the trash.';
COMMENT ON COLUMN tasks.deleted_with IS 'The task or list whose deletion took this one along, or its own id.';

CREATE TABLE lists (
    owner_id   TEXT COLLATE "C" NOT NULL,
    id         UUID NOT NULL,
    name       TEXT COLLATE "C" NOT NULL,
    color      TEXT COLLATE "C",
    archived   BOOLEAN NOT NULL,
    position   TEXT COLLATE "C",
    version    BIGINT NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    deleted_at TIMESTAMP,
    PRIMARY KEY (owner_id, id)
);

-- Tells "somebody else's" (403) from "nobody's" (404) after a scoped miss.
CREATE INDEX lists_id ON lists (id);
CREATE INDEX lists_trashed ON lists (deleted_at) WHERE deleted_at IS NOT NULL;

COMMENT ON COLUMN lists.color IS '#rrggbb in lower case.';
COMMENT ON COLUMN lists.position IS 'The place among the lists. Null: never moved, and where its id puts it.';
COMMENT ON COLUMN lists.deleted_at IS 'UTC. When it went to the trash.';

-- One row for each owner who has arranged something. Whoever changes where tasks are
-- (lists, parents, trash, series) updates it first and so waits for whoever does the
-- same: what was checked then holds until the commit.
CREATE TABLE owners (
    owner_id    TEXT COLLATE "C" PRIMARY KEY,
    last_change BIGINT NOT NULL
);

COMMENT ON COLUMN owners.last_change IS 'How many changes have taken the lock.';

-- The numbers of changes, for GET /changes.
--
-- Expand only: the columns are nullable and have no default, so no row is rewritten.
-- Rows of the previous release have no number. What it changes while this release
-- serves, too, is not marked for one: no client should follow changes until its last
-- replica has ended.
ALTER TABLE tasks ADD COLUMN change BIGINT;
ALTER TABLE lists ADD COLUMN change BIGINT;
ALTER TABLE owners
    ADD COLUMN epoch         BIGINT,
    ADD COLUMN earlier_epoch BIGINT,
    ADD COLUMN forgotten     BIGINT;

COMMENT ON COLUMN tasks.change IS 'The number of the last change, of those of its owner. 0: written, and not numbered yet.';
COMMENT ON COLUMN lists.change IS 'The number of the last change, of those of its owner. 0: written, and not numbered yet.';
COMMENT ON COLUMN owners.last_change IS 'The last number that was given.';
COMMENT ON COLUMN owners.epoch IS 'The epoch of the process that gave the last number. Null: nobody follows the changes of this owner.';
COMMENT ON COLUMN owners.earlier_epoch IS 'The epoch of the number before the last one.';
COMMENT ON COLUMN owners.forgotten IS 'The number up to which rows of gone were deleted.';

-- The epochs in which an owner's changes were numbered. A process draws one when it starts,
-- and when it has lost its database. A cursor of an epoch that is not here, or that ended
-- before the number of the cursor, has seen writes that a restore or a failover has lost.
CREATE TABLE epochs (
    owner_id     TEXT COLLATE "C" NOT NULL,
    epoch        BIGINT NOT NULL,
    after_change BIGINT NOT NULL,
    noted_at     TIMESTAMP NOT NULL,
    PRIMARY KEY (owner_id, epoch)
);

COMMENT ON COLUMN epochs.after_change IS 'The last number before the first one of this epoch.';

-- What has ended, for clients that have a copy.
CREATE TABLE gone (
    owner_id TEXT COLLATE "C" NOT NULL,
    kind     TEXT COLLATE "C" NOT NULL,
    id       UUID NOT NULL,
    change   BIGINT NOT NULL,
    gone_at  TIMESTAMP NOT NULL,
    PRIMARY KEY (owner_id, kind, id)
);

CREATE INDEX gone_unnumbered ON gone (owner_id) WHERE change = 0;
CREATE INDEX gone_changed ON gone (owner_id, change, kind, id);
CREATE INDEX gone_since ON gone (gone_at);

COMMENT ON COLUMN gone.kind IS 'The table in which it was.';
COMMENT ON COLUMN gone.gone_at IS 'UTC.';

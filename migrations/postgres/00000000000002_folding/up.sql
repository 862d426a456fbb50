-- What search and the order of titles compare: texts folded by Todoward.
--
-- Nullable and without a default, so that no row is rewritten and the previous
-- release goes on writing rows without them. `folded_version` says for which
-- version of the task they were made; where it is not the task's, they are old,
-- and a background pass makes them anew (src/db/refold.rs).
ALTER TABLE tasks
    ADD COLUMN title_folded   TEXT COLLATE "C",
    ADD COLUMN rest_folded    TEXT COLLATE "C",
    ADD COLUMN folded_version BIGINT;

COMMENT ON COLUMN tasks.title_lower IS 'The title lower-cased by Unicode''s default mapping: what the previous release searches and sorts by.';
COMMENT ON COLUMN tasks.description_lower IS 'The description lower-cased.';
COMMENT ON COLUMN tasks.title_folded IS 'The title folded: without case, marks, and differences of width and white space. Null where title_lower is the same.';
COMMENT ON COLUMN tasks.rest_folded IS 'The description folded, if description_lower is another, and each tag folded, each on a line. Null if there is none.';
COMMENT ON COLUMN tasks.folded_version IS 'The version of the task that the folded columns are of.';

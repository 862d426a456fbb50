DROP INDEX IF EXISTS tasks_due;
DROP INDEX IF EXISTS tasks_ranked;
ALTER TABLE tasks
    DROP COLUMN title_folded,
    DROP COLUMN rest_folded,
    DROP COLUMN folded_version;
COMMENT ON COLUMN tasks.title_lower IS 'The title lower-cased by Unicode''s default mapping, done by Todoward: databases disagree about it.';
COMMENT ON COLUMN tasks.description_lower IS 'The description lower-cased, for the search.';

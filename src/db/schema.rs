// @generated automatically by Diesel CLI.

diesel::table! {
    use diesel::sql_types::*;
    use diesel::sql_types::Binary as Bytea;
    use crate::db::id::Id as Uuid;

    epochs (owner_id, epoch) {
        owner_id -> Text,
        epoch -> Int8,
        after_change -> Int8,
        noted_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use diesel::sql_types::Binary as Bytea;
    use crate::db::id::Id as Uuid;

    erasures (owner_id) {
        owner_id -> Text,
        begun_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use diesel::sql_types::Binary as Bytea;
    use crate::db::id::Id as Uuid;

    gone (owner_id, kind, id) {
        owner_id -> Text,
        kind -> Text,
        id -> Uuid,
        change -> Int8,
        gone_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use diesel::sql_types::Binary as Bytea;
    use crate::db::id::Id as Uuid;

    idempotency_keys (owner_id, key) {
        owner_id -> Text,
        key -> Text,
        body_hash -> Bytea,
        task_id -> Uuid,
        list_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use diesel::sql_types::Binary as Bytea;
    use crate::db::id::Id as Uuid;

    lists (owner_id, id) {
        owner_id -> Text,
        id -> Uuid,
        name -> Text,
        color -> Nullable<Text>,
        archived -> Bool,
        position -> Nullable<Text>,
        version -> Int8,
        updated_at -> Timestamp,
        deleted_at -> Nullable<Timestamp>,
        change -> Nullable<Int8>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use diesel::sql_types::Binary as Bytea;
    use crate::db::id::Id as Uuid;

    owners (owner_id) {
        owner_id -> Text,
        last_change -> Int8,
        epoch -> Nullable<Int8>,
        earlier_epoch -> Nullable<Int8>,
        forgotten -> Nullable<Int8>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use diesel::sql_types::Binary as Bytea;
    use crate::db::id::Id as Uuid;

    tasks (owner_id, id) {
        owner_id -> Text,
        id -> Uuid,
        title -> Text,
        title_lower -> Text,
        description -> Nullable<Text>,
        description_lower -> Nullable<Text>,
        completed -> Bool,
        completed_at -> Nullable<Timestamp>,
        priority -> Int2,
        due_date -> Nullable<Date>,
        tags -> Text,
        version -> Int8,
        updated_at -> Timestamp,
        title_folded -> Nullable<Text>,
        rest_folded -> Nullable<Text>,
        folded_version -> Nullable<Int8>,
        due_time -> Nullable<Int2>,
        time_zone -> Nullable<Text>,
        recurrence -> Nullable<Text>,
        list_id -> Nullable<Uuid>,
        parent_id -> Nullable<Uuid>,
        position -> Nullable<Text>,
        next_id -> Nullable<Uuid>,
        deleted_at -> Nullable<Timestamp>,
        deleted_with -> Nullable<Uuid>,
        change -> Nullable<Int8>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    epochs,
    erasures,
    gone,
    idempotency_keys,
    lists,
    owners,
    tasks,
);

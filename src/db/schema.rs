// @generated automatically by Diesel CLI.

diesel::table! {
    use diesel::sql_types::*;
    use diesel::sql_types::Binary as Bytea;
    use crate::db::id::Id as Uuid;

    idempotency_keys (owner_id, key) {
        owner_id -> Text,
        key -> Text,
        body_hash -> Bytea,
        task_id -> Uuid,
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
    }
}

diesel::allow_tables_to_appear_in_same_query!(idempotency_keys, tasks,);

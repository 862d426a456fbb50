// @generated automatically by Diesel CLI.

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::id::Id;

    idempotency_keys (owner_id, key) {
        owner_id -> Text,
        key -> Text,
        body_hash -> Binary,
        task_id -> Id,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::id::Id;

    tasks (owner_id, id) {
        owner_id -> Text,
        id -> Id,
        title -> Text,
        title_lower -> Text,
        description -> Nullable<Text>,
        description_lower -> Nullable<Text>,
        completed -> Bool,
        completed_at -> Nullable<Timestamp>,
        priority -> SmallInt,
        due_date -> Nullable<Date>,
        tags -> Text,
        version -> BigInt,
        updated_at -> Timestamp,
    }
}

diesel::allow_tables_to_appear_in_same_query!(idempotency_keys, tasks,);

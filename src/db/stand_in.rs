//! A SQL function for SQLite that searches words in texts. SQLite's `instr` compares
//! byte by byte and needs a call for each text and word; this is one call a row, and
//! compares many bytes at a time.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};

diesel::define_sql_function! {
    /// Whether each of the space-separated words occurs in at least one of the texts.
    fn words_stand_in(words: Text, one: Text, two: Nullable<Text>, three: Nullable<Text>) -> Bool;
}

/// Registers the function on a connection.
pub(super) fn register(connection: &mut SqliteConnection) -> QueryResult<()> {
    words_stand_in_utils::register_impl(
        connection,
        |words: String, one: String, two: Option<String>, three: Option<String>| {
            words.split(' ').all(|word| {
                one.contains(word)
                    || two.as_deref().is_some_and(|text| text.contains(word))
                    || three.as_deref().is_some_and(|text| text.contains(word))
            })
        },
    )
}

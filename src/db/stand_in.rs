//! A function that SQLite does not have: whether words stand in texts. Its own
//! `instr` goes byte by byte and once for each text and word; this is one call a
//! row, and looks at many bytes at a time.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};

diesel::define_sql_function! {
    /// Whether each of the words, with spaces between them, stands in one of three texts.
    fn words_stand_in(words: Text, one: Text, two: Nullable<Text>, three: Nullable<Text>) -> Bool;
}

/// Makes it known to a connection.
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

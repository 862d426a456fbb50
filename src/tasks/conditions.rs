//! The WHERE clause of lists and counts. It is written as SQL text, because the
//! databases search a word by different functions.

use diesel::QueryResult;
use diesel::sql_types::{Bool, Text};

use super::columns::{TITLE, Takes};
use super::fields::Priority;
use super::filter::{Filter, Wanted};
use super::tags::Tags;
use crate::auth::OwnerId;
use crate::db::connection::DbConnection;
use crate::db::id::{DbId, Id};
use crate::db::statement::Pass;
use crate::db::table::Place;
use crate::primitives::folded::Words;
use crate::primitives::id::ResourceId;

/// An owner and a filter, with the values that the statement refers to.
pub(super) struct Conditions<'a> {
    owner: &'a OwnerId,
    filter: &'a Filter,
    pub is_postgres: bool,
    lists: Vec<DbId>,
    parents: Vec<DbId>,
    all_tags: Vec<String>,
    any_tags: Vec<String>,
    no_tags: Vec<String>,
}

impl<'a> Conditions<'a> {
    pub fn new(conn: &DbConnection, owner: &'a OwnerId, filter: &'a Filter) -> Self {
        let ids = |ids: &[Option<ResourceId>]| ids.iter().flatten().copied().map(DbId).collect();
        let needles = |tags: &[String]| tags.iter().map(|tag| Tags::needle(tag)).collect();
        Self {
            owner,
            filter,
            is_postgres: conn.is_postgres(),
            lists: ids(&filter.lists),
            parents: ids(&filter.parents),
            all_tags: needles(&filter.tags),
            any_tags: needles(&filter.any_tags),
            no_tags: needles(&filter.no_tags),
        }
    }

    /// Appends the condition of the owner. For an order by id with further filters,
    /// PostgreSQL's planner tends to scan the index `tasks_id`, through the tasks of all
    /// owners. With `= ANY` it does not conclude that the owner is constant, so that only
    /// an index that begins with the owner gives the order `owner_id, id`.
    pub fn push_owner<'b>(&'b self, by_id: bool, out: &mut Pass<'_, 'b>) -> QueryResult<()> {
        let hides_constant = self.is_postgres && by_id;
        out.push_sql(if hides_constant {
            "owner_id = ANY(ARRAY["
        } else {
            "owner_id = "
        });
        out.push_bind_param::<Text, _>(self.owner.as_str())?;
        out.push_sql(if hides_constant { "])" } else { "" });
        Ok(())
    }

    /// Appends the conditions of the filter, each behind an `AND`.
    pub fn push_filter<'b>(&'b self, out: &mut Pass<'_, 'b>) -> QueryResult<()> {
        let filter = self.filter;
        let place = if filter.trash {
            Place::Trash
        } else {
            Place::Live
        };
        out.push_sql(place.condition());
        if let Some(completed) = &filter.completed {
            out.push_sql(" AND completed = ");
            out.push_bind_param::<Bool, _>(completed)?;
        }
        push_priorities(&filter.priorities, out);
        push_references("list_id", &filter.lists, &self.lists, out)?;
        push_references("parent_id", &filter.parents, &self.parents, out)?;
        self.push_tags(out)?;
        for (of, wanted) in filter.of_columns() {
            if let Wanted::Presence(has_value) = wanted {
                out.push_sql(" AND ");
                out.push_sql(of.column);
                out.push_sql(match has_value {
                    true => " IS NOT NULL",
                    false => " IS NULL",
                });
            }
        }
        for (of, wanted) in filter.of_columns() {
            if let (Wanted::Value(value), Takes::Value(operator, _)) = (wanted, &of.takes) {
                out.push_sql(" AND ");
                out.push_sql(of.column);
                out.push_sql(operator);
                value.push(out)?;
            }
        }
        match &filter.q {
            Some(words) => self.push_words(words, out),
            None => Ok(()),
        }
    }

    fn push_tags<'b>(&'b self, out: &mut Pass<'_, 'b>) -> QueryResult<()> {
        for needle in &self.all_tags {
            out.push_sql(" AND ");
            self.push_contains("tags", needle, out)?;
        }
        for (at, needle) in self.any_tags.iter().enumerate() {
            out.push_sql(if at == 0 { " AND (" } else { " OR " });
            self.push_contains("tags", needle, out)?;
        }
        out.push_sql(if self.any_tags.is_empty() { "" } else { ")" });
        for needle in &self.no_tags {
            out.push_sql(" AND NOT ");
            self.push_contains("tags", needle, out)?;
        }
        out.push_sql(match self.filter.untagged {
            Some(true) => " AND tags = '[]'",
            Some(false) => " AND tags <> '[]'",
            None => "",
        });
        Ok(())
    }

    /// Appends a substring condition. Both databases have a function that compares
    /// bytes, under different names. For NULL the condition is not true.
    fn push_contains<'b>(
        &'b self,
        text: &str,
        what: &'b str,
        out: &mut Pass<'_, 'b>,
    ) -> QueryResult<()> {
        out.push_sql(contains(self.is_postgres));
        out.push_sql(text);
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(what)?;
        out.push_sql(") > 0");
        Ok(())
    }

    /// Appends the search. The folded columns are valid if they were written for this
    /// version of the task. The previous release does not write them, so a task that it
    /// has created or changed is searched as that release does until `refold` has
    /// processed it. Searching `description_lower` beside `rest_folded` adds no wrong
    /// match: a folded word in the lower-cased description is also in the folded one.
    fn push_words<'b>(&'b self, words: &'b Words, out: &mut Pass<'_, 'b>) -> QueryResult<()> {
        out.push_sql(" AND CASE WHEN folded_version = version THEN ");
        self.push_contains_all(
            [TITLE, "description_lower", "rest_folded"],
            &words.folded,
            out,
        )?;
        out.push_sql(" ELSE ");
        self.push_contains_all(
            ["title_lower", "description_lower", "NULL"],
            &words.lower,
            out,
        )?;
        out.push_sql(" END");
        Ok(())
    }

    fn push_contains_all<'b>(
        &'b self,
        texts: [&str; 3],
        words: &'b str,
        out: &mut Pass<'_, 'b>,
    ) -> QueryResult<()> {
        if !self.is_postgres {
            out.push_sql("words_stand_in(");
            out.push_bind_param::<Text, _>(words)?;
            out.push_sql(&format!(", {})", texts.join(", ")));
            return Ok(());
        }
        for (at, word) in words.split(' ').enumerate() {
            out.push_sql(if at == 0 { "(" } else { " AND (" });
            let texts = texts.iter().filter(|text| **text != "NULL");
            for (at, text) in texts.enumerate() {
                out.push_sql(if at == 0 { "" } else { " OR " });
                self.push_contains(text, word, out)?;
            }
            out.push_sql(")");
        }
        Ok(())
    }
}

/// The function that finds a text in another one by bytes, and its bracket.
pub(super) fn contains(is_postgres: bool) -> &'static str {
    if is_postgres { "strpos(" } else { "instr(" }
}

fn push_priorities(priorities: &[Priority], out: &mut Pass<'_, '_>) {
    for (at, priority) in priorities.iter().enumerate() {
        // One of four constants, never the client's text.
        out.push_sql(if at == 0 { " AND priority IN (" } else { ", " });
        out.push_sql(match priority {
            Priority::None => "0",
            Priority::Low => "1",
            Priority::Medium => "2",
            Priority::High => "3",
        });
    }
    out.push_sql(if priorities.is_empty() { "" } else { ")" });
}

/// Appends the condition that a column has one of these ids, or none.
fn push_references<'b>(
    column: &str,
    wanted: &[Option<ResourceId>],
    ids: &'b [DbId],
    out: &mut Pass<'_, 'b>,
) -> QueryResult<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    out.push_sql(" AND (");
    if wanted.contains(&None) {
        out.push_sql(column);
        out.push_sql(" IS NULL");
        out.push_sql(if ids.is_empty() { "" } else { " OR " });
    }
    for (at, id) in ids.iter().enumerate() {
        if at == 0 {
            out.push_sql(column);
        }
        out.push_sql(match (at, ids.len()) {
            (0, 1) => " = ",
            (0, _) => " IN (",
            _ => ", ",
        });
        out.push_bind_param::<Id, _>(id)?;
    }
    out.push_sql(if ids.len() > 1 { "))" } else { ")" });
    Ok(())
}

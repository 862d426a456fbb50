//! The statements on lists; those on the trash are in `trash`.
//!
//! Invariant: every statement filters by the owner in its WHERE clause. The owner is
//! the one that [`Db::run`](crate::db::bridge::Db::run) was given; an [`OwnerId`]
//! comes from a verified token only.

use super::input::{NO_LIST, NewList, Patch};
use super::model::{AllLists, List, ListRow};
use super::page;
use super::query::{After, Key, ListsQuery};
use crate::auth::OwnerId;
use crate::db::change::change_rows;
use crate::db::connection::DbConnection;
use crate::db::idempotency::{self, Created, Draft as _};
use crate::db::new_rows::NewRow;
use crate::db::order::{Arranged as _, Order as _};
use crate::db::owned::{self, Owned as _};
use crate::db::quota::Admission;
use crate::db::rejection::Rejection;
use crate::db::statement::{Access, Failure, Statement};
use crate::db::table::{Place, Table};
use crate::http::resource::page_body;
use crate::http::response_budget::{BudgetedBody, ResponseBudget};
use crate::primitives::entity_tag::IfMatch;
use crate::primitives::field_error::FieldError;
use crate::primitives::id::ResourceId;
use crate::primitives::idempotency_key::IdempotencyKey;
use crate::primitives::problem::ApiError;
use crate::primitives::spot::Spot;
use crate::primitives::timestamp::Timestamp;

/// A page of lists.
pub struct Page {
    /// The response.
    pub body: BudgetedBody,
    /// The query string of the next page, if there is one.
    pub next: Option<String>,
}

/// Lists the owner's lists that match a query.
pub struct ListLists {
    /// The query.
    pub query: ListsQuery,
    /// What counts the bytes of the page.
    pub budget: ResponseBudget,
}

impl Statement for ListLists {
    /// The page, or its refusal while too many large ones are held.
    type Output = Result<Page, ApiError>;
    const ACCESS: Access = Access::Read;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<Self::Output, Failure> {
        let Self { query, budget } = self;
        let mut rows = page::load(conn, owner, query)?;
        let limit = usize::from(query.limit);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().filter(|_| has_more);
        let last = last.map(|row| List::from_fields(&row.fields(), owner));
        let next = last.map(|last| After {
            id: last.id,
            key: match last.deleted_at {
                Some(at) if query.trash => Key::DeletedAt(at),
                Some(_) | None => Key::Position(last.effective_position()),
            },
        });
        let cursor = next.map(|next| query.cursor_after(owner, &next));
        let fields: Vec<_> = rows.iter().map(Table::fields).collect();
        let body = page_body::<ListRow>(&fields, cursor.as_deref(), owner, budget)?;
        Ok(body.map(|body| Page {
            body,
            next: cursor.map(|cursor| query.next_page(&cursor)),
        }))
    }
}

/// Reads one of the owner's lists.
pub struct ReadList(pub ResourceId);

impl Statement for ReadList {
    type Output = List;
    const ACCESS: Access = Access::Read;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<List, Failure> {
        owned::find(conn, owner, self.0, Place::Live)
    }
}

/// Creates a list, once for each Idempotency-Key. It stands last.
pub struct CreateList {
    /// The id of the list, the same in every attempt.
    pub id: ResourceId,
    /// The list to create.
    pub new_list: NewList,
    /// The key, if the client sent one.
    pub key: Option<IdempotencyKey>,
    /// Whether there is a place for it.
    pub admission: Admission,
}

impl Statement for CreateList {
    type Output = Created<List>;
    const ACCESS: Access = Access::Write;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<Created<List>, Failure> {
        let (key, new) = (self.key.as_ref(), &self.new_list);
        idempotency::create(conn, owner, self.id, key, new, &self.admission)
    }

    fn as_insert(&self, owner: &OwnerId) -> Option<(NewRow, Created<List>)> {
        let is_granted = matches!(self.admission, Admission::Granted);
        (is_granted && self.key.is_none()).then(|| {
            let list = self.new_list.make(owner, self.id);
            (NewRow::of(list.clone()), Created::New(list))
        })
    }
}

/// Creates a list with an id that the client has given. It stands last.
pub struct CreateListWithId {
    /// The id.
    pub id: ResourceId,
    /// The list to create.
    pub new_list: NewList,
    /// Whether there is a place for it.
    pub admission: Admission,
}

impl Statement for CreateListWithId {
    type Output = List;
    const ACCESS: Access = Access::Write;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<List, Failure> {
        idempotency::create_with_id(conn, owner, self.id, &self.new_list, &self.admission)
    }
}

/// Applies a merge patch to one of the owner's lists.
pub struct UpdateList {
    /// The id of the list.
    pub id: ResourceId,
    /// The patch.
    pub patch: Patch,
    /// The precondition: one of these versions.
    pub if_match: IfMatch,
}

impl Statement for UpdateList {
    type Output = List;
    const ACCESS: Access = Access::Write;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<List, Failure> {
        let now = Timestamp::now();
        owned::change(conn, owner, self.id, &self.if_match, |list: &List| {
            let new = self.patch.apply(list);
            Ok((new != *list).then(|| new.changed(now)))
        })
    }
}

/// Moves one of the owner's lists among the others.
pub struct MoveList {
    /// The id of the list.
    pub id: ResourceId,
    /// Where to.
    pub spot: Spot,
    /// The precondition: one of these versions.
    pub if_match: IfMatch,
}

impl Statement for MoveList {
    type Output = List;
    const ACCESS: Access = Access::Write;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<List, Failure> {
        change_rows(conn, owner, |conn, change| {
            let (id, spot) = (self.id, self.spot);
            let list: List = owned::find_matching(conn, owner, id, Place::Live, &self.if_match)?;
            let anchor = match spot.beside() {
                Some(beside) => owned::read::<List>(conn, owner, beside, Place::Live)?,
                None => None,
            };
            if spot.beside().is_some() && anchor.is_none() {
                let error = FieldError::in_body(format!("/{}", spot.field()), NO_LIST);
                return Err(Rejection::Invalid(vec![error]).into());
            }
            let stands = list.effective_position();
            let (stands, anchor) = (Some(stands.as_str()), anchor.as_ref());
            match AllLists.position_at(conn, change, &list, stands, spot, anchor)? {
                Some(position) => {
                    let moved = list.moved_to(position, change.now());
                    owned::write(conn, change, &list, &moved)?;
                    Ok(moved)
                }
                None => Ok(list),
            }
        })
    }
}

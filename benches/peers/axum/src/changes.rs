//! What has changed. Whoever writes a row sets its `change` to 0; whoever pulls gives all
//! such rows of the owner the next number, under a lock of the owner's row. Numbering and
//! reading are four statements in one round trip.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::NaiveDateTime;
use serde::Serialize;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Row, Statement};
use uuid::Uuid;

use crate::auth::Owner;
use crate::store::{COLUMNS, failed};
use crate::task::{Moment, Position, Task, created_at};
use crate::{App, Shared, json};

pub struct Statements {
    number: Statement,
    changed: [Statement; 3],
    all: [Statement; 2],
}

const LIST_COLUMNS: &str = "id, name, color, archived, position, version, updated_at, deleted_at";

impl Statements {
    pub async fn prepare(client: &Client) -> Result<Self, Error> {
        // Its snapshot may be older than the lock, for which it has waited: it does not see
        // what was committed meanwhile. That keeps its 0, and is numbered by the next pull.
        let marked = "owner_id = $1 AND change = 0";
        let number = format!(
            "WITH next AS (INSERT INTO owners (owner_id, last_change) SELECT $1::text, $2::bigint \
             WHERE EXISTS (SELECT 1 FROM tasks WHERE {marked}) \
             OR EXISTS (SELECT 1 FROM lists WHERE {marked}) \
             OR EXISTS (SELECT 1 FROM gone WHERE {marked}) \
             ON CONFLICT (owner_id) DO UPDATE SET last_change = owners.last_change + 1 RETURNING last_change), \
             t AS (UPDATE tasks SET change = next.last_change FROM next WHERE {marked}), \
             l AS (UPDATE lists SET change = next.last_change FROM next WHERE {marked}), \
             g AS (UPDATE gone SET change = next.last_change FROM next WHERE {marked}) \
             SELECT coalesce(next.last_change, owners.last_change, 0), coalesce(owners.forgotten, 0) \
             FROM (SELECT 1) AS one LEFT JOIN next ON true LEFT JOIN owners ON owner_id = $1"
        );
        let changed = |columns: &str, from: &str| {
            format!(
                "SELECT {columns}, change FROM {from} AND (change, id) > ($2, $3) AND change > 0 \
                 ORDER BY change, id LIMIT $4"
            )
        };
        let all = |columns: &str, table: &str| {
            format!(
                "SELECT {columns}, 0::bigint FROM {table} WHERE owner_id = $1 AND id > $2 ORDER BY id LIMIT $3"
            )
        };
        let lists = changed(LIST_COLUMNS, "lists WHERE owner_id = $1");
        let tasks = changed(COLUMNS, "tasks WHERE owner_id = $1");
        let gone = "SELECT id, kind, change FROM gone WHERE owner_id = $1 AND (change, kind, id) > ($2, $3, $4) AND change > 0 \
             ORDER BY change, kind, id LIMIT $5";
        Ok(Self {
            number: client.prepare(&number).await?,
            changed: [
                client.prepare(&lists).await?,
                client.prepare(&tasks).await?,
                client.prepare(gone).await?,
            ],
            all: [
                client.prepare(&all(LIST_COLUMNS, "lists")).await?,
                client.prepare(&all(COLUMNS, "tasks")).await?,
            ],
        })
    }
}

/// In the order in which the rows of one change stand.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    List,
    Task,
    GoneList,
    GoneTask,
}

const KINDS: [Kind; 4] = [Kind::List, Kind::Task, Kind::GoneList, Kind::GoneTask];

/// How far a client has read: up to a row of a change, or of the snapshot that began there.
#[derive(Clone, Copy)]
struct Cursor {
    in_snapshot: bool,
    number: i64,
    kind: Kind,
    id: Uuid,
}

impl Cursor {
    const BEGIN: Self = Self {
        in_snapshot: true,
        number: 0,
        kind: Kind::List,
        id: Uuid::nil(),
    };

    /// Behind all rows of a change.
    fn whole(number: i64) -> Self {
        Self {
            in_snapshot: false,
            number,
            kind: Kind::GoneTask,
            id: Uuid::max(),
        }
    }

    fn close(self) -> String {
        let way = if self.in_snapshot { 's' } else { 'c' };
        let kind = self.kind as u8;
        format!("{way}.{}.{kind}.{}", self.number, self.id.simple())
    }

    fn open(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        Some(Self {
            in_snapshot: parts.next()? == "s",
            number: parts.next()?.parse().ok()?,
            kind: *KINDS.get(parts.next()?.parse::<usize>().ok()?)?,
            id: parts.next()?.parse().ok()?,
        })
    }

    /// The last id of a kind that was read of its change.
    fn id_of(self, kind: Kind) -> Uuid {
        match kind.cmp(&self.kind) {
            std::cmp::Ordering::Less => Uuid::max(),
            std::cmp::Ordering::Equal => self.id,
            std::cmp::Ordering::Greater => Uuid::nil(),
        }
    }
}

#[derive(Serialize)]
struct Page<'a> {
    tasks: Vec<Task<'a>>,
    lists: Vec<List<'a>>,
    gone: Vec<Gone>,
    next: String,
    more: bool,
}

#[derive(Serialize)]
struct List<'a> {
    id: Uuid,
    owner_id: &'a str,
    name: &'a str,
    color: Option<&'a str>,
    archived: bool,
    position: Position<'a>,
    version: i64,
    created_at: Moment,
    updated_at: Moment,
    deleted_at: Option<Moment>,
}

impl<'a> List<'a> {
    fn of(row: &'a Row, owner: &'a str) -> Self {
        let id: Uuid = row.get(0);
        let deleted_at: Option<NaiveDateTime> = row.get(7);
        Self {
            id,
            owner_id: owner,
            name: row.get(1),
            color: row.get(2),
            archived: row.get(3),
            position: Position(row.get(4), id),
            version: row.get(5),
            created_at: created_at(id),
            updated_at: Moment(row.get(6)),
            deleted_at: deleted_at.map(Moment),
        }
    }
}

#[derive(Serialize)]
struct Gone {
    kind: &'static str,
    id: Uuid,
}

pub async fn changes(
    State(app): Shared,
    owner: Owner,
    RawQuery(query): RawQuery,
) -> Result<Response, StatusCode> {
    let (mut limit, mut since) = (500_usize, Cursor::BEGIN);
    for parameter in query.iter().flat_map(|query| query.split('&')) {
        let bad = StatusCode::BAD_REQUEST;
        match parameter.split_once('=') {
            Some(("limit", value)) => limit = value.parse().map_err(|_| bad)?,
            Some(("since", value)) => since = Cursor::open(value).ok_or(bad)?,
            _ => return Err(bad),
        }
    }
    if !(1..=1000).contains(&limit) {
        return Err(StatusCode::BAD_REQUEST);
    }
    let (head, forgotten, rows) = read(&app, &owner.0, since, limit as i64 + 1).await?;
    if !since.in_snapshot && (since.number > head || since.number < forgotten) {
        return Err(StatusCode::GONE);
    }
    // What was written between the first statement and the others comes with the next page.
    let mut items: Vec<(i64, Kind, Uuid, &Row)> = rows
        .iter()
        .flat_map(|(kind, rows)| rows.iter().map(|row| item(*kind, row)))
        .filter(|(number, ..)| *number <= head)
        .collect();
    items.sort_unstable_by_key(|(number, kind, id, _)| (*number, *kind, *id));
    let more = items.len() > limit;
    items.truncate(limit);
    // The snapshot is of when it began.
    let number = match since.in_snapshot && !since.id.is_nil() {
        true => since.number,
        false => head,
    };
    let next = match items.last().filter(|_| more) {
        Some((at, kind, id, _)) => Cursor {
            in_snapshot: since.in_snapshot,
            number: if since.in_snapshot { number } else { *at },
            kind: *kind,
            id: *id,
        },
        None => Cursor::whole(number),
    };
    let mut page = Page {
        tasks: Vec::with_capacity(items.len()),
        lists: Vec::new(),
        gone: Vec::new(),
        next: next.close(),
        more: more || number < head,
    };
    for (_, kind, id, row) in items {
        match kind {
            Kind::List => page.lists.push(List::of(row, &owner.0)),
            Kind::Task => page.tasks.push(Task::of(row, &owner.0)),
            Kind::GoneList => page.gone.push(Gone { kind: "list", id }),
            Kind::GoneTask => page.gone.push(Gone { kind: "task", id }),
        }
    }
    Ok(json(StatusCode::OK, &page))
}

fn item(kind: Kind, row: &Row) -> (i64, Kind, Uuid, &Row) {
    let kind = match kind {
        Kind::GoneList if row.get::<_, &str>(1) == "tasks" => Kind::GoneTask,
        kind => kind,
    };
    (row.get(row.len() - 1), kind, row.get(0), row)
}

type Rows = [(Kind, Vec<Row>); 3];

/// Numbers what has no number; then reads the last number, what is forgotten, and the rows.
async fn read(
    app: &Arc<App>,
    owner: &str,
    since: Cursor,
    rows: i64,
) -> Result<(i64, i64, Rows), StatusCode> {
    let on = app.store.next().await?;
    let (client, statements) = (&on.client, &on.changes);
    // If the owner has no row: at random, as Todoward's.
    let first = Uuid::now_v7().as_u128() as i64 & ((1 << 62) - 1) | 1 << 32;
    let of_head: [&(dyn ToSql + Sync); 2] = [&owner, &first];
    let head = client.query_one(&statements.number, &of_head);
    let (id, in_kind) = (since.id_of(Kind::List), since.id_of(Kind::Task));
    let (head, lists, tasks, gone) = if since.in_snapshot {
        let of_lists: [&(dyn ToSql + Sync); 3] = [&owner, &id, &rows];
        let of_tasks: [&(dyn ToSql + Sync); 3] = [&owner, &in_kind, &rows];
        let lists = client.query(&statements.all[0], &of_lists);
        let tasks = client.query(&statements.all[1], &of_tasks);
        let (head, lists, tasks) = tokio::try_join!(biased; head, lists, tasks).map_err(failed)?;
        (head, lists, tasks, Vec::new())
    } else {
        let number = since.number;
        // Of the lists that ended all stand before the tasks, as their names do.
        let (kind, last) = match since.kind {
            Kind::GoneList => ("lists", since.id),
            Kind::GoneTask => ("tasks", since.id),
            Kind::List | Kind::Task => ("", Uuid::nil()),
        };
        let of_lists: [&(dyn ToSql + Sync); 4] = [&owner, &number, &id, &rows];
        let of_tasks: [&(dyn ToSql + Sync); 4] = [&owner, &number, &in_kind, &rows];
        let of_gone: [&(dyn ToSql + Sync); 5] = [&owner, &number, &kind, &last, &rows];
        let lists = client.query(&statements.changed[0], &of_lists);
        let tasks = client.query(&statements.changed[1], &of_tasks);
        let gone = client.query(&statements.changed[2], &of_gone);
        tokio::try_join!(biased; head, lists, tasks, gone).map_err(failed)?
    };
    let rows = [
        (Kind::List, lists),
        (Kind::Task, tasks),
        (Kind::GoneList, gone),
    ];
    Ok((head.get(0), head.get(1), rows))
}

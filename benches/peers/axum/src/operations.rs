//! Lists in the order of their positions, counts, moves and batches. What is one statement
//! shares a connection with others; what needs a transaction has one to itself.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{NaiveDate, NaiveDateTime};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Row, Statement};
use uuid::Uuid;

use crate::auth::Owner;
use crate::store::{COLUMNS, Connection, failed};
use crate::task::{Draft, Task, now};
use crate::{App, List, Shared, json};

type Parameter<'a> = &'a (dyn ToSql + Sync);

pub struct Statements {
    by_position: Statement,
    at_top_by_position: Statement,
    count: Statement,
    lock: Statement,
    before: Statement,
    after: Statement,
    put: Statement,
    create: Statement,
    toggle: Statement,
}

/// Where a task stands that was never moved.
const PLACE_OF_ID: &str = "replace(id::text, '-', '') COLLATE \"C\"";

impl Statements {
    pub async fn prepare(client: &Client) -> Result<Self, Error> {
        // What was moved and what was not have an index each.
        let by_position = |parent: &str, by: &str| {
            let siblings =
                format!("owner_id = $1 AND list_id = $2 {parent} AND deleted_at IS NULL");
            format!(
                "SELECT {COLUMNS} FROM ((SELECT {COLUMNS}, position AS place FROM tasks \
                 WHERE {siblings} AND position IS NOT NULL ORDER BY {by} position, id LIMIT $3) UNION ALL \
                 (SELECT {COLUMNS}, {PLACE_OF_ID} FROM tasks \
                 WHERE {siblings} AND position IS NULL ORDER BY id LIMIT $3)) AS found ORDER BY place, id LIMIT $3"
            )
        };
        // By indexes alone: of all tasks, of those in lists, and of the trash, which is taken off.
        let count = "SELECT 0 AS kind, NULL::uuid, count(*) FROM tasks WHERE owner_id = $1 \
             UNION ALL SELECT 1, list_id, count(*) FROM tasks \
             WHERE owner_id = $1 AND list_id IS NOT NULL GROUP BY list_id \
             UNION ALL SELECT 2, list_id, -count(*) FROM tasks \
             WHERE owner_id = $1 AND deleted_at IS NOT NULL GROUP BY list_id";
        let columns: Vec<_> = COLUMNS
            .split(", ")
            .map(|name| format!("t.{name}"))
            .collect();
        // The task, where it stands, where the sibling stands, and where the next one does.
        let find = |sign: &str, order: &str| {
            let siblings = "owner_id = $1 AND list_id = a.list_id AND parent_id IS NOT DISTINCT FROM a.parent_id \
                 AND deleted_at IS NULL AND id <> $2";
            format!(
                "SELECT {}, coalesce(t.position, replace(t.id::text, '-', '')), a.place, n.place \
                 FROM (SELECT list_id, parent_id, coalesce(position, {PLACE_OF_ID}) AS place \
                 FROM tasks WHERE owner_id = $1 AND id = $3 AND deleted_at IS NULL) AS a \
                 JOIN tasks AS t ON t.owner_id = $1 AND t.id = $2 AND t.deleted_at IS NULL \
                 AND t.list_id = a.list_id AND t.parent_id IS NOT DISTINCT FROM a.parent_id \
                 LEFT JOIN LATERAL (SELECT place FROM (\
                 (SELECT position AS place FROM tasks WHERE {siblings} AND position {sign} a.place \
                 ORDER BY position {order} LIMIT 1) UNION ALL \
                 (SELECT {PLACE_OF_ID} FROM tasks WHERE {siblings} AND position IS NULL \
                 AND {PLACE_OF_ID} {sign} a.place ORDER BY id {order} LIMIT 1)) AS found \
                 ORDER BY place {order} LIMIT 1) AS n ON true",
                columns.join(", ")
            )
        };
        let written = "version = version + 1, folded_version = folded_version + 1, change = 0";
        let put = format!(
            "UPDATE tasks SET position = $3, updated_at = $4, {written} \
             WHERE owner_id = $1 AND id = $2 RETURNING {COLUMNS}"
        );
        let create = "INSERT INTO tasks (owner_id, id, title, title_lower, description, description_lower, \
             completed, priority, due_date, tags, rest_folded, folded_version, version, updated_at, change) \
             SELECT $1, id, title, title_lower, description, description_lower, \
             false, priority, due_date, tags, rest_folded, 1, 1, updated_at, 0 \
             FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::smallint[], $8::date[], \
             $9::text[], $10::text[], $11::timestamp[]) AS new \
             (id, title, title_lower, description, description_lower, priority, due_date, tags, rest_folded, updated_at)";
        let toggle = format!(
            "UPDATE tasks SET completed = NOT completed, \
             completed_at = CASE WHEN completed THEN NULL ELSE $3::timestamp END, updated_at = $3, {written} \
             WHERE owner_id = $1 AND id = $2 AND deleted_at IS NULL RETURNING {COLUMNS}"
        );
        Ok(Self {
            by_position: client.prepare(&by_position("", "")).await?,
            at_top_by_position: client
                .prepare(&by_position("AND parent_id IS NULL", "parent_id,"))
                .await?,
            count: client.prepare(count).await?,
            lock: client
                .prepare("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
                .await?,
            before: client.prepare(&find("<", "DESC")).await?,
            after: client.prepare(&find(">", "ASC")).await?,
            put: client.prepare(&put).await?,
            create: client.prepare(create).await?,
            toggle: client.prepare(&toggle).await?,
        })
    }
}

/// `GET /tasks?list=…&sort=position`, the first page.
pub async fn list_by_position(app: &App, owner: &str, query: &str) -> Result<Response, StatusCode> {
    let bad = StatusCode::BAD_REQUEST;
    let (mut list, mut at_top, mut limit) = (None, false, 50_i64);
    for parameter in query.split('&') {
        match parameter.split_once('=') {
            Some(("list", value)) => list = Some(value.parse::<Uuid>().map_err(|_| bad)?),
            Some(("parent", "none")) => at_top = true,
            Some(("limit", value)) => limit = value.parse().map_err(|_| bad)?,
            Some(("sort", "position")) => {}
            _ => return Err(bad),
        }
    }
    let list = list.filter(|_| (1..=200).contains(&limit)).ok_or(bad)?;
    let on = app.store.next().await?;
    let statement = match at_top {
        true => &on.operations.at_top_by_position,
        false => &on.operations.by_position,
    };
    let values: [Parameter<'_>; 3] = [&owner, &list, &(limit + 1)];
    let rows = on.client.query(statement, &values);
    let rows = rows.await.map_err(failed)?;
    let page = rows.iter().take(limit as usize);
    let items: Vec<Task<'_>> = page.map(|row| Task::of(row, owner)).collect();
    let last = items.last().filter(|_| rows.len() > items.len());
    let list = List {
        next_cursor: last.map(|last| last.id.to_string()),
        items: &items,
    };
    Ok(json(StatusCode::OK, &list))
}

#[derive(Serialize)]
struct Count {
    count: i64,
    groups: Vec<Group>,
}

#[derive(Serialize)]
struct Group {
    key: Cow<'static, str>,
    count: i64,
}

/// `GET /tasks/count?by=list`
pub async fn count(State(app): Shared, owner: Owner) -> Result<Response, StatusCode> {
    let on = app.store.next().await?;
    let values: [Parameter<'_>; 1] = [&owner.0];
    let rows = on.client.query(&on.operations.count, &values);
    let rows = rows.await.map_err(failed)?;
    let (mut count, mut inbox) = (0, 0);
    let mut lists: HashMap<Uuid, i64> = HashMap::new();
    for row in &rows {
        let (kind, list, number): (i32, Option<Uuid>, i64) = (row.get(0), row.get(1), row.get(2));
        if kind != 1 {
            count += number;
        }
        match list {
            Some(list) => *lists.entry(list).or_default() += number,
            None => inbox += number,
        }
        if kind == 1 {
            inbox -= number;
        }
    }
    let mut groups: Vec<Group> = lists
        .into_iter()
        .map(|(list, count)| (list.to_string().into(), count))
        .chain([("inbox".into(), inbox)])
        .filter(|(_, count)| *count > 0)
        .map(|(key, count)| Group { key, count })
        .collect();
    groups.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.key.cmp(&b.key)));
    Ok(json(StatusCode::OK, &Count { count, groups }))
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Beside {
    Before(Uuid),
    After(Uuid),
}

/// `POST /tasks/{id}/move` to a place beside another task of the same list.
pub async fn relocate(
    State(app): Shared,
    owner: Owner,
    Path(id): Path<Uuid>,
    body: Bytes,
) -> Result<Response, StatusCode> {
    let to = serde_json::from_slice(&body).map_err(|_| StatusCode::UNPROCESSABLE_ENTITY)?;
    finish(async move {
        let row = put(&*app.store.alone().await?, &owner.0, id, to).await?;
        Ok(json(StatusCode::OK, &Task::of(&row, &owner.0)))
    })
    .await
}

/// Goes on if the client disconnects: no transaction stays open.
async fn finish(
    work: impl Future<Output = Result<Response, StatusCode>> + Send + 'static,
) -> Result<Response, StatusCode> {
    let work = tokio::spawn(work).await;
    work.unwrap_or(Err(StatusCode::INTERNAL_SERVER_ERROR))
}

async fn put(on: &Connection, owner: &str, id: Uuid, to: Beside) -> Result<Row, StatusCode> {
    let (client, statements) = (&on.client, &on.operations);
    let position = match look(on, owner, id, to).await {
        Ok((_, Some(position))) => position,
        found => {
            client.batch_execute("ROLLBACK").await.map_err(failed)?;
            return found.map(|(row, _)| row);
        }
    };
    let written_at = now();
    let values: [Parameter<'_>; 4] = [&owner, &id, &position, &written_at];
    let new = client.query_one(&statements.put, &values);
    let done = tokio::try_join!(biased; new, client.batch_execute("COMMIT"));
    done.map(|(new, ())| new).map_err(failed)
}

/// The task as it is, and its new position, if it does not stand there already. Three
/// messages and one round trip; the last of them sees what the lock has waited for.
async fn look(
    on: &Connection,
    owner: &str,
    id: Uuid,
    to: Beside,
) -> Result<(Row, Option<String>), StatusCode> {
    let (client, statements) = (&on.client, &on.operations);
    let (statement, anchor) = match to {
        Beside::Before(anchor) => (&statements.before, anchor),
        Beside::After(anchor) => (&statements.after, anchor),
    };
    let (of_lock, values): ([Parameter<'_>; 1], [Parameter<'_>; 3]) =
        ([&owner], [&owner, &id, &anchor]);
    let locked = client.query(&statements.lock, &of_lock);
    let row = client.query_opt(statement, &values);
    let found = tokio::try_join!(biased; client.batch_execute("BEGIN"), locked, row);
    let row = found.map_err(failed)?.2.ok_or(StatusCode::NOT_FOUND)?;
    let (stands, beside, next): (&str, &str, Option<&str>) =
        (row.get(18), row.get(19), row.get(20));
    let (low, high) = match to {
        Beside::Before(_) => (next.unwrap_or_default(), Some(beside)),
        Beside::After(_) => (beside, next),
    };
    let is_there = id == anchor || (low < stands && high.is_none_or(|high| stands < high));
    let position = match high {
        _ if is_there => None,
        // At the end it stands before what is created later.
        None => Some(Uuid::now_v7().simple().to_string())
            .filter(|now| now.as_str() > low)
            .or_else(|| between(low, None)),
        Some(_) => between(low, high),
    };
    match position {
        // No room: Todoward would give new positions to neighbors.
        None if !is_there => Err(StatusCode::CONFLICT),
        position => Ok((row, position)),
    }
}

const DIGITS: &[u8; 64] = b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

/// The shortest position near the middle of two others, of at most 64 digits.
fn between(low: &str, high: Option<&str>) -> Option<String> {
    let digit = |text: &str, at: usize| {
        let byte = text.as_bytes().get(at);
        byte.and_then(|byte| DIGITS.iter().position(|digit| digit == byte))
            .unwrap_or(0)
    };
    let (mut position, mut high) = (String::new(), high);
    for at in 0..64 {
        let from = digit(low, at);
        let to = high.map_or(64, |high| digit(high, at));
        let middle = if to > from + 1 { (from + to) / 2 } else { from };
        position.push(char::from(DIGITS[middle]));
        if middle > from {
            return Some(position);
        }
        // From here on everything lies below it.
        high = high.filter(|_| to == from);
    }
    None
}

#[derive(Deserialize)]
struct Batch<'a> {
    #[serde(borrow)]
    operations: Vec<Operation<'a>>,
}

#[derive(Deserialize)]
struct Operation<'a> {
    method: &'a str,
    path: &'a str,
    #[serde(borrow, default)]
    body: Option<&'a RawValue>,
}

/// An operation, with what its task borrows.
enum Write<'a> {
    Create(Draft<'a>, String),
    Toggle(Uuid),
}

impl<'a> Write<'a> {
    fn of(operation: &Operation<'a>) -> Result<Self, StatusCode> {
        let bad = StatusCode::UNPROCESSABLE_ENTITY;
        match (operation.method, operation.path, operation.body) {
            ("POST", "/tasks", Some(body)) => {
                let draft: Draft<'a> = serde_json::from_str(body.get()).map_err(|_| bad)?;
                draft.check()?;
                let tags = draft.tags_column();
                Ok(Self::Create(draft, tags))
            }
            ("PATCH", path, None) => {
                let id = path.strip_prefix("/tasks/");
                let id = id.and_then(|path| path.strip_suffix("/complete"));
                let id = id.and_then(|id| id.parse().ok());
                id.map(Self::Toggle).ok_or(bad)
            }
            _ => Err(bad),
        }
    }
}

#[derive(Serialize)]
struct Results<'a> {
    results: Vec<Outcome<'a>>,
}

#[derive(Serialize)]
struct Outcome<'a> {
    status: u16,
    headers: Headers,
    body: Task<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Headers {
    #[serde(rename = "ETag")]
    etag: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
}

impl<'a> Outcome<'a> {
    fn of(task: Task<'a>, is_new: bool) -> Self {
        Self {
            status: if is_new { 201 } else { 200 },
            headers: Headers {
                etag: format!("\"{}\"", task.version),
                location: is_new.then(|| format!("/api/v1/tasks/{}", task.id)),
            },
            body: task,
        }
    }
}

/// `POST /batch` of creates and toggles, all or nothing.
pub async fn batch(State(app): Shared, owner: Owner, body: Bytes) -> Result<Response, StatusCode> {
    finish(async move { write_all(&app, &owner.0, &body).await }).await
}

async fn write_all(app: &Arc<App>, owner: &str, body: &[u8]) -> Result<Response, StatusCode> {
    let bad = StatusCode::UNPROCESSABLE_ENTITY;
    let batch: Batch<'_> = serde_json::from_slice(body).map_err(|_| bad)?;
    if !(1..=100).contains(&batch.operations.len()) {
        return Err(bad);
    }
    let writes: Result<Vec<_>, _> = batch.operations.iter().map(Write::of).collect();
    let steps = Step::all(writes?, owner);
    let rows = match steps.as_slice() {
        // One statement is a transaction of its own.
        [Step::Create(new)] => {
            let on = app.store.next().await?;
            let values = new.values(&owner);
            let done = on.client.execute(&on.operations.create, &values);
            done.await.map_err(failed)?;
            vec![Vec::new()]
        }
        steps => in_transaction(&*app.store.alone().await?, &owner, steps).await?,
    };
    let mut results = Vec::with_capacity(batch.operations.len());
    for (step, rows) in steps.into_iter().zip(&rows) {
        match step {
            Step::Create(new) => {
                results.extend(new.tasks.into_iter().map(|task| Outcome::of(task, true)));
            }
            Step::Toggle(..) => {
                let tasks = rows.iter().map(|row| Task::of(row, owner));
                results.extend(tasks.map(|task| Outcome::of(task, false)));
            }
        }
    }
    Ok(json(StatusCode::OK, &Results { results }))
}

/// All of it in two round trips.
async fn in_transaction(
    on: &Connection,
    owner: &&str,
    steps: &[Step<'_>],
) -> Result<Vec<Vec<Row>>, StatusCode> {
    let (client, statements) = (&on.client, &on.operations);
    let all: Vec<(&Statement, Vec<Parameter<'_>>)> = steps
        .iter()
        .map(|step| match step {
            Step::Create(new) => (&statements.create, new.values(owner).to_vec()),
            Step::Toggle(id, at) => (&statements.toggle, vec![owner as Parameter<'_>, id, at]),
        })
        .collect();
    let of_lock: [Parameter<'_>; 1] = [owner];
    let locked = client.query(&statements.lock, &of_lock);
    let written = try_join_all(
        all.iter()
            .map(|(statement, values)| client.query(*statement, values)),
    );
    let done = tokio::try_join!(biased; client.batch_execute("BEGIN"), locked, written);
    let done = done.map(|(_, _, rows)| rows).map_err(failed);
    let is_whole = done.as_ref().is_ok_and(|rows| {
        let is_done = |(step, rows): (&Step<'_>, &Vec<Row>)| {
            matches!(step, Step::Create(_)) || rows.len() == 1
        };
        steps.iter().zip(rows).all(is_done)
    });
    let end = if is_whole { "COMMIT" } else { "ROLLBACK" };
    client.batch_execute(end).await.map_err(failed)?;
    done.and_then(|rows| {
        is_whole
            .then_some(rows)
            .ok_or(StatusCode::UNPROCESSABLE_ENTITY)
    })
}

/// One statement.
enum Step<'a> {
    Create(New<'a>),
    Toggle(Uuid, NaiveDateTime),
}

/// Tasks that are created by one statement, and its columns.
#[derive(Default)]
struct New<'a> {
    tasks: Vec<Task<'a>>,
    ids: Vec<Uuid>,
    titles: Vec<String>,
    titles_lower: Vec<String>,
    descriptions: Vec<Option<String>>,
    descriptions_lower: Vec<Option<String>>,
    priorities: Vec<i16>,
    due_dates: Vec<Option<NaiveDate>>,
    tags: Vec<String>,
    rest: Vec<Option<String>>,
    updated_at: Vec<NaiveDateTime>,
}

impl<'a> Step<'a> {
    /// Creates that follow each other are one.
    fn all(writes: Vec<Write<'a>>, owner: &'a str) -> Vec<Self> {
        let mut steps = Vec::new();
        for write in writes {
            match (write, steps.last_mut()) {
                (Write::Create(draft, tags), Some(Self::Create(new))) => {
                    new.add(draft, tags, owner)
                }
                (Write::Create(draft, tags), _) => {
                    let mut new = New::default();
                    new.add(draft, tags, owner);
                    steps.push(Self::Create(new));
                }
                (Write::Toggle(id), _) => steps.push(Self::Toggle(id, now())),
            }
        }
        steps
    }
}

impl<'a> New<'a> {
    fn add(&mut self, draft: Draft<'a>, tags: String, owner: &'a str) {
        // What search compares: of these texts it is what they are in lower case.
        let rest: Vec<String> = draft.tags.iter().map(|tag| tag.to_lowercase()).collect();
        self.rest
            .push(Some(rest.join("\n")).filter(|rest| !rest.is_empty()));
        let task = draft.into_task(owner, tags);
        self.ids.push(task.id);
        self.titles_lower.push(task.title.to_lowercase());
        self.titles.push(task.title.to_string());
        let description = task.description.as_deref();
        self.descriptions_lower
            .push(description.map(str::to_lowercase));
        self.descriptions.push(description.map(str::to_owned));
        self.priorities.push(task.priority);
        self.due_dates.push(task.due_date);
        self.tags.push(task.tags.to_string());
        self.updated_at.push(task.updated_at.0);
        self.tasks.push(task);
    }

    fn values<'s>(&'s self, owner: &'s &str) -> [Parameter<'s>; 11] {
        [
            owner,
            &self.ids,
            &self.titles,
            &self.titles_lower,
            &self.descriptions,
            &self.descriptions_lower,
            &self.priorities,
            &self.due_dates,
            &self.tags,
            &self.rest,
            &self.updated_at,
        ]
    }
}

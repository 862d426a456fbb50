//! The statements, prepared on a few connections that all requests share: tokio-postgres
//! pipelines the statements on a connection. With EXCLUSIVE each request has a
//! connection to itself, as with the usual pools.

use std::ops::Deref;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::StatusCode;
use chrono::NaiveDateTime;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, NoTls, Row, Statement};
use uuid::Uuid;

use crate::changes;
use crate::operations;
use crate::task::{Task, now};

pub const COLUMNS: &str = "id, title, description, completed, completed_at, priority, due_date, tags, version, updated_at, \
     due_time, time_zone, recurrence, list_id, parent_id, position, next_id, deleted_at";

pub struct Connection {
    pub client: Client,
    pub operations: operations::Statements,
    pub changes: changes::Statements,
    first: Statement,
    after: Statement,
    read: Statement,
    toggle: Statement,
    create: Statement,
}

pub struct Store {
    connections: Vec<Connection>,
    next: AtomicUsize,
    idle: Option<Idle>,
    /// Of transactions, each of which has one to itself.
    transactions: Vec<Connection>,
    idle_for_transactions: Idle,
}

/// The idle connections, by number.
struct Idle {
    permits: Semaphore,
    numbers: Mutex<Vec<usize>>,
}

/// A connection for one request, alone or shared.
pub struct Lent<'s> {
    connection: &'s Connection,
    given_back: Option<(&'s Idle, usize, SemaphorePermit<'s>)>,
}

impl Deref for Lent<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        // Returned before the permit, which is dropped after this.
        if let Some((idle, number, _)) = &self.given_back
            && let Ok(mut numbers) = idle.numbers.lock()
        {
            numbers.push(*number);
        }
    }
}

impl Idle {
    fn all(number: usize) -> Self {
        Self {
            permits: Semaphore::new(number),
            numbers: Mutex::new((0..number).collect()),
        }
    }

    async fn lend<'s>(&'s self, connections: &'s [Connection]) -> Result<Lent<'s>, StatusCode> {
        let unavailable = StatusCode::SERVICE_UNAVAILABLE;
        let permit = self.permits.acquire().await.map_err(|_| unavailable)?;
        let number = self.numbers.lock().map_err(|_| unavailable)?.pop();
        let number = number.ok_or(unavailable)?;
        Ok(Lent {
            connection: &connections[number],
            given_back: Some((self, number, permit)),
        })
    }
}

impl Store {
    pub async fn connect(url: &str) -> Result<Self, Error> {
        let connections = open(url, "CONNECTIONS", 4).await?;
        let idle = std::env::var_os("EXCLUSIVE").map(|_| Idle::all(connections.len()));
        let transactions = open(url, "TRANSACTIONS", 8).await?;
        Ok(Self {
            connections,
            next: AtomicUsize::new(0),
            idle,
            idle_for_transactions: Idle::all(transactions.len()),
            transactions,
        })
    }

    pub async fn next(&self) -> Result<Lent<'_>, StatusCode> {
        match &self.idle {
            None => {
                let next = self.next.fetch_add(1, Ordering::Relaxed);
                Ok(Lent {
                    connection: &self.connections[next % self.connections.len()],
                    given_back: None,
                })
            }
            Some(idle) => idle.lend(&self.connections).await,
        }
    }

    /// A connection for a transaction. The future that has it must be polled to its end, or
    /// the next one finds the transaction open.
    pub async fn alone(&self) -> Result<Lent<'_>, StatusCode> {
        self.idle_for_transactions.lend(&self.transactions).await
    }

    pub async fn list(
        &self,
        owner: &str,
        after: Option<Uuid>,
        rows: i64,
    ) -> Result<Vec<Row>, StatusCode> {
        let on = self.next().await?;
        let found = match after {
            None => on.client.query(&on.first, &[&owner, &rows]).await,
            Some(id) => on.client.query(&on.after, &[&owner, &id, &rows]).await,
        };
        found.map_err(failed)
    }

    pub async fn read(&self, owner: &str, id: Uuid) -> Result<Row, StatusCode> {
        let on = self.next().await?;
        let found = on.client.query_opt(&on.read, &[&owner, &id]).await;
        found.map_err(failed)?.ok_or(StatusCode::NOT_FOUND)
    }

    pub async fn toggle(&self, owner: &str, id: Uuid) -> Result<Row, StatusCode> {
        let on = self.next().await?;
        let found = on
            .client
            .query_opt(&on.toggle, &[&now(), &owner, &id])
            .await;
        found.map_err(failed)?.ok_or(StatusCode::NOT_FOUND)
    }

    pub async fn create(&self, task: &Task<'_>) -> Result<(), StatusCode> {
        let on = self.next().await?;
        let (title, description) = (&*task.title, task.description.as_deref());
        let (title_lower, description_lower) =
            (title.to_lowercase(), description.map(str::to_lowercase));
        let values: [&(dyn ToSql + Sync); 13] = [
            &task.owner_id,
            &task.id,
            &title,
            &title_lower,
            &description,
            &description_lower,
            &task.completed,
            &None::<NaiveDateTime>,
            &task.priority,
            &task.due_date,
            &task.tags,
            &task.version,
            &task.updated_at.0,
        ];
        on.client
            .execute(&on.create, &values)
            .await
            .map(drop)
            .map_err(failed)
    }
}

/// As many connections as the environment says.
async fn open(url: &str, variable: &str, number: usize) -> Result<Vec<Connection>, Error> {
    let wanted = std::env::var(variable).ok();
    let wanted = wanted.and_then(|number| number.parse().ok());
    let mut connections = Vec::new();
    for _ in 0..wanted.unwrap_or(number) {
        connections.push(Connection::open(url).await?);
    }
    Ok(connections)
}

impl Connection {
    async fn open(url: &str) -> Result<Self, Error> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        let first = format!(
            "SELECT {COLUMNS} FROM tasks WHERE owner_id = $1 AND deleted_at IS NULL ORDER BY id DESC LIMIT $2"
        );
        let after = format!(
            "SELECT {COLUMNS} FROM tasks WHERE owner_id = $1 AND id < $2 AND deleted_at IS NULL ORDER BY id DESC LIMIT $3"
        );
        let read = format!(
            "SELECT {COLUMNS} FROM tasks WHERE owner_id = $1 AND id = $2 AND deleted_at IS NULL"
        );
        let toggle = format!(
            "UPDATE tasks SET completed = NOT completed, \
             completed_at = CASE WHEN completed THEN NULL ELSE $1::timestamp END, \
             version = version + 1, updated_at = $1, change = 0 \
             WHERE owner_id = $2 AND id = $3 AND deleted_at IS NULL RETURNING {COLUMNS}"
        );
        let create = "INSERT INTO tasks (owner_id, id, title, title_lower, description, description_lower, \
             completed, completed_at, priority, due_date, tags, version, updated_at, change) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0)";
        Ok(Self {
            first: client.prepare(&first).await?,
            after: client.prepare(&after).await?,
            read: client.prepare(&read).await?,
            toggle: client.prepare(&toggle).await?,
            create: client.prepare(create).await?,
            operations: operations::Statements::prepare(&client).await?,
            changes: changes::Statements::prepare(&client).await?,
            client,
        })
    }
}

pub fn failed(error: Error) -> StatusCode {
    eprintln!("{error}");
    StatusCode::SERVICE_UNAVAILABLE
}

//! A PostgreSQL session with the statements of many requests in flight.
//!
//! Diesel builds the statements, tokio-postgres sends them: diesel-async does not
//! expose the SQLSTATE of an error, and only the SQLSTATE says whether a failed write
//! may have happened.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;
use diesel::pg::{Pg, PgMetadataLookup, PgQueryBuilder, PgTypeMetadata};
use diesel::query_builder::bind_collector::RawBytesBindCollector;
use diesel::query_builder::{QueryBuilder as _, QueryFragment};
use futures_util::TryStreamExt as _;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Row, Statement};

type Cause = Box<dyn std::error::Error + Send + Sync>;

pub struct Session {
    client: Client,
    /// Prepared statements by text; there are only a few texts.
    prepared: Mutex<HashMap<String, Statement>>,
}

/// Why a statement has no result.
pub enum Failure {
    /// An error of PostgreSQL or of the connection.
    Database(tokio_postgres::Error),
    /// The statement could not be built, or its result could not be read.
    Bug(Cause),
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error)
    }
}

/// Whether a failed write is known to have had no effect: PostgreSQL rolls back what it
/// refuses. The outcome is unknown if a connection behind it was lost (SQLSTATE class
/// 08), for `statement_completion_unknown` (40003), and without a SQLSTATE; and if it was
/// cancelled, for its time limit: a server behind it may have committed.
pub(super) fn had_no_effect(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| {
        !code.code().starts_with("08")
            && *code != SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN
            && *code != SqlState::QUERY_CANCELED
    })
}

impl Session {
    pub fn new(client: Client) -> Self {
        Self {
            client,
            prepared: Mutex::default(),
        }
    }

    /// Runs a statement and returns its rows.
    pub async fn query(&self, statement: &impl QueryFragment<Pg>) -> Result<Vec<Row>, Failure> {
        let (statement, values) = self.prepare(statement)?.await?;
        let rows = self.client.query_raw(&statement, values).await?;
        Ok(rows.try_collect().await?)
    }

    /// Runs a statement and returns the number of rows that it has written.
    pub async fn execute(&self, statement: &impl QueryFragment<Pg>) -> Result<u64, Failure> {
        let (statement, values) = self.prepare(statement)?.await?;
        Ok(self.client.execute_raw(&statement, values).await?)
    }

    /// Runs statements without parameters or rows, and returns whether they succeeded.
    pub async fn batch(&self, sql: &str) -> bool {
        self.client.batch_execute(sql).await.is_ok()
    }

    /// Whether the session is alive. Returns after the responses to all earlier statements.
    pub async fn is_alive(&self) -> bool {
        self.batch("").await
    }

    /// Builds text and parameters before the returned future runs, so that it does not
    /// borrow the statement.
    fn prepare(
        &self,
        statement: &impl QueryFragment<Pg>,
    ) -> Result<impl Future<Output = Result<(Statement, Vec<Value>), Failure>>, Failure> {
        let bug = |error: diesel::result::Error| Failure::Bug(error.into());
        let mut text = PgQueryBuilder::default();
        statement.to_sql(&mut text, &Pg).map_err(bug)?;
        let text = text.finish();
        let mut values = RawBytesBindCollector::<Pg>::new();
        let collected = statement.collect_binds(&mut values, &mut NoOtherTypes, &Pg);
        collected.map_err(bug)?;
        let is_kept = statement.is_safe_to_cache_prepared(&Pg).map_err(bug)?;
        Ok(async move {
            let known = self.prepared().get(&text).cloned();
            let statement = match known {
                Some(statement) => statement,
                None => {
                    let types = values.metadata.iter().map(type_of);
                    let types: Vec<_> = types.collect::<Result<_, _>>().map_err(Failure::Bug)?;
                    let statement = self.client.prepare_typed(&text, &types).await?;
                    if is_kept {
                        self.prepared().insert(text, statement.clone());
                    }
                    statement
                }
            };
            Ok((statement, values.binds.into_iter().map(Value).collect()))
        })
    }

    fn prepared(&self) -> MutexGuard<'_, HashMap<String, Statement>> {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn type_of(metadata: &PgTypeMetadata) -> Result<Type, Cause> {
    Type::from_oid(metadata.oid()?).ok_or_else(|| "a type of PostgreSQL's own".into())
}

/// Looks up no custom types: all types in use have fixed OIDs.
struct NoOtherTypes;

impl PgMetadataLookup for NoOtherTypes {
    fn lookup_type(&mut self, type_name: &str, schema: Option<&str>) -> PgTypeMetadata {
        let _ = (type_name, schema);
        PgTypeMetadata::new(0, 0)
    }
}

/// A value in PostgreSQL's binary format, as Diesel has written it.
struct Value(Option<Vec<u8>>);

/// Hides the value, which may be a title, from logs of the driver.
impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

impl ToSql for Value {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Cause> {
        let Some(bytes) = &self.0 else {
            return Ok(IsNull::Yes);
        };
        out.extend_from_slice(bytes);
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

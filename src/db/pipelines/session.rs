//! A session of PostgreSQL on which the statements of many are under way.
//!
//! The statements are Diesel's, the connection is that of tokio-postgres: Diesel's
//! own asynchronous connection keeps the code of an error to itself, and only the
//! code says whether a write that has failed may have happened.

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
    /// By their texts, of which there are few.
    prepared: Mutex<HashMap<String, Statement>>,
}

/// Why a statement has no result.
pub enum Failure {
    /// PostgreSQL says so, or the connection does.
    Database(tokio_postgres::Error),
    /// It could not be sent, or its result could not be read.
    Bug(Cause),
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error)
    }
}

/// Whether a write that ended in an error is known to have had no effect: what
/// PostgreSQL refuses, it takes back. Not so where a connection behind it was lost
/// (class 08), or where it says that it does not know (40003); and without a code
/// it has said nothing.
pub(super) fn had_no_effect(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| {
        !code.code().starts_with("08") && *code != SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN
    })
}

impl Session {
    pub fn new(client: Client) -> Self {
        Self {
            client,
            prepared: Mutex::default(),
        }
    }

    /// The rows that a statement yields.
    pub async fn query(&self, statement: &impl QueryFragment<Pg>) -> Result<Vec<Row>, Failure> {
        let (statement, values) = self.prepare(statement)?.await?;
        let rows = self.client.query_raw(&statement, values).await?;
        Ok(rows.try_collect().await?)
    }

    /// How many rows a statement has written.
    pub async fn execute(&self, statement: &impl QueryFragment<Pg>) -> Result<u64, Failure> {
        let (statement, values) = self.prepare(statement)?.await?;
        Ok(self.client.execute_raw(&statement, values).await?)
    }

    /// Whether everything asked before has its answer, and the session lives.
    pub async fn answers(&self) -> bool {
        self.client.batch_execute("").await.is_ok()
    }

    /// What is to be sent is known at once, so that the statement is not borrowed
    /// while its preparation is waited for.
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

/// All types have numbers that are the same everywhere.
struct NoOtherTypes;

impl PgMetadataLookup for NoOtherTypes {
    fn lookup_type(&mut self, type_name: &str, schema: Option<&str>) -> PgTypeMetadata {
        let _ = (type_name, schema);
        PgTypeMetadata::new(0, 0)
    }
}

/// A value that Diesel has written as PostgreSQL wants it.
struct Value(Option<Vec<u8>>);

/// A driver may log it, and it may be a title.
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

//! A lock of the database that requests wait for.

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection, SqliteConnection};

use super::postgres::waiting_for_locks;
use super::{Engine, TestApp};

/// Keeps others from writing while it lives: on SQLite anything, on PostgreSQL what a
/// statement has locked. The replicas need `WITH_METRICS`.
pub enum Lock {
    Sqlite {
        _connection: SqliteConnection,
    },
    Postgres {
        _connection: PgConnection,
        watch: PgConnection,
    },
}

impl Lock {
    pub fn take(app: &TestApp, in_postgres: &str) -> Self {
        match app.engine {
            Engine::Sqlite => {
                let file = app.database_url.strip_prefix("sqlite://").unwrap();
                let mut sqlite = SqliteConnection::establish(file).unwrap();
                sqlite.batch_execute("BEGIN IMMEDIATE").unwrap();
                Self::Sqlite {
                    _connection: sqlite,
                }
            }
            Engine::Postgres => {
                let connect = || PgConnection::establish(&app.database_url).unwrap();
                let (mut postgres, watch) = (connect(), connect());
                postgres.batch_execute("BEGIN").unwrap();
                postgres.batch_execute(in_postgres).unwrap();
                Self::Postgres {
                    _connection: postgres,
                    watch,
                }
            }
        }
    }

    /// Whether each of these replicas has a statement that waits for it; background jobs may
    /// wait too.
    pub async fn is_waited_for_by(&mut self, apps: &[&TestApp]) -> bool {
        match self {
            Self::Sqlite { .. } => {
                let busy = "\ntodoward_db_pool_connections{state=\"busy\"} 1\n";
                for app in apps {
                    if !app.metrics().await.text().contains(busy) {
                        return false;
                    }
                }
                true
            }
            Self::Postgres { watch, .. } => {
                usize::try_from(waiting_for_locks(watch)).unwrap() >= apps.len()
            }
        }
    }
}

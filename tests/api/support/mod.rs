//! The test support: an application, users, responses.

pub mod client;
pub mod copy;
pub mod events;
pub mod fault_proxy;
pub mod key_server;
pub mod lock;
pub mod operation;
pub mod pairs;
pub mod postgres;
pub mod property;
pub mod random;
pub mod raw;
pub mod tokens;
pub mod trust;
pub mod verdicts;

use std::net::SocketAddr;
use std::sync::mpsc;

use tempfile::TempDir;
use todoward::primitives::id::ResourceId;
use todoward::server::application::Application;
use todoward::settings::{Environment, Settings};
use tokio::sync::oneshot;

pub use client::{Client, Response};
use postgres::TestDatabase;

/// The secret of every test application.
pub const SECRET: &str = "a secret of the tests, 0123456789 abcdef";

/// The value that removes a variable from the application's environment.
pub const UNSET: &str = "\0";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// Generates two tests of each function, one for each database.
macro_rules! on_both_databases {
    ($($name:ident,)*) => {$(
        mod $name {
            use crate::support::{Engine, block_on};

            #[test]
            fn on_sqlite() {
                block_on(super::$name(Engine::Sqlite));
            }

            #[test]
            fn on_postgres() {
                block_on(super::$name(Engine::Postgres));
            }
        }
    )*};
}
pub(crate) use on_both_databases;

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    actix_rt::System::new().block_on(future)
}

/// The real application, on a thread of its own.
pub struct TestApp {
    pub address: SocketAddr,
    /// The URL of the metrics, if the variable `WITH_METRICS` is set.
    pub metrics: Option<SocketAddr>,
    pub engine: Engine,
    pub database_url: String,
    http: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
    _directory: Option<TempDir>,
    _database: Option<TestDatabase>,
}

impl TestApp {
    /// Starts it with the default settings of the tests.
    pub async fn spawn(engine: Engine) -> Self {
        Self::with(engine, &[]).await
    }

    /// Starts it with additional environment variables.
    pub async fn with(engine: Engine, variables: &[(&str, &str)]) -> Self {
        let (database_url, directory, database) = match engine {
            Engine::Sqlite => {
                let directory = tempfile::tempdir().unwrap();
                let file = directory.path().join("tasks.db");
                (
                    format!("sqlite://{}", file.display()),
                    Some(directory),
                    None,
                )
            }
            Engine::Postgres => {
                let database = TestDatabase::create();
                (database.url.clone(), None, Some(database))
            }
        };
        let mut app = Self::on_database(engine, &database_url, variables).await;
        app._directory = directory;
        app._database = database;
        app
    }

    /// Starts it on an existing or missing database.
    pub async fn on_database(engine: Engine, url: &str, variables: &[(&str, &str)]) -> Self {
        let mut all = vec![
            ("BETTER_AUTH_SECRET", SECRET),
            ("DATABASE_URL", url),
            ("PORT", "0"),
            ("TODOWARD__SERVER__WORKERS", "1"),
            ("TODOWARD__METRICS__PORT", "0"),
        ];
        all.extend(variables);
        // The last value of a name takes precedence.
        let is_unset = |name: &str| {
            let mut values = variables.iter().rev().filter(|(other, _)| *other == name);
            values.next().is_some_and(|(_, value)| *value == UNSET)
        };
        all.retain(|(name, _)| !is_unset(name));
        let mut settings = Settings::load(&Environment::of(all)).unwrap();
        // In the settings port 0 means off, so a free one cannot be requested.
        if variables.iter().any(|(name, _)| *name == "WITH_METRICS") {
            settings.metrics = Some((std::net::Ipv4Addr::LOCALHOST.into(), 0));
        }
        let (stop, stopped) = oneshot::channel::<()>();
        let (started, addresses) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            block_on(async move {
                let application = Application::build(&settings).unwrap();
                let addresses = (application.address(), application.metrics_address());
                started.send(addresses).unwrap();
                let stop = async {
                    let _ = stopped.await;
                };
                let stop_now = std::future::ready(());
                application.run_until(stop, stop_now).await.unwrap();
            });
        });
        let (address, metrics) = addresses.recv().expect("the application does not start");
        let app = Self {
            address,
            metrics,
            engine,
            database_url: url.to_owned(),
            http: reqwest::Client::new(),
            stop: Some(stop),
            thread: Some(thread),
            _directory: None,
            _database: None,
        };
        if variables
            .iter()
            .all(|(name, _)| *name != "WITHOUT_DATABASE")
        {
            app.wait_until_ready().await;
        }
        app
    }

    /// Waits until the application is ready, for at most 20 seconds.
    pub async fn wait_until_ready(&self) {
        let limit = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while self.anonymous().get("/health/ready").await.status != 200 {
            assert!(std::time::Instant::now() < limit, "never ready");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// A client with a signed token.
    pub fn user(&self, subject: &str) -> Client {
        self.with_token(&tokens::valid(subject))
    }

    /// A client without a token.
    pub fn anonymous(&self) -> Client {
        Client::new(self.http.clone(), self.address, None)
    }

    /// Makes a list of an owner's, and returns its id.
    pub async fn list(&self, owner: &str, name: &str) -> String {
        let id = ResourceId::generate().to_string();
        let digits = match self.engine {
            Engine::Sqlite => format!("x'{}'", id.replace('-', "")),
            Engine::Postgres => format!("'{id}'"),
        };
        self.execute(&format!(
            "INSERT INTO lists (owner_id, id, name, archived, version, updated_at) \
             VALUES ('{owner}', {digits}, '{name}', false, 1, '2026-01-01 00:00:00')"
        ));
        id
    }

    /// Copies the only task of an owner until there are so many.
    pub async fn copy_tasks(&self, owner: &str, count: usize) {
        const COLUMNS: &str = "title, title_lower, title_folded, description, \
             description_lower, rest_folded, folded_version, completed, completed_at, priority, \
             due_date, tags, version, updated_at";
        let count = count - 1;
        let (id, numbers) = match self.engine {
            Engine::Sqlite => (
                "randomblob(16)",
                format!(
                    "(WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n \
                     WHERE n < {count}) SELECT n FROM n)"
                ),
            ),
            Engine::Postgres => ("gen_random_uuid()", format!("generate_series(1, {count})")),
        };
        self.execute(&format!(
            "INSERT INTO tasks (owner_id, id, {COLUMNS}) SELECT owner_id, {id}, {COLUMNS} \
             FROM tasks CROSS JOIN {numbers} AS n WHERE owner_id = '{owner}'"
        ));
    }

    /// The count that a statement selects, beside the application.
    pub fn count(&self, select: &str) -> i64 {
        use diesel::prelude::*;
        #[derive(QueryableByName)]
        struct Count {
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            count: i64,
        }
        let select = diesel::sql_query(select);
        let count: Count = match self.engine {
            Engine::Sqlite => {
                let file = self.database_url.strip_prefix("sqlite://").unwrap();
                let mut sqlite = diesel::SqliteConnection::establish(file).unwrap();
                select.get_result(&mut sqlite).unwrap()
            }
            Engine::Postgres => {
                let mut postgres = diesel::PgConnection::establish(&self.database_url).unwrap();
                select.get_result(&mut postgres).unwrap()
            }
        };
        count.count
    }

    /// Executes a statement beside the application.
    pub fn execute(&self, statement: &str) {
        use diesel::connection::{Connection as _, SimpleConnection as _};
        match self.engine {
            Engine::Sqlite => {
                let file = self.database_url.strip_prefix("sqlite://").unwrap();
                let mut sqlite = diesel::SqliteConnection::establish(file).unwrap();
                sqlite.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
                sqlite.batch_execute(statement).unwrap();
            }
            Engine::Postgres => postgres::execute_in(&self.database_url, statement),
        }
    }

    /// What the metrics say now.
    pub async fn metrics(&self) -> Response {
        let address = self.metrics.expect("spawned WITH_METRICS");
        Client::new(self.http.clone(), address, None)
            .get("/metrics")
            .await
    }

    /// The number of statements that went over pipelines.
    pub async fn pipelined(&self) -> u64 {
        self.metric("todoward_db_pipelined_total ").await
    }

    /// The number of open pipelines for `read` or for `write`.
    pub async fn pipelines_for(&self, access: &str) -> u64 {
        let name = format!("todoward_db_pipelines{{access=\"{access}\"}} ");
        self.metric(&name).await
    }

    async fn metric(&self, name: &str) -> u64 {
        let metrics = self.metrics().await.text();
        let mut values = metrics.lines().filter_map(|line| line.strip_prefix(name));
        values.next().unwrap().parse().unwrap()
    }

    /// A client that sends this after `Bearer `.
    pub fn with_token(&self, token: &str) -> Client {
        Client::new(
            self.http.clone(),
            self.address,
            Some(format!("Bearer {token}")),
        )
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

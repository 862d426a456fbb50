//! A test's database, of either kind, that outlives a server.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::Engine;
use crate::support::postgres::{Cluster, TestDatabase, server};

pub struct Storage {
    pub url: String,
    pub directory: TempDir,
    _database: Option<TestDatabase>,
}

impl Storage {
    pub fn new(engine: Engine) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = (engine == Engine::Postgres).then(TestDatabase::create);
        let url = match &database {
            Some(database) => database.url.clone(),
            None => format!("sqlite://{}", directory.path().join("tasks.db").display()),
        };
        Self {
            url,
            directory,
            _database: database,
        }
    }

    /// A PostgreSQL database of a cluster that the test has for itself.
    pub fn of_cluster(cluster: &Cluster) -> Self {
        Self {
            url: format!("{}/postgres", cluster.url),
            directory: tempfile::tempdir().unwrap(),
            _database: None,
        }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The SQLite file.
    pub fn file(&self) -> PathBuf {
        self.path().join("tasks.db")
    }

    /// The database's URL for another role.
    pub fn url_as(&self, role: &str, password: &str) -> String {
        let (_, place) = self.url.split_once('@').unwrap();
        format!("postgres://{role}:{password}@{place}")
    }

    /// The name of the PostgreSQL database.
    pub fn name(&self) -> &str {
        &self.url[server().len() + 1..]
    }
}

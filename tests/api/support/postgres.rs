//! A PostgreSQL for the tests: `TEST_DATABASE_URL`, or a temporary cluster of the
//! installed binaries. Without either the tests fail; they are never skipped.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use diesel::prelude::*;

use super::trust::eventually;

/// The URL of the server, without a database's name.
static SERVER: OnceLock<String> = OnceLock::new();

/// The database of one test, dropped at its end.
pub struct TestDatabase {
    pub url: String,
    name: String,
}

impl TestDatabase {
    pub fn create() -> Self {
        let name = format!("t{}", uuid::Uuid::now_v7().simple());
        execute(&format!(
            "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"
        ));
        let url = format!("{}/{name}", server());
        Self { url, name }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

/// Runs a statement in the maintenance database.
pub fn execute(statement: &str) {
    execute_in(&format!("{}/postgres", server()), statement);
}

/// Runs a statement in any database.
pub fn execute_in(url: &str, statement: &str) {
    let mut connection = PgConnection::establish(url).expect("cannot connect to PostgreSQL");
    diesel::sql_query(statement)
        .execute(&mut connection)
        .unwrap();
}

/// Waits until the server of a database has built its last index. Before that, a statement
/// that locks the whole table can be the victim of a deadlock with the build.
pub async fn wait_until_indexed(url: &str) {
    let valid = "SELECT 1 FROM pg_index \
                 WHERE indexrelid = to_regclass('lists_changed') AND indisvalid";
    let mut connection = PgConnection::establish(url).expect("cannot connect to PostgreSQL");
    eventually("the indexes are built", async || {
        diesel::sql_query(valid).execute(&mut connection).unwrap() > 0
    })
    .await;
}

#[derive(QueryableByName)]
struct Waiting {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    statements: i64,
}

/// The number of statements in a connection's database that wait for a lock, but for an
/// index that is being built.
pub fn waiting_for_locks(connection: &mut PgConnection) -> i64 {
    let waiting = "SELECT count(*) AS statements FROM pg_stat_activity \
                   WHERE datname = current_database() AND wait_event_type = 'Lock' \
                   AND query NOT LIKE 'CREATE INDEX%'";
    let waiting: Waiting = diesel::sql_query(waiting).get_result(connection).unwrap();
    waiting.statements
}

pub fn server() -> &'static str {
    SERVER.get_or_init(|| match std::env::var("TEST_DATABASE_URL") {
        Ok(url) => url.trim_end_matches("/postgres").to_owned(),
        Err(_) => {
            let mut cluster = Cluster::create();
            cluster.start();
            let url = cluster.url.clone();
            // Kept open until the process ends.
            std::mem::forget(cluster);
            url
        }
    })
}

/// A separate PostgreSQL, which ends with this value or with the process.
pub struct Cluster {
    /// Its URL, without a database's name.
    pub url: String,
    port: u16,
    binaries: PathBuf,
    directory: PathBuf,
    user: Option<(u32, u32)>,
    shell: Option<Child>,
}

impl Cluster {
    /// Creates the files of a cluster without starting it.
    pub fn create() -> Self {
        let binaries = binaries().expect(
            "no PostgreSQL: install it (Debian and Ubuntu: apt-get install postgresql; macOS: brew install postgresql), or set TEST_DATABASE_URL=postgres://user@host",
        );
        let directory = tempfile::tempdir().unwrap().keep();
        let user = unprivileged_user();
        if let Some((uid, gid)) = user {
            std::os::unix::fs::chown(&directory, Some(uid), Some(gid)).unwrap();
        }
        let mut initdb = Command::new(binaries.join("initdb"));
        initdb
            .args([
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-locale",
                "--no-sync",
                "-D",
            ])
            .arg(directory.join("data"));
        let output = as_user(&mut initdb, user).output().unwrap();
        assert!(
            output.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&output.stderr)
        );

        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        Self {
            url: format!("postgres://postgres@127.0.0.1:{port}"),
            port,
            binaries,
            directory,
            user,
            shell: None,
        }
    }

    /// Enables TLS, and allows `tls_user` over TLS only, with a password. To be called
    /// before the second start of the server.
    pub fn require_tls(&self, certificate: &str, key: &str) {
        let data = self.directory.join("data");
        for (name, text) in [
            ("server.crt", certificate),
            ("server.key", key),
            (
                "pg_hba.conf",
                "host all postgres 127.0.0.1/32 trust\nhostssl all tls_user 127.0.0.1/32 scram-sha-256\n",
            ),
            ("postgresql.auto.conf", "ssl = on\n"),
        ] {
            use std::os::unix::fs::PermissionsExt as _;
            let file = data.join(name);
            std::fs::write(&file, text).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
            if let Some((uid, gid)) = self.user {
                std::os::unix::fs::chown(&file, Some(uid), Some(gid)).unwrap();
            }
        }
    }

    /// Starts the server and waits until it responds.
    pub fn start(&mut self) {
        assert!(self.shell.is_none(), "started already");
        // The shell stops the server when its standard input is closed, which happens
        // however this process ends. A signal's name on standard input stops the
        // server and keeps its files.
        let script = r#"
            "$1/postgres" -D "$2/data" -p "$3" -k "$2" -c listen_addresses=127.0.0.1 \
                -c fsync=off -c full_page_writes=off \
                -c max_connections=400 >>"$2/log" 2>&1 </dev/null &
            read -r signal || signal=
            kill -"${signal:-INT}" $!; wait
            [ "$signal" ] || rm -rf "$2"
        "#;
        let mut shell = Command::new("sh");
        shell
            .args(["-c", script, "sh"])
            .arg(&self.binaries)
            .arg(&self.directory)
            .arg(self.port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Control-C in a terminal must not reach the shell first.
            .process_group(0);
        self.shell = Some(as_user(&mut shell, self.user).spawn().unwrap());
        wait_for(&self.url, &self.directory);
    }

    /// Stops the server with a signal and waits for its end: INT closes connections, QUIT is
    /// a crash. It can be started again.
    pub fn stop(&mut self, signal: &str) {
        let mut shell = self.shell.take().expect("not started");
        let mut input = shell.stdin.take().unwrap();
        writeln!(input, "{signal}").unwrap();
        shell.wait().unwrap();
    }

    /// Ends every process of the server by kill -9, like a power cut. It can be started again.
    pub fn kill(&mut self) {
        // Stopped first, so that it starts no other process meanwhile. While one is left, the
        // next server would not start.
        let script = r#"
            kill -STOP "$1"
            children=$(ps -A -o ppid= -o pid= | awk -v parent="$1" '$1 == parent { print $2 }')
            kill -KILL "$1" $children
            for child in $children; do
                while ps -o stat= -p "$child" | grep -q '^[^Z]'; do sleep 0.01; done
            done
        "#;
        let file = self.directory.join("data/postmaster.pid");
        let file = std::fs::read_to_string(file).unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", script, "sh", file.lines().next().unwrap()]);
        assert!(shell.status().unwrap().success());
        self.stop("KILL");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut shell) = self.shell.take() {
            drop(shell.stdin.take());
            let _ = shell.wait();
        }
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn wait_for(url: &str, directory: &Path) {
    let limit = Instant::now() + Duration::from_secs(30);
    while PgConnection::establish(&format!("{url}/postgres")).is_err() {
        if Instant::now() > limit {
            let mut log = String::new();
            let file = std::fs::File::open(directory.join("log"));
            let _ = file.and_then(|mut file| file.read_to_string(&mut log));
            panic!("PostgreSQL does not start: {log}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The directory of `initdb` and `postgres`.
pub fn binaries() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    for parent in ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"] {
        let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
        let mut versions: Vec<PathBuf> = entries.map(|entry| entry.path().join("bin")).collect();
        versions.sort();
        places.extend(versions.into_iter().rev());
    }
    places
        .into_iter()
        .find(|place| place.join("initdb").exists() && place.join("postgres").exists())
}

/// PostgreSQL refuses to run as root, so another user is chosen.
pub fn unprivileged_user() -> Option<(u32, u32)> {
    let id = |arguments: &[&str]| -> Option<u32> {
        let output = Command::new("id").args(arguments).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    if id(&["-u"])? != 0 {
        return None;
    }
    ["postgres", "nobody"]
        .into_iter()
        .find_map(|user| Some((id(&["-u", user])?, id(&["-g", user])?)))
}

fn as_user(command: &mut Command, user: Option<(u32, u32)>) -> &mut Command {
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command.current_dir("/")
}

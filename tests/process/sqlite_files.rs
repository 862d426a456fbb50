//! SQLite files: their permissions, and what happens if they cannot be used.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::binary::{Done, finish, run, todoward};
use crate::server::{Server, environment};
use crate::storage::Storage;
use crate::support::{Engine, block_on, postgres};

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn the_files_are_for_their_owner_only_whatever_the_umask() {
    block_on(async {
        for umask in ["000", "022"] {
            let storage = Storage::new(Engine::Sqlite);
            let server = Server::under(&format!("umask {umask}"), &storage).await;
            server.user("alice").create(json!({ "title": "a" })).await;
            for name in ["tasks.db", "tasks.db-wal", "tasks.db-shm"] {
                assert_eq!(mode(&storage.path().join(name)), 0o600, "{name}");
            }
            server.stop().await;
        }
    });
}

#[test]
fn a_missing_directory_is_a_clear_error() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/missing/tasks.db", directory.path().display());
    for command in ["serve", "migrate"] {
        let done = run(directory.path(), &[command], &environment(&url, &[])).failed(1);
        assert!(
            done.err.contains("missing/tasks.db"),
            "names the file: {done:?}"
        );
        assert!(done.err.contains("No such file or directory"), "{done:?}");
    }
}

#[test]
fn a_file_that_is_no_database_is_a_clear_error_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let text = "This is a shopping list, not a database.\n".repeat(50);
    let file = directory.path().join("list.txt");
    std::fs::write(&file, &text).unwrap();
    let url = format!("sqlite://{}", file.display());
    for command in ["serve", "migrate"] {
        let done = run(directory.path(), &[command], &environment(&url, &[])).failed(1);
        assert!(done.err.contains("not a database"), "{done:?}");
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    // A directory is not a database either.
    let url = format!("sqlite://{}", directory.path().display());
    run(directory.path(), &["serve"], &environment(&url, &[])).failed(1);
}

/// Runs the binary as a user to whom permissions apply (not root).
fn serve_unprivileged(directory: &Path, url: &str) -> Done {
    let mut command = todoward(directory, &["serve"], environment(url, &[]));
    if let Some((uid, gid)) = postgres::unprivileged_user() {
        // That user may not have access to the build directory.
        let copy = directory.join("todoward");
        std::fs::copy(env!("CARGO_BIN_EXE_todoward"), &copy).unwrap();
        command = Command::new(copy);
        command
            .env_clear()
            .envs(environment(url, &[]))
            .current_dir(directory)
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .uid(uid)
            .gid(gid);
    }
    finish(command)
}

#[test]
fn what_may_not_be_written_is_a_clear_error() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("tasks.db");
    let url = format!("sqlite://{}", file.display());
    run(directory.path(), &["migrate"], &[("DATABASE_URL", &url)]).succeeded();
    if let Some((uid, gid)) = postgres::unprivileged_user() {
        for path in [directory.path(), &file] {
            chown(path, Some(uid), Some(gid)).unwrap();
        }
    }
    std::fs::set_permissions(&file, Permissions::from_mode(0o400)).unwrap();
    let done = serve_unprivileged(directory.path(), &url).failed(1);
    assert!(done.err.contains("tasks.db"), "{done:?}");
    assert!(
        done.err.contains("readonly") || done.err.contains("Permission denied"),
        "{done:?}"
    );

    // A directory without write permission.
    let closed = directory.path().join("closed");
    std::fs::create_dir(&closed).unwrap();
    if let Some((uid, gid)) = postgres::unprivileged_user() {
        chown(&closed, Some(uid), Some(gid)).unwrap();
    }
    std::fs::set_permissions(&closed, Permissions::from_mode(0o500)).unwrap();
    let url = format!("sqlite://{}/tasks.db", closed.display());
    let done = serve_unprivileged(directory.path(), &url).failed(1);
    assert!(done.err.contains("Permission denied"), "{done:?}");
    std::fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn memory_serves_and_leaves_nothing_behind() {
    block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let server = Server::start(directory.path(), "sqlite::memory:", &[]).await;
        server.user("alice").create(json!({ "title": "a" })).await;
        assert_eq!(server.user("alice").titles("").await, ["a"]);
        server.stop().await;
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    });
}

#[test]
fn what_a_full_disk_did_not_take_is_not_acknowledged() {
    block_on(async {
        let storage = Storage::new(Engine::Sqlite);
        // A file size limit simulates a full disk, in blocks of 512 bytes.
        let server = Server::under(r#"trap "" XFSZ; ulimit -f 600"#, &storage).await;
        let alice = server.user("alice");
        let path = alice.create_path("a").await;
        let complete = format!("{path}/complete");
        let mut acknowledged = 1;
        let mut refused = 0;
        while refused < 3 {
            let response = alice.request("PATCH", &complete).send().await;
            if response.status == 200 {
                acknowledged = response.json()["version"].as_i64().unwrap();
                assert!(acknowledged < 10_000, "the disk is never full");
            } else {
                response.expect_problem(503, "database_unavailable");
                refused += 1;
            }
            let task = alice.get(&path).await.expect(200).json();
            assert_eq!(task["version"], acknowledged);
        }
        let other = alice.post("/api/v1/tasks", &json!({ "title": "b" })).await;
        other.expect_problem(503, "database_unavailable");
        server.stop().await;
    });
}

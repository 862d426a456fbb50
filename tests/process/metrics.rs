//! The metrics of the binary: their port, and what is not on the public one.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

use crate::binary::{SOON, run, todoward};
use crate::server::{Server, environment, eventually};
use crate::storage::Storage;
use crate::support::{Client, Engine, SECRET, block_on};

/// A free port. Port 0 means off in the settings, so the kernel cannot choose one; its
/// own choices for others begin at 32768.
pub fn free_port() -> String {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + (std::process::id() % 400) as u16 * 30;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed) % 30;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port.to_string();
        }
    }
}

pub async fn metrics(port: &str) -> String {
    let address = format!("127.0.0.1:{port}").parse().unwrap();
    let client = Client::new(reqwest::Client::new(), address, None);
    client.get("/metrics").await.expect(200).text()
}

#[test]
fn they_are_on_their_port_and_not_on_the_public_one() {
    block_on(async {
        let storage = Storage::new(Engine::Sqlite);
        let port = free_port();
        let variables = [("TODOWARD__METRICS__PORT", port.as_str())];
        let server = Server::start(storage.path(), &storage.url, &variables).await;
        server.logs(&format!("metrics=127.0.0.1:{port}")).await;
        server.user("alice").create_path("a title").await;
        let text = metrics(&port).await;
        let created =
            r#"todoward_http_requests_total{method="POST",route="/api/v1/tasks",status="201"} 1"#;
        assert!(text.contains(created), "{text}");
        for secret in [SECRET, &storage.url, "alice", "a title", "tasks.db"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
        let public = server.anonymous().get("/metrics").await;
        public.expect_problem(404, "no_such_address");
        server.stop().await;
        // The port is free again.
        TcpListener::bind(format!("127.0.0.1:{port}")).unwrap();
    });
}

#[test]
fn they_are_told_during_the_drain() {
    block_on(async {
        let storage = Storage::new(Engine::Sqlite);
        let port = free_port();
        let variables = [
            ("TODOWARD__METRICS__PORT", port.as_str()),
            ("TODOWARD__SERVER__DRAIN_DELAY", "600"),
            ("TODOWARD__SERVER__SHUTDOWN_TIMEOUT", "700"),
        ];
        let mut server = Server::start(storage.path(), &storage.url, &variables).await;
        server.signal("TERM");
        eventually("it drains", SOON, async || {
            let ready = server.is_ready().await;
            (!ready).then_some(())
        })
        .await;
        assert!(metrics(&port).await.contains("todoward_build_info"));
        server.signal("TERM");
        assert_eq!(server.ends(SOON).await.code(), Some(0));
    });
}

#[test]
fn a_port_that_is_taken_is_one_line_that_names_the_setting_and_exit_code_1() {
    let storage = Storage::new(Engine::Sqlite);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let variables = [("TODOWARD__METRICS__PORT", port.as_str())];
    let variables = environment(&storage.url, &variables);
    let done = run(storage.path(), &["serve"], &variables).failed(1);
    assert!(done.err.contains(&format!("127.0.0.1:{port}")), "{done:?}");
    assert!(done.err.contains("TODOWARD__METRICS__PORT"), "{done:?}");
    assert!(!storage.file().exists(), "began before it refused");
}

#[test]
fn the_public_port_is_none_for_them() {
    let storage = Storage::new(Engine::Sqlite);
    let port = free_port();
    let variables = [("TODOWARD__METRICS__PORT", port.as_str()), ("PORT", &port)];
    let variables = environment(&storage.url, &variables);
    let done = run(storage.path(), &["serve"], &variables).failed(1);
    assert!(done.err.contains("TODOWARD__METRICS__PORT"), "{done:?}");
}

#[test]
fn a_first_look_has_none_so_that_it_takes_no_other_port() {
    block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let mut command = todoward(directory.path(), &["dev"], [("PORT", "0")]);
        let server = Server::of(&mut command).await;
        server.logs("metrics=off").await;
        server.stop().await;
    });
}

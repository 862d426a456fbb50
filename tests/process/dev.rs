//! `todoward dev` in an empty directory.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::binary::SOON;
use crate::binary::{Captured, finish, todoward};
use crate::server::{Server, eventually};
use crate::support::block_on;
use crate::support::key_server::KeyServer;
use crate::support::pairs::Pair;
use crate::support::trust::{published, token_of};

async fn dev(directory: &Path) -> Server {
    dev_with(directory, &[]).await
}

async fn dev_with(directory: &Path, variables: &[(&str, &str)]) -> Server {
    let variables = [&[("PORT", "0")], variables].concat();
    let mut command = todoward(directory, &["dev"], variables);
    let server = Server::of(&mut command).await;
    eventually("it prints a curl line", SOON, async || {
        curl_line(&server.running.out)
    })
    .await;
    server.becomes_ready(SOON).await;
    server
}

fn curl_line(out: &Captured) -> Option<String> {
    let text = out.text();
    let (complete, _) = text.rsplit_once('\n')?;
    let line = complete.lines().find(|line| line.starts_with("curl "))?;
    Some(line.to_owned())
}

fn token(server: &Server) -> String {
    let text = server.running.out.text();
    let mut lines = text.lines();
    lines
        .find(|line| line.starts_with("eyJ"))
        .unwrap()
        .to_owned()
}

/// Runs the printed line in a shell: two JSON responses.
fn paste(line: &str) -> Vec<Value> {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", line])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let done = finish(shell).succeeded();
    let responses = serde_json::Deserializer::from_str(&done.out).into_iter();
    responses
        .collect::<Result<_, _>>()
        .unwrap_or_else(|error| panic!("{error}: {}", done.out))
}

#[test]
fn the_printed_line_works_as_pasted_and_a_second_start_keeps_everything() {
    block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let server = dev(directory.path()).await;
        let responses = paste(&curl_line(&server.running.out).unwrap());
        assert_eq!(responses[0]["title"], "Buy milk");
        assert_eq!(responses[1]["items"], json!([responses[0]]));
        let first_token = token(&server);
        let address = server.address;
        let printed = server.running.out.text();
        assert!(
            printed.contains(&format!("http://{address}/api/v1/tasks")),
            "{printed}"
        );
        server.stop().await;

        let server = dev(directory.path()).await;
        let list = server
            .with_token(&first_token)
            .get("/api/v1/tasks")
            .await
            .expect(200);
        assert_eq!(list.json()["items"], json!([responses[0]]));
        server.stop().await;
    });
}

#[test]
fn what_it_makes_is_for_its_owner_only_and_nothing_else_is_made() {
    block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let server = dev(directory.path()).await;
        paste(&curl_line(&server.running.out).unwrap());
        let mut names = Vec::new();
        for entry in std::fs::read_dir(directory.path()).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{:?}", entry.file_name());
            names.push(entry.file_name().into_string().unwrap());
        }
        names.sort();
        let made = [
            "todoward-dev.db",
            "todoward-dev.db-shm",
            "todoward-dev.db-wal",
            "todoward-dev.secret",
        ];
        assert_eq!(names, made);
        let secret = std::fs::read_to_string(directory.path().join("todoward-dev.secret")).unwrap();
        let said = server.stop().await;
        assert!(!said.contains(secret.trim()), "the secret is shown");
    });
}

#[test]
fn a_page_on_the_usual_port_may_call_it() {
    block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let server = dev(directory.path()).await;
        let asked = server
            .with_token(&token(&server))
            .request("GET", "/api/v1/tasks");
        let response = asked
            .header("Origin", "http://localhost:3000")
            .send()
            .await
            .expect(200);
        assert_eq!(
            response.header("access-control-allow-origin"),
            "http://localhost:3000"
        );
        server.stop().await;
    });
}

#[test]
fn with_a_frontend_its_page_may_call_it_and_both_kinds_of_token_are_taken() {
    block_on(async {
        let pair = Pair::ed25519("k");
        let frontend = KeyServer::start(published(&[&pair]));
        let url = frontend.url();
        let directory = tempfile::tempdir().unwrap();
        let server = dev_with(directory.path(), &[("BETTER_AUTH_URL", &url)]).await;
        let printed = server.running.out.text();
        assert!(
            printed.contains(&format!("{url}/api/auth/jwks")),
            "{printed}"
        );
        paste(&curl_line(&server.running.out).unwrap());
        for token in [token(&server), token_of(&frontend, &pair, "alice")] {
            for origin in [&*url, "http://localhost:3000"] {
                let asked = server.with_token(&token).request("GET", "/api/v1/tasks");
                let response = asked.header("Origin", origin).send().await.expect(200);
                assert_eq!(response.header("access-control-allow-origin"), origin);
            }
        }
        server.stop().await;
    });
}

#[test]
fn a_secret_file_that_was_cut_short_is_made_anew_and_a_weak_one_is_refused() {
    block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("todoward-dev.secret");
        std::fs::write(&file, "").unwrap();
        let server = dev(directory.path()).await;
        server.stop().await;
        assert!(std::fs::read_to_string(&file).unwrap().len() >= 32);
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        std::fs::write(&file, "short").unwrap();
        let done = finish(todoward(directory.path(), &["dev"], [("PORT", "0")])).failed(78);
        assert!(done.err.contains("BETTER_AUTH_SECRET"), "{done:?}");
    });
}

//! No command shows a secret or a password, whatever goes wrong.

use std::path::Path;

use serde_json::json;

use crate::binary::{run, run_with_input};
use crate::leaks::{PASSWORD, SECRET, assert_no_piece_of, assert_nothing_leaked, sign};
use crate::server::Server;
use crate::support::{block_on, tokens};

/// Every command, with an unreachable database.
#[test]
fn no_command_shows_a_secret_or_a_password() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("postgres://todoward:{PASSWORD}@127.0.0.1:1/tasks");
    let variables = [
        ("BETTER_AUTH_SECRET", SECRET),
        ("DATABASE_URL", url.as_str()),
        ("PORT", "0"),
        ("RUST_LOG", "trace"),
        ("RUST_BACKTRACE", "full"),
    ];
    let token = sign(&json!({ "alg": "HS256" }), &tokens::claims("alice"), SECRET);
    let commands: [&[&str]; 5] = [
        &["--help"],
        &["serve", "--help"],
        &["migrate"],
        &["token", "--sub", "alice"],
        &["healthcheck"],
    ];
    for arguments in commands {
        let done = run(directory.path(), arguments, &variables);
        assert_nothing_leaked(&(done.out + &done.err), &[]);
    }
    block_on(async {
        let server = Server::listening(directory.path(), &url, &variables).await;
        server.logs("waiting for the database").await;
        assert_nothing_leaked(&server.stop().await, &[]);
    });
    let done = check(directory.path(), &variables, &token);
    assert_nothing_leaked(&done, &[]);
    let signature = token.rsplit('.').next().unwrap();
    assert_no_piece_of("the signature", signature, &done);
}

fn check(directory: &Path, variables: &[(&str, &str)], token: &str) -> String {
    let done = run_with_input(directory, &["check-token"], variables, token);
    done.out + &done.err
}

//! The commands that end by themselves.

use std::path::Path;

use serde_json::json;
use todoward::tasks::due::TimeZone;

use crate::binary::{Done, finish, run, run_with_input, todoward};
use crate::server::Server;
use crate::storage::Storage;
use crate::support::{Engine, SECRET, on_both_databases, tokens};

on_both_databases! {
    a_signed_token_opens_a_running_server,
    migrate_says_what_it_did_and_twice_is_fine,
    several_that_migrate_at_once_do_not_collide,
    a_healthcheck_is_0_while_ready_and_1_otherwise,
}

const COMMANDS: [&[&str]; 10] = [
    &[],
    &["serve"],
    &["dev"],
    &["migrate"],
    &["import"],
    &["export"],
    &["token"],
    &["check-token"],
    &["openapi"],
    &["healthcheck"],
];

#[test]
fn openapi_writes_the_committed_document_and_needs_no_settings() {
    let directory = tempfile::tempdir().unwrap();
    let done = run(directory.path(), &["openapi"], &[]).succeeded();
    assert!(
        done.out == include_str!("../../openapi.json"),
        "openapi.json has drifted: cargo run -- openapi > openapi.json"
    );
}

#[test]
fn every_command_explains_itself() {
    let directory = tempfile::tempdir().unwrap();
    for command in COMMANDS {
        let arguments = [command, &["--help"]].concat();
        let help = run(directory.path(), &arguments, &[]).succeeded();
        assert!(
            help.out.contains("Usage: todoward"),
            "{arguments:?}: {help:?}"
        );
        assert_eq!(help.err, "");
        // The first line describes the command.
        assert!(help.out.lines().next().unwrap().len() > 20, "{help:?}");
    }
    let help = run(directory.path(), &["--help"], &[]).succeeded();
    for command in COMMANDS.concat() {
        assert!(help.out.contains(command), "{command} is not in --help");
    }
}

#[test]
fn every_command_says_its_version() {
    let directory = tempfile::tempdir().unwrap();
    for command in COMMANDS {
        let arguments = [command, &["--version"]].concat();
        let version = run(directory.path(), &arguments, &[]).succeeded();
        assert!(
            version.out.starts_with("todoward"),
            "{arguments:?}: {version:?}"
        );
        let zones = TimeZone::database_version();
        let wanted = format!(" {} (time zones {zones})", env!("CARGO_PKG_VERSION"));
        assert!(version.out.trim_end().ends_with(&wanted), "{version:?}");
    }
}

#[test]
fn an_unknown_command_or_option_is_an_error_of_use() {
    let directory = tempfile::tempdir().unwrap();
    for arguments in [
        &["serv"][..],
        &["serve", "--port", "1"],
        &["token"],
        &["token", "--sub"],
    ] {
        let done = run(
            directory.path(),
            arguments,
            &[("BETTER_AUTH_SECRET", SECRET)],
        );
        assert_eq!(done.code, Some(2), "{done:?}");
        assert_eq!(done.out, "");
        assert!(done.err.contains("try '--help'"), "{done:?}");
    }
}

fn token(directory: &Path, arguments: &[&str]) -> Done {
    let arguments = [&["token"], arguments].concat();
    run(directory, &arguments, &[("BETTER_AUTH_SECRET", SECRET)])
}

async fn a_signed_token_opens_a_running_server(engine: Engine) {
    let storage = Storage::new(engine);
    let server = Server::start(storage.path(), &storage.url, &[]).await;
    let done = token(storage.path(), &["--sub", "alice"]).succeeded();
    assert_eq!(done.out.lines().count(), 1, "the token alone");
    let task = server
        .with_token(done.out.trim())
        .create(json!({ "title": "a" }))
        .await;
    assert_eq!(task["owner_id"], "alice");
    let other = run(
        storage.path(),
        &["token", "--sub", "alice"],
        &[(
            "BETTER_AUTH_SECRETS",
            "2:another secret of the tests 0123456789",
        )],
    )
    .succeeded();
    let refused = server
        .with_token(other.out.trim())
        .get("/api/v1/tasks")
        .await;
    refused.expect_problem(401, "invalid_signature");
    server.stop().await;
}

async fn migrate_says_what_it_did_and_twice_is_fine(engine: Engine) {
    let storage = Storage::new(engine);
    let variables = [("DATABASE_URL", storage.url.as_str())];
    let first = run(storage.path(), &["migrate"], &variables).succeeded();
    assert!(first.out.starts_with("migrated 0"), "{first:?}");
    let second = run(storage.path(), &["migrate"], &variables).succeeded();
    assert_eq!(second.out, "the database is up to date; nothing to do\n");
    let server = Server::start(
        storage.path(),
        &storage.url,
        &[("TODOWARD__DATABASE__MIGRATE_ON_START", "false")],
    )
    .await;
    server.user("alice").create(json!({ "title": "a" })).await;
    server.stop().await;
}

async fn several_that_migrate_at_once_do_not_collide(engine: Engine) {
    for _ in 0..5 {
        let storage = Storage::new(engine);
        let url = storage.url.as_str();
        let all: Vec<Done> = std::thread::scope(|scope| {
            let start = || {
                finish(todoward(
                    storage.path(),
                    &["migrate"],
                    [("DATABASE_URL", url)],
                ))
            };
            let threads: Vec<_> = (0..5).map(|_| scope.spawn(start)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap().succeeded())
                .collect()
        });
        let lines = all.iter().flat_map(|done| done.out.lines());
        let mut migrated: Vec<&str> = lines.filter(|line| line.starts_with("migrated ")).collect();
        let count = migrated.len();
        migrated.sort_unstable();
        migrated.dedup();
        assert_eq!(count, migrated.len(), "one was run twice: {all:?}");
        assert_eq!(count, migrations(engine), "{all:?}");
    }
}

/// How many migrations there are.
fn migrations(engine: Engine) -> usize {
    let directory = match engine {
        Engine::Sqlite => "migrations/sqlite",
        Engine::Postgres => "migrations/postgres",
    };
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    directory.read_dir().unwrap().count()
}

async fn a_healthcheck_is_0_while_ready_and_1_otherwise(engine: Engine) {
    let storage = Storage::new(engine);
    let server = Server::start(storage.path(), &storage.url, &[]).await;
    let port = server.address.port().to_string();
    let variables = [("PORT", port.as_str())];
    let ready = run(storage.path(), &["healthcheck"], &variables).succeeded();
    assert_eq!(ready.out + &ready.err, "");
    // In a container the server listens on all IP addresses.
    let everywhere = [("PORT", port.as_str()), ("HOST", "0.0.0.0")];
    run(storage.path(), &["healthcheck"], &everywhere).succeeded();
    server.stop().await;
    let gone = run(storage.path(), &["healthcheck"], &variables).failed(1);
    assert!(gone.err.contains("does not answer"), "{gone:?}");
}

#[test]
fn the_life_of_a_token_is_a_number_and_a_unit() {
    let directory = tempfile::tempdir().unwrap();
    for (expires, seconds) in [("90s", 90), ("15m", 900), ("2h", 7200), ("7d", 604_800)] {
        let made = token(directory.path(), &["--sub", "a", "--expires", expires]).succeeded();
        let said = check(directory.path(), &made.out).succeeded();
        let left = said.out.split("for another ").nth(1).unwrap();
        let left: i64 = left.split(' ').next().unwrap().parse().unwrap();
        assert!(
            (seconds - 20..=seconds).contains(&left),
            "{expires}: {said:?}"
        );
    }
    for expires in [
        "",
        "0s",
        "10",
        "-1h",
        "1w",
        "1.5h",
        "h",
        "1é",
        "36501d",
        "99999999999999999999d",
    ] {
        let expires = format!("--expires={expires}");
        let done = token(directory.path(), &["--sub", "a", &expires]);
        assert_eq!(
            (done.code, done.out.as_str()),
            (Some(2), ""),
            "{expires}: {}",
            done.err
        );
    }
}

#[test]
fn no_token_is_signed_that_the_server_would_refuse() {
    let directory = tempfile::tempdir().unwrap();
    for subject in ["", " alice", "alice ", "a\nb", &"x".repeat(256)] {
        let done = token(directory.path(), &["--sub", subject]).failed(1);
        assert!(done.err.contains("--sub"), "{done:?}");
    }
    let longest = "é".repeat(127);
    token(directory.path(), &["--sub", &longest]).succeeded();
}

#[test]
fn a_token_that_some_servers_refuse_is_signed_with_a_warning() {
    let directory = tempfile::tempdir().unwrap();
    let frontend = ("BETTER_AUTH_URL", "http://localhost:1");
    let issuers = ("TODOWARD__AUTH__ISSUERS", "a,b");
    let audiences = ("TODOWARD__AUTH__AUDIENCES", "c");
    for (set, missing) in [
        (&[][..], Some("no iss and no aud,")),
        (&[issuers], Some("no aud,")),
        (&[audiences], Some("no iss,")),
        (&[issuers, audiences], None),
        (&[frontend], None),
    ] {
        let variables = [&[("BETTER_AUTH_SECRET", SECRET)], set].concat();
        let done = run(directory.path(), &["token", "--sub", "a"], &variables).succeeded();
        assert_eq!(done.out.lines().count(), 1, "the token alone: {done:?}");
        // The verdict of check-token with the same settings.
        run_with_input(directory.path(), &["check-token"], &variables, &done.out).succeeded();
        let Some(missing) = missing else {
            assert_eq!(done.err, "", "{set:?}");
            continue;
        };
        assert_eq!(done.err.lines().count(), 1, "{done:?}");
        let warning = format!("todoward: warning: the token has {missing}");
        assert!(done.err.starts_with(&warning), "{done:?}");
        assert!(done.err.contains("BETTER_AUTH_URL"), "{done:?}");
    }
}

#[test]
fn without_a_secret_no_token_is_signed_and_the_variable_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let variables = [("BETTER_AUTH_URL", "http://localhost:1")];
    let done = run(directory.path(), &["token", "--sub", "a"], &variables).failed(78);
    assert!(done.err.contains("BETTER_AUTH_SECRET"), "{done:?}");
}

fn check(directory: &Path, input: &str) -> Done {
    let variables = [("BETTER_AUTH_SECRET", SECRET)];
    run_with_input(directory, &["check-token"], &variables, input)
}

#[test]
fn a_good_token_is_said_to_be_taken() {
    let directory = tempfile::tempdir().unwrap();
    let token = tokens::valid("alice");
    for input in [
        token.clone(),
        format!("  {token}\r\n"),
        format!("Bearer {token}\n"),
        format!("Authorization: bearer {token}\n"),
    ] {
        let done = check(directory.path(), &input).succeeded();
        assert!(
            done.out.contains("taken: the owner is \"alice\""),
            "{done:?}"
        );
        assert!(
            done.out.contains("BETTER_AUTH_SECRET"),
            "names the key: {done:?}"
        );
        assert!(!done.out.contains(&token) && !done.out.contains(SECRET));
    }
}

#[test]
fn a_bad_token_is_said_to_be_refused_and_why() {
    let directory = tempfile::tempdir().unwrap();
    let mut expired = tokens::claims("alice");
    expired["exp"] = json!(tokens::now() - 100);
    let none = tokens::sign_with_header(&json!({ "alg": "none" }), &tokens::claims("alice"));
    let mut forged = tokens::valid("alice");
    forged.replace_range(forged.len() - 8..forged.len() - 4, "AAAA");
    for (token, code) in [
        (tokens::sign(&expired), "token_expired"),
        (
            tokens::sign(&json!({ "exp": tokens::now() + 100 })),
            "invalid_claims",
        ),
        (none, "unsupported_algorithm"),
        (forged, "invalid_signature"),
        ("hello".to_owned(), "malformed_token"),
        ("x".repeat(100_000), "malformed_token"),
        ("\u{1b}[31m\u{0}".to_owned(), "malformed_token"),
    ] {
        let done = check(directory.path(), &token);
        assert_eq!(done.code, Some(1), "{done:?}");
        assert!(
            done.out.contains(&format!("refused, {code}: ")),
            "{code}: {done:?}"
        );
        assert!(!done.out.contains('\u{1b}'), "{done:?}");
    }
    check(directory.path(), " \n").failed(1);
}

#[test]
fn a_time_in_milliseconds_is_said_to_be_one() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["exp", "nbf", "iat"] {
        let mut claims = tokens::claims("alice");
        claims[name] = json!((tokens::now() + 900) * 1000);
        let done = check(directory.path(), &tokens::sign(&claims));
        assert_eq!(done.code, Some(1), "{done:?}");
        let verdict = format!(
            "verdict   refused, invalid_claims: {name} is after the year 9999 and looks like milliseconds"
        );
        assert!(done.out.contains(&verdict), "{done:?}");
    }
}

#[test]
fn a_token_of_oauth_is_said_to_be_one_and_which_scope_it_lacks() {
    let directory = tempfile::tempdir().unwrap();
    let checked = |scopes: &[(&str, &str)], scope: &str| {
        let mut claims = tokens::claims("alice");
        claims["client_id"] = json!("a program");
        claims["scope"] = json!(scope);
        let header = json!({ "alg": "HS256", "typ": "at+jwt" });
        let token = tokens::sign_with_header(&header, &claims);
        let variables = [&[("BETTER_AUTH_SECRET", SECRET)], scopes].concat();
        run_with_input(directory.path(), &["check-token"], &variables, &token)
    };
    let by_default = checked(&[], "tasks:write");
    assert_eq!(by_default.code, Some(1), "{by_default:?}");
    assert!(
        by_default
            .out
            .contains("refused, invalid_claims: this is an OAuth access token"),
        "{by_default:?}"
    );
    let scopes = [
        ("TODOWARD__AUTH__OAUTH_READ_SCOPES", "tasks:read"),
        ("TODOWARD__AUTH__OAUTH_WRITE_SCOPES", "tasks:write,tasks"),
    ];
    for (scope, line) in [
        ("tasks:write", None),
        (
            "openid tasks:read",
            Some(
                "scope     may read; to write, an OAuth access token needs one of the scopes tasks:write, tasks\n",
            ),
        ),
    ] {
        let done = checked(&scopes, scope).succeeded();
        assert!(
            done.out.contains("taken: the owner is \"alice\""),
            "{done:?}"
        );
        match line {
            Some(line) => assert!(done.out.contains(line), "{done:?}"),
            None => assert!(!done.out.contains("may read"), "{done:?}"),
        }
    }
    let done = checked(&scopes, "openid");
    assert_eq!(done.code, Some(1), "{done:?}");
    let verdict = "verdict   refused, insufficient_scope: to read, an OAuth access token needs the scope tasks:read\n";
    assert!(done.out.contains(verdict), "{done:?}");
}

#[test]
fn a_token_of_the_former_secret_is_taken_until_the_secret_is_removed() {
    let directory = tempfile::tempdir().unwrap();
    // A comma separates the secrets of the list.
    let old = SECRET.replace(',', ";");
    let token = tokens::sign_raw(
        old.as_bytes(),
        br#"{"alg":"HS256"}"#,
        tokens::claims("alice").to_string().as_bytes(),
    );
    let both = format!("2:a new secret of the tests 0123456789,1:{old}");
    let variables = [("BETTER_AUTH_SECRETS", both.as_str())];
    run_with_input(directory.path(), &["check-token"], &variables, &token).succeeded();
    let new = run(directory.path(), &["token", "--sub", "alice"], &variables).succeeded();
    let only_old = [("BETTER_AUTH_SECRET", old.as_str())];
    let done = run_with_input(directory.path(), &["check-token"], &only_old, &new.out);
    assert_eq!(done.code, Some(1), "signed with the new one: {done:?}");
    let only_new = [("BETTER_AUTH_SECRET", "a new secret of the tests 0123456789")];
    let done = run_with_input(directory.path(), &["check-token"], &only_new, &token);
    assert!(done.out.contains("refused, invalid_signature"), "{done:?}");
}

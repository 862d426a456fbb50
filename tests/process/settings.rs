//! Invalid settings are reported by name and without their value.

use std::ffi::OsStr;
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use tempfile::tempdir;

use crate::binary::{Done, finish, run, todoward};
use crate::server::environment;
use crate::support::SECRET;

/// Starts a server with one changed setting, which must be refused by name.
#[track_caller]
fn refused(name: &str, value: &str) -> Done {
    refused_with(&[(name, value)], name, value)
}

#[track_caller]
fn refused_with(variables: &[(&str, &str)], name: &str, value: &str) -> Done {
    let directory = tempdir().unwrap();
    refused_in(directory.path(), variables, name, value)
}

#[track_caller]
fn refused_in(directory: &Path, variables: &[(&str, &str)], name: &str, value: &str) -> Done {
    let done = run(directory, &[], &environment("sqlite://tasks.db", variables)).failed(78);
    let hint = done.err.strip_prefix(&format!("todoward: {name} "));
    let hint = hint.unwrap_or_else(|| panic!("does not name {name}: {}", done.err));
    assert!(hint.len() > 12, "no hint: {}", done.err);
    let value = value.trim();
    // Texts that every hint may contain.
    let harmless = value.len() < 3 || "sqlite:///".starts_with(value);
    assert!(
        harmless || !done.err.contains(value),
        "shows the value: {}",
        done.err
    );
    assert!(
        !directory.join("tasks.db").exists(),
        "began before it refused"
    );
    done
}

#[test]
fn a_secret_that_can_be_guessed_is_refused() {
    for secret in [
        "",
        "    ",
        "                                        ",
        "secret",
        "changeme",
        "your-secret-here",
        "one byte short of thirty-two byt",
        " padded to 32 bytes             ",
        "better-auth-secret-12345678901234567890",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "abcabcabcabcabcabcabcabcabcabcabcabcabcabc",
    ] {
        // The text without its last three bytes is one of 29 bytes.
        let secret = secret.strip_suffix("byt").unwrap_or(secret);
        refused("BETTER_AUTH_SECRET", secret);
    }
}

#[test]
fn a_list_of_secrets_must_be_versions_and_good_secrets() {
    for list in [
        "",
        "2:",
        ",",
        SECRET,
        "x:a fine secret that is long enough, 0123456789",
        ":a fine secret that is long enough 0123456789",
        "2:short",
        "2:a fine secret that is long enough 0123456789,1:changeme",
        "2:a fine secret that is long enough 0123456789,",
        "2:better-auth-secret-12345678901234567890",
    ] {
        refused("BETTER_AUTH_SECRETS", list);
    }
}

#[test]
fn without_any_secret_nothing_is_served() {
    let directory = tempdir().unwrap();
    for command in ["serve", "token", "check-token"] {
        let arguments: &[&str] = match command {
            "token" => &["token", "--sub", "alice"],
            other => &[other],
        };
        let done = run(directory.path(), arguments, &[("PORT", "0")]).failed(78);
        assert!(
            done.err.contains("BETTER_AUTH_SECRET is not set"),
            "{done:?}"
        );
    }
}

#[test]
fn numbers_out_of_range_are_refused() {
    for (name, values) in [
        ("PORT", &["99999", "-1", "http", "", "80 ", "8080.5"][..]),
        ("HOST", &["localhost", "", "256.0.0.1", "127.0.0.1:80", "*"]),
        ("TODOWARD__AUTH__LEEWAY", &["61", "-1", "1.5", "x", ""]),
        (
            "TODOWARD__AUTH__JWKS_TIMEOUT",
            &["0", "31", "2.5", "2s", ""],
        ),
        ("TODOWARD__DATABASE__POOL_SIZE", &["0", "-3", "1001"]),
        (
            "TODOWARD__DATABASE__ACQUIRE_TIMEOUT",
            &["0", "-2", "61", "2s"],
        ),
        ("TODOWARD__DATABASE__STATEMENT_TIMEOUT", &["0", "601"]),
        ("TODOWARD__DATABASE__PIPELINES", &["-1", "65", "many"]),
        (
            "TODOWARD__SERVER__REQUEST_TIMEOUT",
            &["0", "-15", "18446744073709551616"],
        ),
        ("TODOWARD__SERVER__SHUTDOWN_TIMEOUT", &["0", "3601"]),
        ("TODOWARD__SERVER__DRAIN_DELAY", &["-5", "601"]),
        ("TODOWARD__SERVER__BODY_LIMIT", &["0", "1e9"]),
        ("TODOWARD__SERVER__WORKERS", &["-1", "1025"]),
        ("TODOWARD__METRICS__PORT", &["65536"]),
        ("TODOWARD__RATE_LIMIT__BURST", &["-1"]),
    ] {
        for value in values {
            refused(name, value);
        }
    }
}

#[test]
fn texts_that_mean_nothing_are_refused() {
    for (name, values) in [
        ("TODOWARD__LOG__FORMAT", &["xml", "JSON", ""][..]),
        (
            "TODOWARD__CORS__ALLOWED_ORIGINS",
            &[
                "*",
                "https://shop.example.net,*",
                "https://shop.example.net/",
                "shop.example.net",
                "https://SHOP.example.net",
                "null",
                "file://",
                "file:///index.html",
                "ws://shop.example.net",
                "ionic://",
                "capacitor://localhost/",
                "Capacitor://localhost",
                "capacitor:localhost",
                "://shop",
                "1app://localhost",
                "chrome-extension://*",
            ],
        ),
        (
            "TODOWARD__CORS__ALLOWED_HEADERS",
            &[
                "*",
                "traceparent,*",
                "a b",
                "traceparent: 00",
                "\u{e9}",
                "\"x\"",
            ],
        ),
        (
            "TODOWARD__SERVER__TRUSTED_PROXIES",
            &["proxy", "10.0.0.0/33"],
        ),
        (
            "TODOWARD__AUTH__OAUTH_READ_SCOPES",
            &[
                "*",
                "tasks:read,*",
                "tasks read",
                "\"tasks\"",
                "a\\b",
                "tâches",
            ],
        ),
        ("TODOWARD__AUTH__OAUTH_WRITE_SCOPES", &["*", "tasks read"]),
        ("TODOWARD__DATABASE__PREPARED_STATEMENTS", &["yes", "1"]),
        ("TODOWARD__DATABASE__MIGRATE_ON_START", &["yes", "maybe"]),
        ("TODOWARD_ENV", &["../secrets", "a/b", "prod.toml"]),
    ] {
        for value in values {
            refused(name, value);
        }
    }
}

#[test]
fn a_variable_that_is_empty_is_said_to_be() {
    for name in [
        "BETTER_AUTH_URL",
        "JWKS_URL",
        "BETTER_AUTH_SECRET",
        "BETTER_AUTH_SECRETS",
        "DATABASE_URL",
        "PORT",
        "HOST",
        "TODOWARD__AUTH__LEEWAY",
        "TODOWARD__AUTH__ALLOW_HTTP_JWKS",
        "TODOWARD__LOG__FORMAT",
    ] {
        for value in ["", "  "] {
            let done = refused(name, value);
            assert_eq!(
                done.err,
                format!("todoward: {name} is empty: set it, or leave it out\n")
            );
        }
    }
    // An empty list is valid.
    let directory = tempdir().unwrap();
    for name in [
        "TODOWARD__AUTH__ISSUERS",
        "TODOWARD__AUTH__OAUTH_READ_SCOPES",
        "TODOWARD__CORS__ALLOWED_ORIGINS",
    ] {
        let variables = [("BETTER_AUTH_SECRET", SECRET), (name, "")];
        run(directory.path(), &["token", "--sub", "alice"], &variables).succeeded();
    }
}

#[test]
fn what_could_never_match_or_be_fetched_is_refused() {
    for name in ["TODOWARD__AUTH__ISSUERS", "TODOWARD__AUTH__AUDIENCES"] {
        for value in [
            "*",
            "https://*.example.net",
            "https://app.example.net,*",
            "https://app.example.net, https://*.example.net",
        ] {
            let done = refused(name, value);
            assert!(done.err.contains("* stands for nothing else"), "{done:?}");
        }
    }
    let url = ("BETTER_AUTH_URL", "https://app.example.net");
    for two in [
        "https://one.example.net/jwks,https://two.example.net/jwks",
        "https://one.example.net/jwks, https://two.example.net/jwks",
        "https://one.example.net/jwks https://two.example.net/jwks",
        "https://one.example.net/jwks;http://two.example.net/jwks",
    ] {
        let done = refused_with(&[url, ("JWKS_URL", two)], "JWKS_URL", two);
        assert!(done.err.contains("one URL"), "{done:?}");
        refused("BETTER_AUTH_URL", two);
    }
}

#[test]
fn a_bad_database_url_is_refused_without_its_password() {
    for url in [
        "",
        "tasks.db",
        "sqlite:tasks.db",
        "sqlite://",
        "sqlite:///",
        "mysql://root:hunter2hunter2@127.0.0.1/tasks",
        "postgre://todoward:hunter2hunter2@127.0.0.1/tasks",
        "postgres:/todoward:hunter2hunter2@127.0.0.1/tasks",
        // libpq would quote these in its message, entirely or in part.
        "postgres://todoward:hunter2%zzhunter2@127.0.0.1/tasks",
        "postgres://todoward:hunter2/hunter2@127.0.0.1/tasks",
        "postgres://todoward:hunter2?hunter2@127.0.0.1/tasks",
        "postgres://todoward:hunter2#hunter2@127.0.0.1/tasks",
        "postgres://todoward:hunter2@hunter2@127.0.0.1/tasks",
        "postgres://todoward:hunter2 hunter2@127.0.0.1/tasks",
        "postgres://todoward:hunter2@127.0.0.1:port/tasks",
        "postgres://todoward:hunter2@[::1/tasks",
        "postgres://todoward:hunter2@127.0.0.1/tasks?sslmode",
    ] {
        let done = refused("DATABASE_URL", url);
        assert!(!done.err.contains("hunter2"), "{}", done.err);
    }
}

#[test]
fn an_unknown_setting_is_refused_by_name() {
    for name in [
        "TODOWARD__SERVER__PROT",
        "TODOWARD__SERVER",
        "TODOWARD__SERVER__PORT__EXTRA",
        "TODOWARD__AUTH__SECRET",
        "TODOWARD__SERVRE__PORT",
        "TODOWARD__PORT",
    ] {
        refused(name, "a canary value");
    }
    for name in [
        "TODOWARD__",
        "TODOWARD__SERVER__",
        "TODOWARD__[0]",
        "TODOWARD__A-B",
    ] {
        let directory = tempdir().unwrap();
        let variables = environment("sqlite://tasks.db", &[(name, "a canary value")]);
        let done = run(directory.path(), &[], &variables).failed(78);
        assert!(done.err.contains("TODOWARD__"), "{done:?}");
        assert!(!done.err.contains("canary"), "{done:?}");
    }
}

#[test]
fn a_variable_that_is_not_utf_8_is_refused() {
    let directory = tempdir().unwrap();
    let bytes = OsStr::from_bytes(b"canary \xff\xfe canary canary canary canary");
    for name in [
        "BETTER_AUTH_SECRET",
        "DATABASE_URL",
        "TODOWARD__LOG__FORMAT",
        "TODOWARD_ENV",
    ] {
        let mut command = todoward(directory.path(), &[], environment("sqlite://tasks.db", &[]));
        command.env(name, bytes);
        let done = finish(command).failed(78);
        assert!(
            done.err.contains(&format!("{name} must be UTF-8")),
            "{done:?}"
        );
        assert!(!done.err.contains("canary"), "{done:?}");
    }
    let mut command = todoward(directory.path(), &[], environment("sqlite://tasks.db", &[]));
    command.env(OsStr::from_bytes(b"TODOWARD__SERVER__\xff"), "1");
    finish(command).failed(78);
    // Other programs' variables may have any value.
    let mut command = todoward(
        directory.path(),
        &["migrate"],
        environment("sqlite://tasks.db", &[]),
    );
    command.env("SOMETHING_ELSE", bytes);
    finish(command).succeeded();
}

#[test]
fn a_file_with_an_unknown_key_or_a_mistake_is_refused() {
    for (content, name) in [
        ("[server]\nprot = 1", "TODOWARD__SERVER__PROT"),
        ("[auth]\nsecret = \"canary\"", "TODOWARD__AUTH__SECRET"),
        ("canary", "config/stage.toml"),
        ("[server]\nport = \"canary\"", "TODOWARD__SERVER__PORT"),
        ("[auth]\nleeway = 61", "TODOWARD__AUTH__LEEWAY"),
    ] {
        let directory = tempdir().unwrap();
        std::fs::create_dir(directory.path().join("config")).unwrap();
        std::fs::write(directory.path().join("config/stage.toml"), content).unwrap();
        // PORT would override the file.
        let variables = [
            ("BETTER_AUTH_SECRET", SECRET),
            ("TODOWARD_ENV", "stage"),
            ("TODOWARD__METRICS__PORT", "0"),
        ];
        let done = run(directory.path(), &[], &variables).failed(78);
        assert!(
            done.err.starts_with(&format!("todoward: {name} ")),
            "{done:?}"
        );
        assert!(!done.err.contains("canary"), "{done:?}");
    }
}

#[test]
fn where_it_cannot_listen_is_said_with_the_setting_and_exit_code_1() {
    let directory = tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    for command in ["serve", "dev"] {
        for (name, value, address, hint) in [
            (
                "PORT",
                &*port,
                &*format!("127.0.0.1:{port}"),
                "set PORT to another port",
            ),
            // An IP address for documentation (RFC 5737) belongs to no machine.
            (
                "HOST",
                "192.0.2.1",
                "192.0.2.1:0",
                "set HOST to an IP address of this machine",
            ),
        ] {
            let variables = environment("sqlite://tasks.db", &[(name, value)]);
            let done = run(directory.path(), &[command], &variables).failed(1);
            assert!(done.err.contains(address), "{done:?}");
            assert!(done.err.contains(hint), "{done:?}");
        }
    }
}

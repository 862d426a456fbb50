//! Files, by the binary: the commands of an operator, moving from another backend, kills.

use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::binary::{Done, SOON, run, run_with_input};
use crate::server::{Server, eventually};
use crate::storage::Storage;
use crate::support::{Engine, block_on, on_both_databases};

on_both_databases! {
    an_operator_exports_a_user_and_imports_it_for_another_one,
    a_bad_file_is_named_and_nothing_is_imported,
    a_table_of_another_backend_is_moved_by_sql,
    kill_9_during_an_import_has_imported_all_or_nothing,
    an_export_that_is_under_way_ends_before_the_server_stops,
    a_progress_bar_is_on_a_terminal_and_never_in_the_file,
}

const NDJSON: &str = "application/x-ndjson";

fn command(storage: &Storage, arguments: &[&str]) -> Done {
    let variables = [("DATABASE_URL", storage.url.as_str())];
    run(storage.path(), arguments, &variables)
}

fn export(storage: &Storage, owner: &str) -> String {
    let done = command(storage, &["export", "--owner", owner]).succeeded();
    assert_eq!(done.err, "");
    done.out
}

async fn an_operator_exports_a_user_and_imports_it_for_another_one(engine: Engine) {
    let storage = Storage::new(engine);
    let server = Server::start(storage.path(), &storage.url, &[]).await;
    let alice = server.user("alice");
    let task = alice
        .create(json!({ "title": "Äpfel", "tags": ["home"] }))
        .await;
    alice
        .create(json!({ "title": "below", "parent_id": task["id"] }))
        .await;
    let path = alice.create_path("in the trash").await;
    alice.delete(&path).await.expect(204);
    server.stop().await;

    let file = export(&storage, "alice");
    assert_eq!(file.lines().count(), 3);
    let of_owner = command(&storage, &["owner", "export", "alice"]).succeeded();
    assert_eq!(of_owner.out, file);
    let name = storage.path().join("alice.ndjson");
    std::fs::write(&name, &file).unwrap();
    let name = name.to_str().unwrap();
    let import = ["import", name, "--owner", "bob"];
    let dry = command(&storage, &[&import[..], &["--dry-run"]].concat()).succeeded();
    assert!(
        dry.out
            .starts_with("3 tasks and 0 lists would be imported;"),
        "{dry:?}"
    );
    assert_eq!(export(&storage, "bob"), "");
    let done = command(&storage, &import).succeeded();
    assert_eq!(
        done.out,
        "3 tasks and 0 lists imported; 0 tasks and 0 lists were there already\n"
    );
    assert_eq!(done.err, "");
    assert_eq!(
        export(&storage, "bob").replace("\"bob\"", "\"alice\""),
        file
    );
    let again = command(&storage, &import).succeeded();
    assert_eq!(
        again.out,
        "0 tasks and 0 lists imported; 3 tasks and 0 lists were there already\n"
    );
    let csv = command(&storage, &["export", "--owner", "bob", "--format", "csv"]).succeeded();
    assert!(
        csv.out.contains("Äpfel") && !csv.out.contains("in the trash"),
        "{csv:?}"
    );

    // Whoever follows the changes of the user sees what an operator has imported.
    let server = Server::start(storage.path(), &storage.url, &[]).await;
    let changes = server
        .user("bob")
        .get("/api/v1/changes")
        .await
        .expect(200)
        .json();
    assert_eq!(changes["tasks"].as_array().unwrap().len(), 3);
    server.stop().await;
}

async fn a_bad_file_is_named_and_nothing_is_imported(engine: Engine) {
    let storage = Storage::new(engine);
    command(&storage, &["migrate"]).succeeded();
    let variables = [("DATABASE_URL", storage.url.as_str())];
    let good = "{\"task\":{\"title\":\"good\"}}\n";
    for (arguments, input, say) in [
        (
            &["--format", "ndjson"][..],
            format!("{good}{{}}\n"),
            "-, line 2: must be",
        ),
        (&[], good.to_owned(), "does not say its format"),
        (&["--format", "icalendar"], good.to_owned(), "line 1: "),
        (&["--format", "csv"], "\u{1}".to_owned(), "line 1: "),
    ] {
        let import = [&["import", "-", "--owner", "alice"], arguments].concat();
        let done = run_with_input(storage.path(), &import, &variables, &input).failed(1);
        assert!(done.err.contains(say), "{done:?}");
    }
    for (arguments, say) in [
        (
            &["import", "nowhere.ndjson", "--owner", "alice"][..],
            "nowhere.ndjson: ",
        ),
        (
            &["import", ".", "--owner", "alice", "--format", "csv"],
            "directory",
        ),
        (
            &["import", "-", "--owner", " alice", "--format", "csv"],
            "the owner must be the sub",
        ),
        (&["export", "--owner", ""], "the owner must be the sub"),
    ] {
        let done = command(&storage, arguments).failed(1);
        assert!(done.err.contains(say), "{done:?}");
    }
    for arguments in [
        &["import", "-", "--owner", "alice", "--format", "xml"][..],
        &["export", "--owner", "alice", "--format", "google"],
        &["import", "-"],
        &["export"],
    ] {
        let done = command(&storage, arguments);
        assert_eq!((done.code, done.out.as_str()), (Some(2), ""), "{done:?}");
    }
    let file = "BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\nUID:a\r\nSUMMARY:Call\r\nX-NOBODY-KNOWS:1\r\nEND:VTODO\r\nEND:VCALENDAR\r\n";
    let import = ["import", "-", "--owner", "alice", "--format", "icalendar"];
    let done = run_with_input(storage.path(), &import, &variables, file).succeeded();
    assert!(done.err.contains("\"Call\": X-NOBODY-KNOWS"), "{done:?}");
    assert_eq!(export(&storage, "alice").lines().count(), 1);
}

#[test]
fn on_sqlite_a_command_is_refused_while_a_server_has_the_file() {
    block_on(async {
        let storage = Storage::new(Engine::Sqlite);
        let server = Server::start(storage.path(), &storage.url, &[]).await;
        server.user("alice").create_path("served").await;
        let variables = [("DATABASE_URL", storage.url.as_str())];
        let import = ["import", "-", "--owner", "alice", "--format", "todotxt"];
        let done = run_with_input(storage.path(), &import, &variables, "late\n").failed(1);
        assert!(done.err.contains("stop the server first"), "{done:?}");
        for arguments in [
            &["export", "--owner", "alice"][..],
            &["owner", "export", "alice"],
        ] {
            let done = command(&storage, arguments).failed(1);
            assert!(done.err.contains("stop the server first"), "{done:?}");
        }
        assert_eq!(server.user("alice").titles("").await, ["served"]);
        server.stop().await;
        assert_eq!(export(&storage, "alice").lines().count(), 1);
    });
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = diesel::sql_types::Text)]
    line: String,
}

/// The SQL of a recipe in the documentation.
fn recipe(name: &str) -> String {
    let document = include_str!("../../docs/OPERATIONS.md");
    let mark = format!("<!-- recipe: {name} -->\n```sql\n");
    let (_, rest) = document.split_once(&mark).unwrap();
    rest.split_once("\n```").unwrap().0.to_owned()
}

/// What a recipe makes of a table as SQLModel creates it.
fn lines_of_old_backend(engine: Engine, storage: &Storage) -> Vec<String> {
    let (create, name) = match engine {
        Engine::Sqlite => (
            "CREATE TABLE tasks (id INTEGER NOT NULL PRIMARY KEY, user_id VARCHAR NOT NULL, title VARCHAR NOT NULL, \
             description VARCHAR, is_completed BOOLEAN NOT NULL, created_at DATETIME NOT NULL, updated_at DATETIME NOT NULL)",
            "moving sqlite",
        ),
        Engine::Postgres => (
            "CREATE TABLE old.tasks (id SERIAL PRIMARY KEY, user_id VARCHAR NOT NULL, title VARCHAR NOT NULL, \
             description VARCHAR, is_completed BOOLEAN NOT NULL, created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL)",
            "moving postgres",
        ),
    };
    let rows = "INSERT INTO tasks VALUES \
        (1, 'alice', 'Buy \"milk\"', NULL, false, '2024-01-02 03:04:05.678901', '2024-01-02 03:04:05.678901'), \
        (2, 'alice', 'Zürich', 'two\nlines', true, '2024-02-03 04:05:06', '2024-03-04 05:06:07.5'), \
        (3, 'bob', 'not hers', NULL, false, '2024-01-01 00:00:00', '2024-01-01 00:00:00')";
    let select = format!("SELECT line FROM ({}) AS it (line)", recipe(name));
    let lines: Vec<Line> = match engine {
        Engine::Sqlite => {
            let mut old = SqliteConnection::establish(":memory:").unwrap();
            for statement in [create, rows] {
                diesel::sql_query(statement).execute(&mut old).unwrap();
            }
            let select = format!("WITH it (line) AS ({}) SELECT line FROM it", recipe(name));
            diesel::sql_query(select).load(&mut old).unwrap()
        }
        Engine::Postgres => {
            let mut old = PgConnection::establish(&storage.url).unwrap();
            for statement in ["CREATE SCHEMA old", create, "SET search_path = old", rows] {
                diesel::sql_query(statement).execute(&mut old).unwrap();
            }
            diesel::sql_query(select).load(&mut old).unwrap()
        }
    };
    lines.into_iter().map(|line| line.line).collect()
}

async fn a_table_of_another_backend_is_moved_by_sql(engine: Engine) {
    let storage = Storage::new(engine);
    command(&storage, &["migrate"]).succeeded();
    let file = lines_of_old_backend(engine, &storage).join("\n");
    let variables = [("DATABASE_URL", storage.url.as_str())];
    let import = ["import", "-", "--owner", "alice", "--format", "ndjson"];
    for (new, old) in [(2, 0), (0, 2)] {
        let done = run_with_input(storage.path(), &import, &variables, &file).succeeded();
        assert_eq!(
            (done.out, done.err),
            (
                format!(
                    "{new} tasks and 0 lists imported; {old} tasks and 0 lists were there already\n"
                ),
                String::new(),
            )
        );
    }
    let lines = export(&storage, "alice");
    let tasks: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let [first, second] = [&tasks[0]["task"], &tasks[1]["task"]];
    assert_eq!(first["title"], "Buy \"milk\"");
    assert_eq!(first["completed"], false);
    assert_eq!(
        first["created_at"].as_str().unwrap()[..20],
        *"2024-01-02T03:04:05."
    );
    assert_eq!(second["title"], "Zürich");
    assert_eq!(second["description"], "two\nlines");
    assert_eq!(second["completed"], true);
    assert_eq!(second["completed_at"], "2024-03-04T05:06:07.500Z");
    assert_eq!(second["updated_at"], "2024-03-04T05:06:07.500Z");
}

async fn kill_9_during_an_import_has_imported_all_or_nothing(engine: Engine) {
    const TASKS: usize = 5000;
    let storage = Storage::new(engine);
    let line = |number| format!("{{\"task\":{{\"title\":\"task {number}\"}}}}\n");
    let file: String = (0..TASKS).map(line).collect();
    let mut cut = 0;
    for round in 0..8_u64 {
        let server = Server::start(storage.path(), &storage.url, &[]).await;
        let owner = format!("round {round}");
        let client = server.user(&owner);
        let request = client
            .request("POST", "/api/v1/import")
            .body(NDJSON, file.as_str());
        let import = actix_rt::spawn(request.try_send());
        // At another point of the work each time.
        tokio::time::sleep(Duration::from_millis(40 + 90 * round)).await;
        let is_done = import.is_finished();
        server.kill();
        let answered = import
            .await
            .unwrap()
            .is_ok_and(|response| response.status == 200);
        let server = Server::start(storage.path(), &storage.url, &[]).await;
        let client = server.user(&owner);
        let count = eventually("it can be counted", SOON, async || {
            let count = client.get("/api/v1/tasks/count").await;
            (count.status == 200).then(|| count.json()["count"].as_u64().unwrap() as usize)
        })
        .await;
        assert!(
            count == TASKS || count == 0 && !answered,
            "{count} {answered} {is_done}"
        );
        cut += usize::from(count == 0);
        let again = client
            .request("POST", "/api/v1/import")
            .body(NDJSON, file.as_str());
        let again = again.send().await.expect(200).json();
        assert_eq!(again["created"]["tasks"], TASKS - count, "{again}");
        server.stop().await;
    }
    println!("{engine:?}: {cut} of 8 imports were cut off, and none was half done");
}

/// A user with more than what fits between a server and a client that does not read.
fn large_file(tasks: usize) -> String {
    let text = "x".repeat(4000);
    let task = |number| json!({ "task": { "title": format!("{number}"), "description": text } });
    (0..tasks)
        .map(|number| format!("{}\n", task(number)))
        .collect()
}

async fn an_export_that_is_under_way_ends_before_the_server_stops(engine: Engine) {
    use std::io::{Read as _, Write as _};
    const TASKS: usize = 4000;
    let storage = Storage::new(engine);
    let mut server = Server::start(storage.path(), &storage.url, &[]).await;
    let import = server.user("alice").request("POST", "/api/v1/import");
    import
        .body(NDJSON, large_file(TASKS))
        .send()
        .await
        .expect(200);
    let mut connection = std::net::TcpStream::connect(server.address).unwrap();
    connection.set_read_timeout(Some(SOON)).unwrap();
    let head = crate::support::raw::head("alice", "GET /api/v1/export", "");
    connection.write_all(head.as_bytes()).unwrap();
    let mut file = vec![0; 1000];
    connection.read_exact(&mut file).unwrap();
    server.signal("TERM");
    eventually("nobody else is let in", SOON, async || {
        std::net::TcpStream::connect(server.address).err()
    })
    .await;
    connection.read_to_end(&mut file).unwrap();
    let file = String::from_utf8(file).unwrap();
    assert!(file.ends_with("\r\n0\r\n\r\n"), "it ends early");
    assert_eq!(file.matches("\"title\":").count(), TASKS);
    assert_eq!(server.ends(SOON).await.code(), Some(0));
}

async fn a_progress_bar_is_on_a_terminal_and_never_in_the_file(engine: Engine) {
    const TASKS: usize = 2000;
    let storage = Storage::new(engine);
    command(&storage, &["migrate"]).succeeded();
    std::fs::write(storage.path().join("in.ndjson"), large_file(TASKS)).unwrap();
    // script gives its command a terminal, and copies what that shows.
    let on_terminal = |arguments: &str| {
        let binary = env!("CARGO_BIN_EXE_todoward");
        let shell = format!("'{binary}' {arguments}");
        let mut command = std::process::Command::new("script");
        command.args(["-qec", &shell, "/dev/null"]);
        command
            .env("DATABASE_URL", &storage.url)
            .env("TERM", "xterm");
        command.env("SHELL", "/bin/sh").current_dir(storage.path());
        command
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        crate::binary::finish(command).succeeded().out
    };
    let shown = on_terminal("import in.ndjson --owner alice > done.txt");
    assert!(shown.contains("of 2,000"), "{shown:?}");
    let done = std::fs::read_to_string(storage.path().join("done.txt")).unwrap();
    assert_eq!(
        done,
        "2000 tasks and 0 lists imported; 0 tasks and 0 lists were there already\n"
    );
    let shown = on_terminal("export --owner alice > out.ndjson");
    assert!(shown.contains('\u{1b}'), "{shown:?}");
    let file = std::fs::read_to_string(storage.path().join("out.ndjson")).unwrap();
    assert_eq!(file, export(&storage, "alice"));
    assert_eq!(file.lines().count(), TASKS);
}

/// On SQLite alone: a debug build takes a quarter of a minute for so many rows on PostgreSQL,
/// and what limits their number is before any database.
#[test]
fn a_command_imports_and_exports_more_than_a_request_may() {
    const TASKS: usize = 50_010;
    block_on(async {
        let storage = Storage::new(Engine::Sqlite);
        command(&storage, &["migrate"]).succeeded();
        let line = |number| format!("{{\"task\":{{\"title\":\"task {number:06}\"}}}}\n");
        let file: String = (0..TASKS).map(line).collect();
        let name = storage.path().join("large.ndjson");
        std::fs::write(&name, &file).unwrap();
        let import = ["import", name.to_str().unwrap(), "--owner", "alice"];
        let done = command(&storage, &import).succeeded();
        assert_eq!(
            done.out,
            format!("{TASKS} tasks and 0 lists imported; 0 tasks and 0 lists were there already\n")
        );
        let exported = export(&storage, "alice");
        let titles = exported.lines().map(|line| {
            let (_, rest) = line.split_once("\"title\":\"").unwrap();
            rest.split_once('"').unwrap().0
        });
        let mut titles: Vec<&str> = titles.collect();
        titles.sort_unstable();
        let wanted = file.lines().map(|line| &line[18..29]);
        assert!(titles.into_iter().eq(wanted), "{}", &exported[..1000]);

        let server = Server::start(storage.path(), &storage.url, &[]).await;
        let import = server.user("bob").request("POST", "/api/v1/import");
        let refused = import.body(NDJSON, file).send().await.expect(422).json();
        assert_eq!(refused["line"], 50_001, "{refused}");
        server.stop().await;
    });
}

#[test]
fn an_operator_imports_for_longer_than_a_statement_of_a_request_may_take_on_postgresql() {
    block_on(async {
        let storage = Storage::new(Engine::Postgres);
        let variables = [
            ("DATABASE_URL", storage.url.as_str()),
            ("TODOWARD__DATABASE__STATEMENT_TIMEOUT", "1"),
        ];
        run(storage.path(), &["migrate"], &variables).succeeded();
        let mut database = PgConnection::establish(&storage.url).unwrap();
        let slow = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS \
                    'BEGIN PERFORM pg_sleep(0.5); RETURN NEW; END'; \
                    CREATE TRIGGER slow BEFORE INSERT ON tasks FOR EACH ROW EXECUTE FUNCTION slow()";
        database.batch_execute(slow).unwrap();
        let import = ["import", "-", "--owner", "alice", "--format", "todotxt"];
        let done = run_with_input(storage.path(), &import, &variables, "one\ntwo\nthree\n");
        assert!(done.succeeded().out.starts_with("3 tasks"));
    });
}

//! Random writes of every kind, for clients that follow them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::folding::Database;
use crate::server::Server;
use crate::support::tokens::{claims, sign};
use crate::support::{Client, Response};

/// Alice adopts what the guest has, again and again.
pub const OWNERS: [&str; 2] = ["alice", "guest"];

/// As if the trash had been filled long ago.
pub const LONG_AGO: &str = "2020-02-03 04:05:06.789";

/// How many tasks there are before many are ended at once.
const MANY: usize = 150;

/// A number below `end`, different each time.
pub fn random(end: usize) -> usize {
    (uuid::Uuid::now_v7().as_u128() % end as u128) as usize
}

/// The writes of all writers, of a server's life or more.
#[derive(Default)]
pub struct Writes {
    /// Tasks that are there, or were.
    pub ids: RefCell<Vec<String>>,
    number: Cell<usize>,
    /// How many of each kind have succeeded.
    pub done: RefCell<BTreeMap<&'static str, usize>>,
}

/// A request, as an operation of a batch or on its own.
struct Write {
    method: &'static str,
    /// Below `/api/v1`.
    path: String,
    header: Option<(&'static str, String)>,
    body: Body,
}

enum Body {
    None,
    Json(Value),
    File(&'static str, String),
}

impl Write {
    fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            header: None,
            body: Body::None,
        }
    }

    fn json(method: &'static str, path: impl Into<String>, body: Value) -> Self {
        Self {
            body: Body::Json(body),
            ..Self::new(method, path)
        }
    }

    /// As it creates something with an id of the client's.
    fn put(path: String, body: Value) -> Self {
        Self {
            header: Some(("If-None-Match", "*".to_owned())),
            ..Self::json("PUT", path, body)
        }
    }

    fn operation(self) -> Value {
        let mut operation = json!({ "method": self.method, "path": self.path });
        if let Some((name, value)) = self.header {
            operation["headers"] = json!({ name: value });
        }
        if let Body::Json(body) = self.body {
            operation["body"] = body;
        }
        operation
    }

    async fn send(self, client: &Client) -> Result<Response, reqwest::Error> {
        let mut request = client.request(self.method, &format!("/api/v1{}", self.path));
        if let Some((name, value)) = self.header {
            request = request.header(name, value);
        }
        request = match self.body {
            Body::None => request,
            Body::Json(body) => request.json(&body),
            Body::File(content_type, file) => request.body(content_type, file),
        };
        request.try_send().await
    }
}

impl Writes {
    /// How many have succeeded.
    pub fn count(&self) -> usize {
        self.done.borrow().values().sum()
    }

    pub fn note(&self, kind: &'static str) {
        *self.done.borrow_mut().entry(kind).or_default() += 1;
    }

    pub fn any_id(&self) -> String {
        let ids = self.ids.borrow();
        let id = (!ids.is_empty()).then(|| ids[random(ids.len())].clone());
        id.unwrap_or_else(|| uuid::Uuid::now_v7().to_string())
    }

    fn next_number(&self) -> usize {
        self.number.replace(self.number.get() + 1)
    }

    /// One random write of any kind. None if the server is away.
    pub async fn write(&self, server: &Server) -> Option<Response> {
        let owner = OWNERS[usize::from(random(4) == 0)];
        let (kind, write) = match random(20) {
            0 => ("atomic batch", self.batch(true)),
            1 => ("batch", self.batch(false)),
            2 if self.ids.borrow().len() > MANY => ("batch of ends", self.end_many()),
            2 | 3 => ("import of JSON lines", self.json_lines()),
            4 => ("import of todo.txt", self.todo_txt()),
            5 if owner == "alice" => ("adoption", adoption()),
            5 if random(4) == 0 => ("erasure", Write::new("DELETE", "/users/guest")),
            6 => self.of_all(),
            7 => self.of_lists(),
            _ => self.of_a_task(),
        };
        let response = write.send(&server.user(owner)).await.ok()?;
        if response.status < 300 {
            self.note(kind);
            self.remember(&response);
        }
        Some(response)
    }

    /// Tasks that were created, alone or in a batch.
    fn remember(&self, response: &Response) {
        if response.body.is_empty() {
            return;
        }
        let body = response.json();
        let results = body["results"].as_array();
        let rows = results.map_or_else(
            || vec![&body],
            |results| results.iter().map(|result| &result["body"]).collect(),
        );
        for row in rows {
            let is_new = row["title"].is_string() && row["version"] == 1;
            if let (true, Some(id)) = (is_new, row["id"].as_str()) {
                self.ids.borrow_mut().push(id.to_owned());
            }
        }
    }

    fn of_a_task(&self) -> (&'static str, Write) {
        let number = self.next_number();
        let path = format!("/tasks/{}", self.any_id());
        match random(13) {
            0 | 1 => {
                let body = json!({ "title": format!("task {number}"), "tags": ["a"] });
                ("create", Write::json("POST", "/tasks", body))
            }
            2 => {
                let body = json!({
                    "title": format!("daily {number}"),
                    "due_date": "2026-01-01",
                    "recurrence": { "rule": "FREQ=DAILY" },
                });
                ("create with a rule", Write::json("POST", "/tasks", body))
            }
            3 => {
                let body =
                    json!({ "title": format!("below {number}"), "parent_id": self.any_id() });
                ("create below", Write::json("POST", "/tasks", body))
            }
            4 => {
                let path = format!("/tasks/{}", uuid::Uuid::now_v7());
                let body = json!({ "title": format!("offline {number}") });
                ("create by PUT", Write::put(path, body))
            }
            5 => {
                let body = json!({ "title": format!("{number}"), "tags": ["a", "c"] });
                ("change", Write::json("PATCH", path, body))
            }
            6 | 7 => ("complete", Write::new("PATCH", path + "/complete")),
            8 => {
                let body = match random(3) {
                    0 => json!({ "first": true }),
                    1 => json!({ "list_id": list_id() }),
                    _ => json!({ "parent_id": self.any_id() }),
                };
                ("move", Write::json("POST", path + "/move", body))
            }
            9 => ("delete", Write::new("DELETE", path)),
            10 => ("end", Write::new("DELETE", path + "?permanent=true")),
            _ => ("restore", Write::new("POST", path + "/restore")),
        }
    }

    fn of_all(&self) -> (&'static str, Write) {
        let (from, to) = [("a", "b"), ("b", "a"), ("imported", "a")][random(3)];
        match random(6) {
            0..3 => {
                let path = format!("/tags?name={from}");
                let write = Write::json("PATCH", path, json!({ "name": to }));
                ("rename of a tag", write)
            }
            3 => ("end of a tag", Write::new("DELETE", "/tags?name=c")),
            4 => {
                let write = Write::new("DELETE", "/tasks?completed=true");
                ("clear", write)
            }
            _ => {
                let write = Write::new("DELETE", "/tasks?trash=true");
                ("end of the trash", write)
            }
        }
    }

    fn of_lists(&self) -> (&'static str, Write) {
        let path = format!("/lists/{}", list_id());
        let name = json!({ "name": format!("list {}", self.next_number()) });
        match random(7) {
            0 | 1 => ("list by PUT", Write::put(path, name)),
            2 => ("change of a list", Write::json("PATCH", path, name)),
            3 => {
                let first = json!({ "first": true });
                ("move of a list", Write::json("POST", path + "/move", first))
            }
            4 => ("delete of a list", Write::new("DELETE", path)),
            5 => {
                let write = Write::new("DELETE", path + "?permanent=true");
                ("end of a list", write)
            }
            _ => {
                let write = Write::new("POST", path + "/restore");
                ("restore of a list", write)
            }
        }
    }

    fn batch(&self, atomic: bool) -> Write {
        let operations: Vec<Value> = (0..2 + random(4))
            .map(|_| match random(4) {
                0 => self.of_lists().1.operation(),
                _ => self.of_a_task().1.operation(),
            })
            .collect();
        let body = json!({ "atomic": atomic, "operations": operations });
        Write::json("POST", "/batch", body)
    }

    /// Keeps a long run from growing without end.
    fn end_many(&self) -> Write {
        let mut ids = self.ids.borrow_mut();
        let operations: Vec<Value> = (0..100)
            .map(|_| {
                let last = ids.len() - 1;
                ids.swap(random(last), last);
                let id = ids.pop().unwrap_or_default();
                Write::new("DELETE", format!("/tasks/{id}?permanent=true")).operation()
            })
            .collect();
        let body = json!({ "atomic": false, "operations": operations });
        Write::json("POST", "/batch", body)
    }

    /// Some that are new, and one that may be there or have been.
    fn json_lines(&self) -> Write {
        let number = self.next_number();
        let list = list_id();
        let task = |task: Value| json!({ "task": task }).to_string();
        let parent = uuid::Uuid::now_v7().to_string();
        let lines = [
            json!({ "list": { "id": list, "name": "imported" } }).to_string(),
            task(json!({ "title": format!("line {number}"), "tags": ["imported"] })),
            task(json!({ "id": parent, "title": "in a list", "list_id": list })),
            task(json!({ "title": "below it", "list_id": list, "parent_id": parent })),
            task(json!({ "id": self.any_id(), "title": "there or not" })),
        ];
        Write {
            body: Body::File("application/x-ndjson", lines.join("\n")),
            ..Write::new("POST", "/import")
        }
    }

    fn todo_txt(&self) -> Write {
        let number = self.next_number();
        let file = format!(
            "(A) seldom {} +list{} @imported due:2026-01-02 rec:1m\n\
             x 2026-01-02 2026-01-01 done {number}\n",
            random(10),
            random(3)
        );
        Write {
            body: Body::File("text/plain", file),
            ..Write::new("POST", "/import")
        }
    }
}

/// One of three ids, which both owners use.
fn list_id() -> String {
    format!("00000000-0000-7000-8000-00000000000{}", random(3))
}

fn adoption() -> Write {
    let mut guest = claims("guest");
    guest["isAnonymous"] = json!(true);
    let token = format!("Bearer {}", sign(&guest));
    Write {
        header: Some(("X-Adopt-Authorization", token)),
        ..Write::new("POST", "/users/me/adopt")
    }
}

/// Another program's transaction: a task that is new, and a task that is changed. Dropped, it is
/// rolled back.
pub struct LateCommit(Database);

impl LateCommit {
    pub fn begin(mut database: Database, owner: &str, changed: &str) -> diesel::QueryResult<Self> {
        let (begin, id, changed) = match database {
            Database::Sqlite(_) => (
                "BEGIN IMMEDIATE",
                "randomblob(16)".to_owned(),
                format!("x'{}'", changed.replace('-', "")),
            ),
            Database::Postgres(_) => (
                "BEGIN; SET LOCAL lock_timeout = '2s'",
                format!("'{}'", uuid::Uuid::now_v7()),
                format!("'{changed}'"),
            ),
        };
        database.try_execute(&format!(
            "{begin}; \
             INSERT INTO tasks (owner_id, id, change, title, title_lower, completed, priority, \
             tags, version, updated_at) VALUES ('{owner}', {id}, 0, 'late', 'late', false, 0, \
             '[]', 1, '2026-01-02 03:04:05.678'); \
             UPDATE tasks SET change = 0, title = 'late', title_lower = 'late', \
             version = version + 1 WHERE owner_id = '{owner}' AND id = {changed}"
        ))?;
        Ok(Self(database))
    }

    pub fn commit(mut self) -> diesel::QueryResult<()> {
        self.0.try_execute("COMMIT")
    }
}

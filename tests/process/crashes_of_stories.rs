//! The process is killed while tasks are created in batches, completed, moved, deleted,
//! restored and imported: what was acknowledged is stored, once, and followed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Value, json};

use crate::binary::SOON;
use crate::following_writes::random;
use crate::server::{Server, eventually};
use crate::storage::Storage;
use crate::support::copy::{Copy, everything};
use crate::support::{Client, Engine, on_both_databases};

on_both_databases! {
    kill_9_within_any_story_loses_and_doubles_nothing,
}

const WRITERS: usize = 6;

/// The title of a task that was there before.
const FIRST: &str = "first";

/// How often the process is killed; CRASH_ROUNDS for longer.
fn rounds() -> usize {
    let rounds = std::env::var("CRASH_ROUNDS").ok();
    rounds.map_or(5, |rounds| rounds.parse().unwrap())
}

/// What happens to the tasks of one title, request by request.
#[derive(Debug, Clone, Copy)]
enum Story {
    /// Two creates in an atomic batch.
    Batch,
    /// A task that repeats is created and completed.
    Series,
    /// Created and moved.
    Move,
    /// Created, deleted and restored.
    Restore,
    /// Three tasks in a file.
    Import,
}

/// How many tasks have a title.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Found {
    open: usize,
    completed: usize,
    in_trash: usize,
    /// The sum of their versions.
    versions: u64,
}

impl Found {
    fn open(open: usize, versions: u64) -> Self {
        Self {
            open,
            versions,
            ..Self::default()
        }
    }

    fn add(&mut self, task: &Value) {
        self.versions += task["version"].as_u64().unwrap();
        let count = match (task["deleted_at"].is_null(), &task["completed"]) {
            (false, _) => &mut self.in_trash,
            (true, Value::Bool(true)) => &mut self.completed,
            (true, _) => &mut self.open,
        };
        *count += 1;
    }
}

impl Story {
    const ALL: [Self; 5] = [
        Self::Batch,
        Self::Series,
        Self::Move,
        Self::Restore,
        Self::Import,
    ];

    /// What there is before the first request and after each.
    fn chapters(self) -> Vec<Found> {
        let nothing = Found::default();
        let created = Found::open(1, 1);
        match self {
            Self::Batch => vec![nothing, Found::open(2, 2)],
            Self::Series => {
                // The completed one in version 2, and its successor.
                let completed = Found {
                    completed: 1,
                    ..Found::open(1, 3)
                };
                vec![nothing, created, completed]
            }
            Self::Move => vec![nothing, created, Found::open(1, 2)],
            Self::Restore => {
                let deleted = Found {
                    open: 0,
                    in_trash: 1,
                    ..Found::open(0, 2)
                };
                vec![nothing, created, deleted, Found::open(1, 3)]
            }
            Self::Import => vec![nothing, Found::open(3, 3)],
        }
    }

    /// The request after so many; `id` is that of the task that the first one created.
    async fn tell(
        self,
        client: &Client,
        after: usize,
        title: &str,
        id: &str,
    ) -> Result<crate::support::Response, reqwest::Error> {
        let task = format!("/api/v1/tasks/{id}");
        let new = json!({ "title": title });
        let repeating = json!({
            "title": title, "due_date": "2026-12-01", "recurrence": { "rule": "FREQ=DAILY" }
        });
        let request = |method: &str, path: &str| client.request(method, path);
        let request = match (self, after) {
            (Self::Batch, _) => {
                let create = json!({ "method": "POST", "path": "/tasks", "body": new });
                let body = json!({ "atomic": true, "operations": [create, create] });
                request("POST", "/api/v1/batch").json(&body)
            }
            (Self::Import, _) => {
                let line = json!({ "task": new }).to_string();
                let file = [&*line; 3].join("\n");
                request("POST", "/api/v1/import").body("application/x-ndjson", file)
            }
            (Self::Series, 0) => request("POST", "/api/v1/tasks").json(&repeating),
            (_, 0) => request("POST", "/api/v1/tasks").json(&new),
            (Self::Series, _) => request("PATCH", &(task + "/complete")),
            (Self::Move, _) => request("POST", &(task + "/move")).json(&json!({ "first": true })),
            (Self::Restore, 1) => request("DELETE", &task),
            (Self::Restore, _) => request("POST", &(task + "/restore")),
        };
        request.try_send().await
    }
}

/// A story and how many of its requests were acknowledged.
struct Told {
    title: String,
    story: Story,
    acknowledged: usize,
}

/// Tells stories until the server is killed.
async fn tell_until_killed(client: Client, writer: usize, all_told: Rc<RefCell<Vec<Told>>>) {
    for number in 0.. {
        // An owner may have two imports at once, and they come last.
        let kinds = Story::ALL.len() - usize::from(writer >= 2);
        let story = Story::ALL[random(kinds)];
        let mut told = Told {
            title: format!("{writer}-{number}"),
            story,
            acknowledged: 0,
        };
        let requests = story.chapters().len() - 1;
        let mut id = String::new();
        while told.acknowledged < requests {
            let response = story.tell(&client, told.acknowledged, &told.title, &id);
            let Ok(response) = response.await else {
                all_told.borrow_mut().push(told);
                return;
            };
            assert!(response.status < 300, "{story:?}: {}", response.text());
            if told.acknowledged == 0 && requests > 1 {
                id = response.json()["id"].as_str().unwrap().to_owned();
            }
            told.acknowledged += 1;
        }
        all_told.borrow_mut().push(told);
    }
}

/// Asserts that each story is where its last acknowledged request left it, or one request
/// further, and that clients that follow changes see the same.
async fn all_is_as_it_was_told(client: &Client, told: &[Told], copy: &mut Copy) {
    let all = everything(client).await;
    let mut found: BTreeMap<&str, Found> = BTreeMap::new();
    for task in all.values() {
        let title = task["title"].as_str().unwrap();
        found.entry(title).or_default().add(task);
    }
    for Told {
        title,
        story,
        acknowledged,
    } in told
    {
        let found = found.remove(title.as_str()).unwrap_or_default();
        let possible: Vec<Found> = story.chapters().into_iter().skip(*acknowledged).collect();
        assert!(
            possible.iter().take(2).any(|possible| *possible == found),
            "{title}, {story:?}: {found:?} after {acknowledged} acknowledged requests"
        );
    }
    assert_eq!(found.remove(FIRST), Some(Found::open(1, 1)));
    assert!(found.is_empty(), "nobody told: {found:?}");
    copy.follow(client, 500).await;
    assert!(copy.rows == all, "a follower has missed something");
}

async fn kill_9_within_any_story_loses_and_doubles_nothing(engine: Engine) {
    let storage = Storage::new(engine);
    let mut server = Server::start(storage.path(), &storage.url, &[]).await;
    let mut rounds_told: Vec<(String, Vec<Told>, Copy)> = Vec::new();
    let mut acknowledged = 0;
    for round in 0..rounds() {
        let owner = format!("round-{round}");
        let told = Rc::new(RefCell::new(Vec::new()));
        // What is moved to the first place was not there.
        server.user(&owner).create_path(FIRST).await;
        let mut copy = Copy::of(&server.user(&owner)).await;
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let client = server.user(&owner);
                actix_rt::spawn(tell_until_killed(client, writer, Rc::clone(&told)))
            })
            .collect();
        let enough = 3 + random(60);
        eventually("stories are told", SOON, async || {
            (told.borrow().len() >= enough).then_some(())
        })
        .await;
        server.kill();
        for writer in writers {
            writer.await.unwrap();
        }
        server = Server::start(storage.path(), &storage.url, &[]).await;
        let told = told.take();
        acknowledged += told.iter().map(|told| told.acknowledged).sum::<usize>();
        all_is_as_it_was_told(&server.user(&owner), &told, &mut copy).await;
        rounds_told.push((owner, told, copy));
    }
    for (owner, told, mut copy) in rounds_told {
        all_is_as_it_was_told(&server.user(&owner), &told, &mut copy).await;
    }
    println!(
        "{engine:?}: {} kills, {acknowledged} acknowledged",
        rounds()
    );
    server.stop().await;
}

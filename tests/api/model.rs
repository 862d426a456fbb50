//! Thousands of random operations against a model in memory.
//!
//! The model is the contract in a few lines of plain Rust. The application must respond
//! exactly as the model does, with nothing of another owner.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use todoward::primitives::folded::fold;

use crate::support::{Client, Engine, Response, TestApp, on_both_databases};

on_both_databases! {
    random_operations_of_several_owners_never_diverge_from_the_model,
}

/// Says another number of operations.
const VARIABLE: &str = "MODEL_OPERATIONS";

/// So many tasks there are at most, so that long runs do not slow down.
const MAX_TASKS: usize = 400;

const OWNERS: [&str; 3] = ["ann", "Ann", "bob"];
const WORDS: [&str; 8] = ["milk", "MILK", "Éclair", "ß", "100%", "a_b", "İ", "\"q\\"];

/// How many operations, unless the variable says another number.
pub fn operations(default: usize) -> usize {
    match std::env::var(VARIABLE) {
        Ok(number) => number.parse().expect(VARIABLE),
        Err(_) => default,
    }
}

/// xorshift64*: the same operations in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }

    fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    fn word(&mut self) -> &'static str {
        WORDS[self.below(WORDS.len())]
    }

    fn day(&mut self) -> Value {
        match self.below(4) {
            0 => Value::Null,
            n => json!(format!("2026-0{n}-01")),
        }
    }

    fn tags(&mut self) -> Value {
        let count = self.below(3);
        let mut tags: Vec<&str> = Vec::new();
        for _ in 0..count {
            let tag = self.word();
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        json!(tags)
    }

    fn priority(&mut self) -> &'static str {
        ["none", "low", "medium", "high"][self.below(4)]
    }

    /// Fields of a body, each with probability 1/`one_in`.
    fn members(&mut self, one_in: usize) -> BTreeMap<&'static str, Value> {
        let mut members = BTreeMap::new();
        if self.chance(one_in) {
            members.insert("title", json!(format!("{} {}", self.word(), self.word())));
        }
        if self.chance(one_in) {
            let text = json!(self.word());
            members.insert(
                "description",
                if self.chance(3) { Value::Null } else { text },
            );
        }
        if self.chance(one_in) {
            members.insert("completed", json!(self.chance(2)));
        }
        if self.chance(one_in) {
            members.insert("priority", json!(self.priority()));
        }
        if self.chance(one_in) {
            members.insert("due_date", self.day());
        }
        if self.chance(one_in) {
            members.insert("tags", self.tags());
        }
        members
    }
}

/// All tasks of all owners, in the order of their creation.
#[derive(Default)]
struct Model(Vec<Value>);

impl Model {
    fn of(&self, owner: &str) -> Vec<&Value> {
        self.0
            .iter()
            .filter(|task| task["owner_id"] == owner)
            .collect()
    }

    fn find(&mut self, id: &str) -> Option<&mut Value> {
        self.0.iter_mut().find(|task| task["id"] == id)
    }

    /// The expected error of a write on a task, if any.
    fn refusal(&mut self, owner: &str, id: &str, tag: Option<i64>) -> Option<(u16, &'static str)> {
        match self.find(id) {
            None => Some((404, "task_not_found")),
            Some(task) if task["owner_id"] != owner => Some((403, "not_owner")),
            Some(task) if tag.is_some_and(|tag| task["version"] != tag) => {
                Some((412, "version_mismatch"))
            }
            Some(_) => None,
        }
    }

    /// Merges fields into a task as the contract says, with the response's timestamps.
    fn change(&mut self, id: &str, members: &BTreeMap<&'static str, Value>, response: &Value) {
        let task = self.find(id).unwrap();
        let before = task.clone();
        for (name, value) in members {
            task[*name] = value.clone();
        }
        if *task == before {
            return;
        }
        if task["completed"] != before["completed"] {
            task["completed_at"] = if task["completed"] == true {
                response["updated_at"].clone()
            } else {
                Value::Null
            };
        }
        task["version"] = json!(before["version"].as_i64().unwrap() + 1);
        task["updated_at"] = response["updated_at"].clone();
    }
}

fn check_refusal(response: &Response, refusal: Option<(u16, &'static str)>) -> bool {
    if let Some((status, code)) = refusal {
        response.clone().expect_problem(status, code);
        return true;
    }
    false
}

async fn create(random: &mut Random, model: &mut Model, owner: &str, client: &Client) {
    let mut members = random.members(2);
    members.insert("title", json!(random.word()));
    let response = client
        .post("/api/v1/tasks", &json!(members))
        .await
        .expect(201);
    let made = response.json();
    let position = made["id"].as_str().unwrap().replace('-', "");
    let mut expected = json!({
        "id": made["id"], "owner_id": owner, "description": null, "completed": false,
        "completed_at": null, "priority": "none", "due_date": null, "due_time": null,
        "time_zone": null, "due_at": null, "recurrence": null, "tags": [], "list_id": null,
        "parent_id": null, "position": position, "next_id": null, "version": 1,
        "created_at": made["created_at"], "updated_at": made["created_at"], "deleted_at": null,
    });
    for (name, value) in members {
        expected[name] = value;
    }
    if expected["completed"] == true {
        expected["completed_at"] = made["created_at"].clone();
    }
    assert_eq!(made, expected);
    model.0.push(made);
}

async fn write(random: &mut Random, model: &mut Model, owner: &str, client: &Client, id: &str) {
    let path = format!("/api/v1/tasks/{id}");
    let tag = random.chance(3).then(|| random.below(4) as i64 + 1);
    let refusal = model.refusal(owner, id, tag);
    let (method, path, members) = match random.below(5) {
        0 => ("DELETE", path, None),
        1 => {
            let done = model.find(id).is_some_and(|task| task["completed"] == true);
            (
                "PATCH",
                format!("{path}/complete"),
                Some(BTreeMap::from([("completed", json!(!done))])),
            )
        }
        2 => ("PUT", path, Some(random.members(3))),
        _ => ("PATCH", path, Some(random.members(3))),
    };
    let mut request = client.request(method, &path);
    if let Some(tag) = tag {
        request = request.header("If-Match", format!("\"{tag}\""));
    }
    // Half of the completions have an empty body, which toggles.
    let toggles = path.ends_with("complete") && random.chance(2);
    if let Some(members) = members.as_ref().filter(|_| !toggles) {
        request = request.json(&json!(members));
    }
    let response = request.send().await;
    if check_refusal(&response, refusal) {
        return;
    }
    match members {
        None => {
            response.expect(204);
            model.0.retain(|task| task["id"] != id);
        }
        Some(members) => {
            let now = response.expect(200).json();
            model.change(id, &members, &now);
            assert_eq!(*model.find(id).unwrap(), now);
        }
    }
}

async fn list(random: &mut Random, model: &Model, owner: &str, client: &Client) {
    let (mut query, mut expected) = (String::new(), model.of(owner));
    if random.chance(3) {
        let completed = random.chance(2);
        query += &format!("&completed={completed}");
        expected.retain(|task| task["completed"] == completed);
    }
    if random.chance(4) {
        let (one, two) = (random.priority(), random.priority());
        query += &format!("&priority={one}&priority={two}");
        expected.retain(|task| task["priority"] == one || task["priority"] == two);
    }
    let encode = |word: &str| {
        percent_encoding::utf8_percent_encode(word, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    if random.chance(4) {
        let tag = random.word();
        query += &format!("&tag={}", encode(tag));
        expected.retain(|task| task["tags"].as_array().unwrap().contains(&json!(tag)));
    }
    if random.chance(3) {
        let q = random.word();
        query += &format!("&q={}", encode(q));
        let folded = fold(q);
        let has = |text: &Value| {
            text.as_str()
                .is_some_and(|text| fold(text).contains(&folded))
        };
        expected.retain(|task| {
            has(&task["title"])
                || has(&task["description"])
                || task["tags"].as_array().unwrap().iter().any(has)
        });
    }
    if random.chance(4) {
        let day = format!("2026-0{}-01", random.below(4) + 1);
        query += &format!("&due_before={day}");
        expected.retain(|task| {
            task["due_date"]
                .as_str()
                .is_some_and(|due| due < day.as_str())
        });
    }
    expected.reverse();
    let limit = random.below(20) + 1;
    let mut seen = Vec::new();
    let mut at = format!("/api/v1/tasks?limit={limit}{query}");
    loop {
        let page = client.get(&at).await.expect(200).json();
        seen.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        at = format!("/api/v1/tasks?limit={limit}{query}&cursor={cursor}");
    }
    assert_eq!(seen.iter().collect::<Vec<_>>(), expected, "{query}");
}

async fn random_operations_of_several_owners_never_diverge_from_the_model(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let mut random = Random(0x7464_7764);
    let mut model = Model::default();
    for _ in 0..operations(3_000) {
        let owner = OWNERS[random.below(OWNERS.len())];
        let client = app.user(owner);
        // The id of any owner's task, of a deleted one, or a random one.
        let id = match model.0.len() {
            0 => "01a1f7e7-b530-74f8-94e4-b4dc1460f2f1".to_owned(),
            count => model.0[random.below(count)]["id"]
                .as_str()
                .unwrap()
                .to_owned(),
        };
        match random.below(20) {
            0..=6 if model.0.len() >= MAX_TASKS => {
                let owner = model.find(&id).unwrap()["owner_id"].clone();
                let client = app.user(owner.as_str().unwrap());
                let path = format!("/api/v1/tasks/{id}?permanent=true");
                client.delete(&path).await.expect(204);
                model.0.retain(|task| task["id"] != id);
            }
            0..=6 => create(&mut random, &mut model, owner, &client).await,
            7..=14 => write(&mut random, &mut model, owner, &client, &id).await,
            15..=16 => {
                let refusal = model.refusal(owner, &id, None);
                let response = client.get(&format!("/api/v1/tasks/{id}")).await;
                if !check_refusal(&response, refusal) {
                    assert_eq!(response.expect(200).json(), *model.find(&id).unwrap());
                }
            }
            17..=18 => list(&mut random, &model, owner, &client).await,
            _ if random.chance(4) => {
                let done = |task: &Value| task["owner_id"] == owner && task["completed"] == true;
                let count = model.0.iter().filter(|task| done(task)).count();
                let response = client
                    .delete("/api/v1/tasks?completed=true")
                    .await
                    .expect(200);
                assert_eq!(response.json(), json!({ "deleted": count }));
                model.0.retain(|task| !done(task));
            }
            _ => {}
        }
    }
    for owner in OWNERS {
        let mut expected = model.of(owner);
        expected.reverse();
        let list = app
            .user(owner)
            .get("/api/v1/tasks?limit=200")
            .await
            .expect(200)
            .json();
        let shown = list["items"].as_array().unwrap().iter().collect::<Vec<_>>();
        assert_eq!(shown, expected[..shown.len()]);
        assert!(
            !shown.is_empty(),
            "the operations leave something to compare"
        );
    }
}

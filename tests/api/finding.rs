//! Filters, sorts and counts, each compared with what the words of the contract make of
//! random tasks.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::{Value, json};
use todoward::primitives::folded::fold;

use crate::support::random::Random;
use crate::support::{Client, Engine, TestApp, on_both_databases};

on_both_databases! {
    every_order_of_one_to_three_keys_is_as_the_contract_says_on_every_page_size,
    an_order_by_position_goes_on_where_it_was_while_others_move,
    every_filter_and_every_count_is_as_the_contract_says,
    a_count_is_of_all_tasks_and_its_groups_are_the_largest_ones,
    instants_are_compared_to_the_millisecond_with_any_offset,
    the_trash_is_a_list_of_its_own_with_the_last_deleted_first,
    a_list_or_a_parent_that_is_not_there_or_somebody_elses_finds_nothing,
}

const TASKS: &str = "/api/v1/tasks";
const KEYS: [&str; 7] = [
    "created_at",
    "updated_at",
    "completed_at",
    "due_date",
    "priority",
    "title",
    "position",
];
const TAGS: [&str; 5] = ["home", "HOME", "a\"b", "x, y", "é"];

fn text<'t>(task: &'t Value, name: &str) -> &'t str {
    task[name].as_str().unwrap_or_default()
}

fn path(task: &Value) -> String {
    format!("{TASKS}/{}", text(task, "id"))
}

/// All pages of a list.
async fn all(client: &Client, query: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut at = format!("{TASKS}?{query}");
    loop {
        let page = client.get(&at).await.expect(200).json();
        items.extend(page["items"].as_array().unwrap().clone());
        assert!(items.len() < 1000, "{query} never ends");
        match page["next_cursor"].as_str() {
            Some(cursor) => at = format!("{TASKS}?{query}&cursor={cursor}"),
            None => return items,
        }
    }
}

/// Random tasks with many equal and missing values, some below others, some moved, some
/// in the trash. What is there in the end, and what is in the trash.
async fn fill(client: &Client, random: &mut Random, lists: &[Value]) -> (Vec<Value>, Vec<Value>) {
    let mut ids: Vec<Value> = Vec::new();
    for _ in 0..60 {
        let due = random.pick(&[None, Some("2026-01-01"), Some("2026-01-02")]);
        let time = random.pick(&[None, Some("09:00"), Some("23:59")]);
        let recurs = due.is_some() && random.chance(4);
        let mut tags: Vec<&str> = TAGS.to_vec();
        tags.retain(|_| random.chance(4));
        let mut body = json!({
            "title": random.pick(&["b", "B", "é", "Z", "a", "ß milk", "İ"]),
            "due_date": due,
            "due_time": due.and(time),
            "recurrence": recurs.then(|| json!({ "rule": "FREQ=DAILY" })),
            "priority": random.pick(&["none", "low", "high"]),
            "completed": random.chance(3),
            "tags": tags,
        });
        if random.chance(3) && !ids.is_empty() {
            body["parent_id"] = ids[random.below(ids.len().min(5))].clone();
        } else {
            body["list_id"] = lists[random.below(lists.len())].clone();
        }
        ids.push(client.create(body).await["id"].clone());
    }
    for _ in 0..25 {
        let id = ids[random.below(ids.len())].as_str().unwrap();
        let to = random.pick(&["first", "last"]);
        let at = format!("{TASKS}/{id}/move");
        client.post(&at, &json!({ to: true })).await.expect(200);
    }
    for _ in 0..20 {
        let id = ids[random.below(ids.len())].as_str().unwrap();
        let body = json!({ "completed": random.chance(2) });
        let at = format!("{TASKS}/{id}/complete");
        client.patch(&at, &body).await.expect(200);
    }
    for id in ids.iter().skip(5).step_by(6) {
        let at = format!("{TASKS}/{}", id.as_str().unwrap());
        client.delete(&at).await;
    }
    let live = all(client, "limit=200").await;
    let trashed = all(client, "trash=true&limit=200").await;
    assert!(live.len() > 40 && trashed.len() > 5);
    (live, trashed)
}

/// NULL is last in both directions.
fn compare<T: Ord>(a: Option<T>, b: Option<T>, descending: bool) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) if descending => b.cmp(&a),
        (Some(a), Some(b)) => a.cmp(&b),
        (a, b) => a.is_none().cmp(&b.is_none()),
    }
}

fn compare_by(a: &Value, b: &Value, key: &str, descending: bool) -> Ordering {
    let rank = |task: &Value| {
        let ranks = ["none", "low", "medium", "high"];
        ranks.iter().position(|name| task["priority"] == *name)
    };
    let of = |name: &str| compare(a[name].as_str(), b[name].as_str(), descending);
    match key {
        "priority" => compare(rank(a), rank(b), descending),
        "title" => compare(
            Some(fold(text(a, "title"))),
            Some(fold(text(b, "title"))),
            descending,
        ),
        "due_date" => of("due_date").then(of("due_time")),
        key => of(key),
    }
}

/// The order of the contract, by the words of the contract.
fn sorted(tasks: &[Value], sort: &str) -> Vec<Value> {
    let split = |key: &str| match key.strip_prefix('-') {
        Some(key) => (key.to_owned(), true),
        None => (key.to_owned(), false),
    };
    let keys: Vec<(String, bool)> = sort.split(',').map(split).collect();
    let (_, ids_descend) = *keys.last().unwrap();
    let mut tasks = tasks.to_vec();
    tasks.sort_by(|a, b| {
        let by_keys = keys
            .iter()
            .fold(Ordering::Equal, |so_far, (key, descending)| {
                so_far.then_with(|| compare_by(a, b, key, *descending))
            });
        let ids = (Some(text(a, "id")), Some(text(b, "id")));
        by_keys.then_with(|| compare(ids.0, ids.1, ids_descend))
    });
    tasks
}

#[track_caller]
fn assert_same(seen: &[Value], expected: &[Value], what: &str) {
    let show = |tasks: &[Value]| -> Vec<String> {
        let of = |task: &Value| {
            let shown = [
                "id", "title", "due_date", "due_time", "priority", "position",
            ];
            shown.map(|name| task[name].to_string()).join(" ")
        };
        tasks.iter().map(of).collect()
    };
    assert_eq!(show(seen), show(expected), "{what}");
    assert_eq!(seen, expected, "{what}");
}

async fn every_order_of_one_to_three_keys_is_as_the_contract_says_on_every_page_size(
    engine: Engine,
) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let mut random = Random(0x5eed);
    let lists = [Value::Null, json!(app.list("alice", "one").await)];
    let (live, trashed) = fill(&alice, &mut random, &lists).await;
    app.user("bob").create(json!({ "title": "not hers" })).await;
    let mut sorts = Vec::new();
    for key in KEYS {
        for minus in ["", "-"] {
            sorts.push(format!("{minus}{key}"));
        }
    }
    for _ in 0..60 {
        let mut keys = KEYS.to_vec();
        let count = 2 + random.below(2);
        let some = (0..count).map(|_| {
            let key = keys.remove(random.below(keys.len()));
            let minus = random.pick(&["", "-"]);
            format!("{minus}{key}")
        });
        sorts.push(some.collect::<Vec<_>>().join(","));
    }
    for sort in &sorts {
        for limit in [1 + random.below(9), 200] {
            let seen = all(&alice, &format!("sort={sort}&limit={limit}")).await;
            assert_same(&seen, &sorted(&live, sort), &format!("{sort} by {limit}"));
        }
        let seen = all(&alice, &format!("trash=true&sort={sort}&limit=4")).await;
        assert_same(&seen, &sorted(&trashed, sort), &format!("trash, {sort}"));
    }
    // One list and one parent, which has its own way to the rows.
    for sort in ["position", "-position", "due_date", "-created_at"] {
        for (query, list) in [
            ("inbox", &lists[0]),
            (text(&json!({ "id": lists[1] }), "id"), &lists[1]),
        ] {
            let mut expected = live.clone();
            expected.retain(|task| task["list_id"] == *list && task["parent_id"].is_null());
            let query = format!("list={query}&parent=none&sort={sort}&limit=3");
            let seen = all(&alice, &query).await;
            assert_same(&seen, &sorted(&expected, sort), &query);
        }
    }
    let parent = live
        .iter()
        .find(|task| !task["parent_id"].is_null())
        .unwrap();
    let parent = text(parent, "parent_id");
    let mut expected = live.clone();
    expected.retain(|task| task["parent_id"] == parent);
    let seen = all(&alice, &format!("parent={parent}&sort=position&limit=2")).await;
    assert_same(&seen, &sorted(&expected, "position"), "below a parent");
}

async fn an_order_by_position_goes_on_where_it_was_while_others_move(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let mut random = Random(0xface);
    for sort in ["position", "-position"] {
        let mut stay = Vec::new();
        for title in 0..12 {
            let task = alice.create(json!({ "title": title.to_string() })).await;
            if random.chance(2) {
                let place = random.pick(&["first", "last"]);
                let at = format!("{}/move", path(&task));
                alice.post(&at, &json!({ place: true })).await.expect(200);
            }
            stay.push(text(&task, "id").to_owned());
        }
        let mover = alice.create(json!({ "title": "moves" })).await;
        let mut seen = Vec::new();
        let query = format!("list=inbox&parent=none&sort={sort}&limit=2");
        let mut at = format!("{TASKS}?{query}");
        loop {
            let page = alice.get(&at).await.expect(200).json();
            let items = page["items"].as_array().unwrap();
            seen.extend(items.iter().map(|task| text(task, "id").to_owned()));
            let Some(cursor) = page["next_cursor"].as_str() else {
                break;
            };
            at = format!("{TASKS}?{query}&cursor={cursor}");
            let beside = &stay[random.below(stay.len())];
            let place = random.pick(&["before", "after"]);
            let to = json!({ place: beside });
            let moved = format!("{}/move", path(&mover));
            alice.post(&moved, &to).await.expect(200);
            assert!(seen.len() < 200, "the list never ends");
        }
        for id in &stay {
            let times = seen.iter().filter(|one| *one == id).count();
            assert_eq!(times, 1, "{sort}: {id}");
        }
        alice.delete(&format!("{TASKS}?completed=true")).await;
        for id in stay.iter().map(String::as_str).chain([text(&mover, "id")]) {
            alice.delete(&format!("{TASKS}/{id}")).await.expect(204);
        }
    }
}

type Predicate = Box<dyn Fn(&Value) -> bool>;

fn has(task: &Value, tag: &str) -> bool {
    task["tags"].as_array().unwrap().contains(&json!(tag))
}

/// A random filter, as a query and as the contract says it.
fn filter(random: &mut Random, lists: &[Value], live: &[Value]) -> (String, Predicate) {
    let encode = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let yes = random.chance(2);
    match random.below(15) {
        0 => (
            format!("completed={yes}"),
            Box::new(move |task| task["completed"] == yes),
        ),
        1 => (
            "priority=low&priority=none".into(),
            Box::new(|task| ["low", "none"].contains(&text(task, "priority"))),
        ),
        2 | 3 => {
            let list = lists[random.below(lists.len())].clone();
            let name = list.as_str().unwrap_or("inbox").to_owned();
            let other = lists[1].clone();
            let (more, both) = match yes {
                true => (format!("&list={}", other.as_str().unwrap()), true),
                false => (String::new(), false),
            };
            (
                format!("list={name}{more}"),
                Box::new(move |task| task["list_id"] == list || (both && task["list_id"] == other)),
            )
        }
        4 => {
            let parents: Vec<&Value> = live.iter().map(|task| &task["parent_id"]).collect();
            let parent = parents[random.below(parents.len())].clone();
            let name = parent.as_str().unwrap_or("none").to_owned();
            (
                format!("parent={name}"),
                Box::new(move |task| task["parent_id"] == parent),
            )
        }
        5 => {
            let word = if yes { "any" } else { "none" };
            (
                format!("due={word}"),
                Box::new(move |task| task["due_date"].is_null() != yes),
            )
        }
        6 => (
            "due_after=2026-01-02".into(),
            Box::new(|task| text(task, "due_date") >= "2026-01-02"),
        ),
        name @ 7..=9 => {
            let tags = [random.pick(&TAGS), random.pick(&TAGS)];
            let name = ["tag", "any_tag", "no_tag"][name - 7];
            let [a, b] = tags.map(encode);
            (
                format!("{name}={a}&{name}={b}"),
                Box::new(move |task| {
                    let [a, b] = tags.map(|tag| has(task, tag));
                    match name {
                        "tag" => a && b,
                        "any_tag" => a || b,
                        _ => !a && !b,
                    }
                }),
            )
        }
        10 => (
            format!("untagged={yes}"),
            Box::new(move |task| (task["tags"] == json!([])) == yes),
        ),
        11 => (
            format!("recurring={yes}"),
            Box::new(move |task| task["recurrence"].is_null() != yes),
        ),
        name @ 12..=13 => {
            let field = ["completed_at", "updated_at"][name - 12];
            let at = text(&live[random.below(live.len())], field).to_owned();
            let at = if at.is_empty() {
                "2026-01-01T00:00:00Z".into()
            } else {
                at
            };
            let name = match (field, yes) {
                ("updated_at", _) => "updated_after",
                (_, true) => "completed_after",
                (_, false) => "completed_before",
            };
            (
                format!("{name}={at}"),
                Box::new(move |task| {
                    let value = text(task, field);
                    !value.is_empty() && (value < at.as_str()) == (name == "completed_before")
                }),
            )
        }
        _ => (
            "q=MILK+ss".into(),
            Box::new(|task| text(task, "title") == "ß milk"),
        ),
    }
}

/// The groups of the contract, by the words of the contract.
fn groups(tasks: &[Value], by: &str) -> Value {
    let keys = |task: &Value| -> Vec<String> {
        let or = |name: &str, null: &str| vec![task[name].as_str().unwrap_or(null).to_owned()];
        match by {
            "list" => or("list_id", "inbox"),
            "parent" => or("parent_id", "none"),
            "priority" => or("priority", ""),
            "due_date" => or("due_date", "none"),
            "completed" => vec![task["completed"].to_string()],
            _ => {
                let tags = task["tags"].as_array().unwrap().iter();
                tags.map(|tag| tag.as_str().unwrap().to_owned()).collect()
            }
        }
    };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for key in tasks.iter().flat_map(keys) {
        *counts.entry(key).or_default() += 1;
    }
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let group = |(key, count): (String, usize)| json!({ "key": key, "count": count });
    counts.into_iter().map(group).collect()
}

async fn every_filter_and_every_count_is_as_the_contract_says(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let mut random = Random(0xf117);
    let lists = [
        Value::Null,
        json!(app.list("alice", "one").await),
        json!(app.list("alice", "two").await),
    ];
    let (live, trashed) = fill(&alice, &mut random, &lists).await;
    app.user("bob")
        .create(json!({ "title": "not hers", "tags": ["home"] }))
        .await;
    // Without a filter there are other statements.
    for by in ["list", "parent", "priority", "due_date", "completed", "tag"] {
        let at = format!("{TASKS}/count?by={by}");
        let counted = alice.get(&at).await.expect(200).json();
        let wanted = json!({ "count": live.len(), "groups": groups(&live, by) });
        assert_eq!(counted, wanted, "{at}");
    }
    let count = alice.get(&format!("{TASKS}/count")).await.expect(200);
    assert_eq!(count.json(), json!({ "count": live.len() }));
    let mut found = 0;
    for round in 0..150 {
        let (place, mut expected) = match random.below(4) {
            0 => ("trash=true", trashed.clone()),
            1 => ("trash=false", live.clone()),
            _ => ("", live.clone()),
        };
        let mut query = place.to_owned();
        let mut names = Vec::new();
        for _ in 0..random.below(3) + 1 {
            let (text, predicate) = filter(&mut random, &lists, &live);
            let name = text.split('=').next().unwrap().to_owned();
            if !names.contains(&name) {
                query += &format!("&{text}");
                expected.retain(|task| predicate(task));
                names.push(name);
            }
        }
        let sort = random.pick(&["-created_at", "title", "due_date", "-priority", "position"]);
        let seen = all(&alice, &format!("{query}&sort={sort}&limit=7")).await;
        assert_same(&seen, &sorted(&expected, sort), &query);
        found += expected.len();
        let count = alice.get(&format!("{TASKS}/count?{query}")).await;
        assert_eq!(
            count.expect(200).json(),
            json!({ "count": expected.len() }),
            "{query}"
        );
        let by = ["list", "parent", "priority", "due_date", "completed", "tag"][round % 6];
        let at = format!("{TASKS}/count?{query}&by={by}");
        let counted = alice.get(&at).await.expect(200).json();
        let wanted = json!({ "count": expected.len(), "groups": groups(&expected, by) });
        assert_eq!(counted, wanted, "{at}");
        // What a group is called, its filter takes.
        if by != "due_date" && !names.contains(&by.to_owned()) {
            for group in counted["groups"].as_array().unwrap() {
                let key = percent_encoding::utf8_percent_encode(
                    text(group, "key"),
                    percent_encoding::NON_ALPHANUMERIC,
                );
                let at = format!("{TASKS}/count?{query}&{by}={key}");
                let one = alice.get(&at).await.expect(200).json();
                assert_eq!(one["count"], group["count"], "{at}");
            }
        }
    }
    assert!(found > 500, "{found} tasks found: too few to compare");
}

async fn a_count_is_of_all_tasks_and_its_groups_are_the_largest_ones(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let nothing = alice.get(&format!("{TASKS}/count")).await.expect(200);
    assert_eq!(nothing.json(), json!({ "count": 0 }));
    for by in ["list", "tag"] {
        let at = format!("{TASKS}/count?by={by}");
        let nothing = alice.get(&at).await.expect(200).json();
        assert_eq!(nothing, json!({ "count": 0, "groups": [] }));
    }
    for task in 0..25 {
        let tags: Vec<String> = (0..50).map(|tag| format!("{task} {tag}")).collect();
        alice.create(json!({ "title": "t", "tags": tags })).await;
    }
    let often = json!({ "title": "t", "tags": ["zz"], "completed": true });
    alice.create(often.clone()).await;
    alice.create(often).await;
    let at = format!("{TASKS}/count?by=tag");
    let count = alice.get(&at).await.expect(200).json();
    let groups = count["groups"].as_array().unwrap();
    assert_eq!((&count["count"], groups.len()), (&json!(27), 1000));
    assert_eq!(groups[0], json!({ "key": "zz", "count": 2 }));
    assert_eq!(groups[1], json!({ "key": "0 0", "count": 1 }));
    alice.request("HEAD", &at).send().await.expect(200);
    alice
        .post(&format!("{TASKS}/count"), &json!({}))
        .await
        .expect_problem(405, "method_not_allowed");
}

async fn instants_are_compared_to_the_millisecond_with_any_offset(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let task = alice
        .create(json!({ "title": "t", "completed": true }))
        .await;
    let at = text(&task, "completed_at").to_owned();
    let (day, millis) = at.strip_suffix('Z').unwrap().split_once('.').unwrap();
    let exact = format!("{day}.{millis}");
    let is_found = async |query: String| {
        let found = alice.titles(&format!("?{query}")).await;
        found.len() == 1
    };
    for (query, expected) in [
        (format!("completed_after={exact}Z"), true),
        (format!("completed_before={exact}Z"), false),
        (format!("updated_after={exact}Z"), true),
        (format!("completed_after={exact}000Z"), true),
        // A part of a millisecond later.
        (format!("completed_after={exact}001Z"), false),
        (format!("completed_before={exact}001Z"), true),
        (format!("updated_after={exact}000001Z"), false),
        (format!("completed_after={exact}%2B00:00"), true),
        (format!("completed_after={exact}-00:00"), true),
        // The same clock further to the west is later.
        (format!("completed_after={exact}-00:01"), false),
        (format!("completed_after={exact}%2B00:01"), true),
        (format!("completed_before={exact}%2B00:01"), false),
        ("completed_after=1970-01-01T00:00:00Z".into(), true),
        ("completed_before=9999-12-31T23:59:59.999Z".into(), true),
        ("completed_before=2016-12-31T23:59:60Z".into(), false),
    ] {
        assert_eq!(is_found(query.clone()).await, expected, "{query} of {at}");
    }
}

async fn the_trash_is_a_list_of_its_own_with_the_last_deleted_first(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let mut tasks = Vec::new();
    for title in ["a", "b", "c", "d"] {
        let task = alice.create(json!({ "title": title, "tags": ["t"] })).await;
        tasks.push(path(&task));
    }
    for at in [1, 3, 0] {
        alice.delete(&tasks[at]).await.expect(204);
    }
    assert_eq!(alice.titles("").await, ["c"]);
    // Of those that went in one millisecond the newest task is first.
    let mut deleted = all(&alice, "trash=true").await;
    let titles = |rows: &[Value]| -> Vec<String> {
        rows.iter()
            .map(|row| text(row, "title").to_owned())
            .collect()
    };
    let found = titles(&deleted);
    deleted.sort_by_key(|row| {
        std::cmp::Reverse((
            text(row, "deleted_at").to_owned(),
            text(row, "id").to_owned(),
        ))
    });
    assert_eq!(found, titles(&deleted));
    let last = |title| found.iter().position(|it| it == title);
    assert!(last("a") < last("b"), "{found:?}");
    assert_eq!(
        alice.titles("?trash=true&sort=title").await,
        ["a", "b", "d"]
    );
    assert_eq!(alice.titles("?trash=true&tag=t&q=d").await, ["d"]);
    let first = alice
        .get(&format!("{TASKS}?trash=true&limit=1"))
        .await
        .expect(200);
    let link = first.header("link").to_owned();
    let next = link.split(['<', '>']).nth(1).unwrap();
    assert!(
        next.starts_with("/api/v1/tasks?trash=true&limit=1&cursor="),
        "{next}"
    );
    let next = alice.get(next).await.expect(200).json();
    assert_eq!(next["items"][0]["title"], found[1]);
    assert!(!next["items"][0]["deleted_at"].is_null());
    let cursor = first.json()["next_cursor"].as_str().unwrap().to_owned();
    for other in ["", "&trash=false", "&trash=true&sort=title"] {
        alice
            .get(&format!("{TASKS}?cursor={cursor}{other}"))
            .await
            .expect_problem(400, "invalid_cursor");
    }
    let count = alice.get(&format!("{TASKS}/count?trash=true&by=tag")).await;
    let wanted = json!({ "count": 3, "groups": [{ "key": "t", "count": 3 }] });
    assert_eq!(count.json(), wanted);
    alice
        .get(&format!("{TASKS}?sort=deleted_at&trash=true"))
        .await
        .expect_problem(400, "invalid_parameter");
}

async fn a_list_or_a_parent_that_is_not_there_or_somebody_elses_finds_nothing(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, bob) = (app.user("alice"), app.user("bob"));
    let list = app.list("bob", "his").await;
    let parent = bob.create(json!({ "title": "p", "list_id": list })).await;
    let below = json!({ "title": "c", "parent_id": parent["id"] });
    bob.create(below).await;
    alice.create(json!({ "title": "hers" })).await;
    let nobodys = "01a1f7e7-b530-74f8-94e4-b4dc1460f2f1";
    let parent = text(&parent, "id");
    for query in [
        format!("list={list}"),
        format!("parent={parent}"),
        format!("list={nobodys}"),
        format!("parent={nobodys}"),
        format!("list={list}&parent={parent}&sort=position"),
        format!("list=inbox&parent={parent}&sort=-position"),
    ] {
        assert_eq!(alice.titles(&format!("?{query}")).await, [""; 0], "{query}");
        let query = query.split("&sort").next().unwrap();
        let count = alice.get(&format!("{TASKS}/count?{query}")).await;
        assert_eq!(count.expect(200).json(), json!({ "count": 0 }), "{query}");
    }
    assert_eq!(bob.titles(&format!("?list={list}")).await, ["c", "p"]);
    assert_eq!(bob.titles(&format!("?parent={parent}")).await, ["c"]);
}

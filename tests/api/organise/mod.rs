//! Thousands of random operations on lists, subtasks, order, series, tags and the trash,
//! against a model in memory.

mod model;

use std::collections::{BTreeMap, VecDeque};

use chrono::{Days, NaiveDate};
use serde_json::{Value, json};

use self::model::{Owner, Place, Refusal, Spot, Successor, Target, Task, rule};
use crate::model::operations;
use crate::support::random::Random;
use crate::support::{Client, Engine, Response, TestApp, on_both_databases};

on_both_databases! {
    random_operations_on_all_that_organises_tasks_never_diverge_from_the_model,
}

const TASKS: &str = "/api/v1/tasks";
const LISTS: &str = "/api/v1/lists";
const OWNERS: [&str; 2] = ["ann", "Ann"];
const TAGS: [&str; 4] = ["home", "work", "Éclair", "a b"];
const WORDS: [&str; 4] = ["milk", "bread", "call", "write"];

/// How many operations there are from one comparison of everything to the next.
const EACH: usize = 10;

/// So many tasks and lists an owner has at most, so that long runs do not slow down.
const MAX_TASKS: usize = 60;
const MAX_LISTS: usize = 8;

struct World {
    random: Random,
    owners: [Owner; 2],
    clients: [Client; 2],
    /// The last task of each that was named.
    last: [String; 2],
    /// The last ids that have ended.
    ended: VecDeque<String>,
    /// The last requests, for the message of a failure.
    log: VecDeque<String>,
    /// Whether something came back from the trash: where it stands among those that have
    /// moved since is up to the server.
    has_restored: [bool; 2],
}

/// What the model says to a request.
type Verdict<T> = Result<T, Refusal>;

impl World {
    async fn send(
        &mut self,
        who: usize,
        method: &str,
        path: &str,
        body: Option<Value>,
        version: Option<i64>,
    ) -> Response {
        let mut request = self.clients[who].request(method, path);
        if let Some(body) = &body {
            request = request.json(body);
        }
        if let Some(version) = version {
            request = request.header("If-Match", format!("\"{version}\""));
        }
        let response = request.send().await;
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let version = version
            .map(|version| format!(" If-Match {version}"))
            .unwrap_or_default();
        let status = response.status;
        self.log.push_back(format!(
            "{} {method} {path} {body}{version}: {status}",
            OWNERS[who]
        ));
        if self.log.len() > 30 {
            self.log.pop_front();
        }
        response
    }

    /// A response of which the model says that it succeeds, or how it is refused.
    fn judge<T>(&self, response: Response, verdict: Verdict<T>, status: u16) -> Option<(Value, T)> {
        let (status, code) = match &verdict {
            Ok(_) => (status, ""),
            Err((status, code)) => (*status, *code),
        };
        let found = (response.status, response.code());
        assert_eq!(
            found,
            (status, code.to_owned()),
            "{}\n{}",
            response.text(),
            self.said()
        );
        let value = verdict.ok()?;
        let body = if status == 204 {
            Value::Null
        } else {
            response.json()
        };
        Some((body, value))
    }

    fn said(&self) -> String {
        self.log.iter().map(|line| format!("{line}\n")).collect()
    }

    fn id(&mut self) -> String {
        format!(
            "01a1f7e7-b530-74f8-94e4-{:012x}",
            self.random.below(1 << 40)
        )
    }

    /// The id of a task: mostly one of the owner's, and near the last one, so that operations
    /// meet.
    fn some_task(&mut self, who: usize, place: Place) -> String {
        let last = self.last[who].clone();
        let owner = &self.owners[who];
        let mut near: Vec<String> = match owner.tasks.get(&last) {
            Some(task) if self.random.chance(2) => {
                let next = task.next.iter().cloned();
                let parent = task.parent.iter().cloned();
                parent
                    .chain(next)
                    .chain(owner.below(&last, Place::Anywhere))
                    .chain([last])
                    .collect()
            }
            _ => Vec::new(),
        };
        near.retain(|id| owner.task(id, place).is_some());
        let id = match near.len() {
            0 => self.any_task(who, place),
            count => near[self.random.below(count)].clone(),
        };
        self.last[who].clone_from(&id);
        id
    }

    fn any_task(&mut self, who: usize, place: Place) -> String {
        let (whose, place) = match self.random.below(20) {
            0 => (1 - who, Place::Anywhere),
            1 | 2 => (who, Place::Anywhere),
            3 if !self.ended.is_empty() => {
                return self.ended[self.random.below(self.ended.len())].clone();
            }
            _ => (who, place),
        };
        let owner = &self.owners[whose];
        let there = owner
            .order
            .iter()
            .filter(|id| owner.task(id, place).is_some());
        let there: Vec<String> = there.cloned().collect();
        match there.len() {
            0 => self.id(),
            count => there[self.random.below(count)].clone(),
        }
    }

    fn some_list(&mut self, who: usize) -> String {
        let whose = if self.random.chance(15) { 1 - who } else { who };
        let lists = self.owners[whose].list_order.clone();
        match lists.len() {
            0 => self.id(),
            count => lists[self.random.below(count)].clone(),
        }
    }

    /// The version for If-Match, if one is sent: mostly the right one.
    fn version(&mut self, is: Option<i64>) -> Option<i64> {
        let right = !self.random.chance(4);
        let is = is.unwrap_or(1);
        self.random
            .chance(3)
            .then_some(if right { is } else { is + 1 })
    }

    /// The refusal of a write on a task, before its body counts.
    fn refusal(&self, who: usize, id: &str, place: Place, version: Option<i64>) -> Verdict<()> {
        match self.owners[who].task(id, place) {
            Some(task) if version.is_some_and(|version| version != task.version) => {
                Err((412, "version_mismatch"))
            }
            Some(_) => Ok(()),
            None if self.owners[1 - who].tasks.contains_key(id) => Err((403, "not_owner")),
            None => Err((404, "task_not_found")),
        }
    }

    fn refusal_of_list(
        &self,
        who: usize,
        id: &str,
        place: Place,
        version: Option<i64>,
    ) -> Verdict<()> {
        let list = self.owners[who].lists.get(id);
        let list = list
            .filter(|list| place == Place::Anywhere || list.is_trashed == (place == Place::Trash));
        match list {
            Some(list) if version.is_some_and(|version| version != list.version) => {
                Err((412, "version_mismatch"))
            }
            Some(_) => Ok(()),
            None if self.owners[1 - who].lists.contains_key(id) => Err((403, "not_owner")),
            None => Err((404, "list_not_found")),
        }
    }

    fn target(&mut self, who: usize, one_in: usize) -> Target {
        let mut target = Target::default();
        if self.random.chance(one_in) {
            target.list = Some((!self.random.chance(3)).then(|| self.some_list(who)));
        }
        if self.random.chance(one_in) {
            target.parent =
                Some((!self.random.chance(3)).then(|| self.some_task(who, Place::Live)));
        }
        target
    }

    fn tags(&mut self) -> Vec<String> {
        let count = self.random.below(3);
        let mut tags: Vec<String> = Vec::new();
        for _ in 0..count {
            let tag = self.random.pick(&TAGS).to_owned();
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        tags
    }

    /// A day that no server takes for past.
    fn day(&mut self) -> NaiveDate {
        NaiveDate::from_ymd_opt(2090, 1, 1).unwrap() + Days::new(self.random.below(300) as u64)
    }

    fn spot(&mut self, who: usize, id: &str) -> Option<Spot> {
        let siblings = self.owners[who]
            .task(id, Place::Live)
            .map(|_| self.owners[who].siblings(id));
        let beside = match siblings {
            Some(siblings) if !self.random.chance(4) => {
                let group = self.owners[who].group(&siblings);
                group[self.random.below(group.len())].clone()
            }
            _ => self.some_task(who, Place::Live),
        };
        Some(match self.random.below(5) {
            0 => Spot::First,
            1 => Spot::Last,
            2 => Spot::Before(beside),
            3 => Spot::After(beside),
            _ => return None,
        })
    }

    async fn create(&mut self, who: usize) {
        let to = self.target(who, 3);
        let mut task = Task::new(self.random.pick(&WORDS));
        task.tags = self.tags();
        if self.random.chance(2) {
            task.due = Some(self.day());
            task.every = self
                .random
                .chance(2)
                .then(|| 1 + self.random.below(40) as u64);
        }
        let mut body = json!({ "title": task.title, "tags": task.tags, "due_date": task.due });
        if let Some(days) = task.every {
            body["recurrence"] = json!({ "rule": rule(days) });
        }
        put_target(&mut body, &to);
        let verdict = self.owners[who].place_new(&to);
        let response = self.send(who, "POST", TASKS, Some(body), None).await;
        if let Some((made, (list, parent))) = self.judge(response, verdict, 201) {
            (task.list, task.parent) = (list, parent);
            self.owners[who].insert(id_of(&made), task);
        }
    }

    async fn patch(&mut self, who: usize) {
        let id = self.some_task(who, Place::Live);
        let version = self.version(self.owners[who].tasks.get(&id).map(|task| task.version));
        let to = self.target(who, 3);
        let mut body = json!({});
        let title = self.random.chance(3).then(|| self.random.pick(&WORDS));
        let tags = self.random.chance(3).then(|| self.tags());
        let due = self
            .random
            .chance(3)
            .then(|| (!self.random.chance(3)).then(|| self.day()));
        put(&mut body, "title", title.map(|title| json!(title)));
        put(&mut body, "tags", tags.as_ref().map(|tags| json!(tags)));
        put(&mut body, "due_date", due.map(|due| json!(due)));
        put_target(&mut body, &to);
        let mut verdict = self.refusal(who, &id, Place::Live, version);
        if verdict.is_ok() {
            verdict = self.owners[who].patch(&id, &to, |task| {
                if let Some(title) = title {
                    task.title = title.to_owned();
                }
                if let Some(tags) = tags {
                    task.tags = tags;
                }
                if let Some(due) = due {
                    task.due = due;
                    task.every.take_if(|_| due.is_none());
                }
            });
        }
        let path = format!("{TASKS}/{id}");
        let response = self.send(who, "PATCH", &path, Some(body), version).await;
        self.judge(response, verdict, 200);
    }

    async fn move_task(&mut self, who: usize) {
        let id = self.some_task(who, Place::Live);
        let version = self.version(self.owners[who].tasks.get(&id).map(|task| task.version));
        let to = self.target(who, 3);
        let spot = self.spot(who, &id);
        let mut body = json!({});
        put_target(&mut body, &to);
        put_spot(&mut body, spot.as_ref());
        if body == json!({}) {
            return;
        }
        let mut verdict = self.refusal(who, &id, Place::Live, version);
        if verdict.is_ok() {
            verdict = self.owners[who].move_task(&id, &to, spot.as_ref());
        }
        let path = format!("{TASKS}/{id}/move");
        let response = self.send(who, "POST", &path, Some(body), version).await;
        if self.judge(response, verdict, 200).is_some() {
            self.see_neighbors(who, &id).await;
        }
    }

    /// A move may give new positions to neighbors, where several stood at one. Then the task
    /// itself gets one though it is where it was, or needs none though it was not.
    async fn see_neighbors(&mut self, who: usize, id: &str) {
        let rows = self.all(who, &format!("{TASKS}?sort=position")).await;
        let owner = &mut self.owners[who];
        let siblings = owner.siblings(id);
        let is_new = |row: &&Value| row["version"] == owner.tasks[id_of(row)].version + 1;
        let is_neighbor = |row: &&Value| id_of(row) != id && owner.siblings(id_of(row)) == siblings;
        let new = rows.iter().filter(is_neighbor).filter(is_new).map(id_of);
        let new: Vec<&str> = new.collect();
        for id in &new {
            owner.tasks.get_mut(*id).unwrap().version += 1;
        }
        if !new.is_empty() {
            let own = version_in(&rows, id);
            let version = &mut owner.tasks.get_mut(id).unwrap().version;
            assert!(version.abs_diff(own) <= 1);
            *version = own;
        }
    }

    async fn complete(&mut self, who: usize) {
        let id = self.some_task(who, Place::Live);
        let version = self.version(self.owners[who].tasks.get(&id).map(|task| task.version));
        let done = !self.random.chance(3);
        let subtasks = done && self.random.chance(3);
        let mut body = json!({ "completed": done });
        let is_patch = !subtasks && !self.random.chance(2);
        // Mostly near the task, that is, at its successor, too.
        let to = match is_patch {
            true => self.target(who, 3),
            false => Target::default(),
        };
        let path = match is_patch {
            false => format!("{TASKS}/{id}/complete"),
            true => format!("{TASKS}/{id}"),
        };
        if subtasks {
            body["subtasks"] = json!(true);
        }
        put_target(&mut body, &to);
        let mut verdict = self
            .refusal(who, &id, Place::Live, version)
            .map(|()| Vec::new());
        if verdict.is_ok() {
            verdict = match is_patch {
                true => self.owners[who].complete_at(&id, &to, done),
                false => Ok(self.owners[who].complete(&id, done, subtasks)),
            };
        }
        let response = self.send(who, "PATCH", &path, Some(body), version).await;
        if let Some((_, made)) = self.judge(response, verdict, 200)
            && !made.is_empty()
        {
            self.follow(who, &made).await;
        }
    }

    /// Takes over the ids of what the server has made.
    async fn follow(&mut self, who: usize, made: &[Successor]) {
        let rows = self.all(who, &format!("{TASKS}?sort=position")).await;
        for successor in made {
            let of = rows.iter().find(|row| row["id"] == successor.of);
            let next = of.and_then(|row| row["next_id"].as_str());
            let next = next
                .unwrap_or_else(|| panic!("no successor\n{}", self.said()))
                .to_owned();
            // The copies below one are in the order of what they are copies of.
            let mut below: BTreeMap<String, VecDeque<String>> = BTreeMap::new();
            for row in by_position(&rows) {
                if let Some(parent) = row["parent_id"].as_str() {
                    below
                        .entry(parent.to_owned())
                        .or_default()
                        .push_back(id_of(row).to_owned());
                }
            }
            let said = self.said();
            self.owners[who].follow(successor, &next, |parent| {
                let copies = below.get_mut(parent);
                let copy = copies.and_then(VecDeque::pop_front);
                copy.unwrap_or_else(|| panic!("a copy is missing below {parent}\n{said}"))
            });
        }
    }

    async fn delete(&mut self, who: usize, permanent: bool) {
        let place = if permanent {
            Place::Anywhere
        } else {
            Place::Live
        };
        let id = self.some_task(who, place);
        let version = self.version(self.owners[who].tasks.get(&id).map(|task| task.version));
        let verdict = self.refusal(who, &id, place, version);
        let query = if permanent { "?permanent=true" } else { "" };
        let path = format!("{TASKS}/{id}{query}");
        let response = self.send(who, "DELETE", &path, None, version).await;
        if self.judge(response, verdict, 204).is_some() {
            match permanent {
                true => self.owners[who].end(&id),
                false => self.owners[who].trash(&id),
            }
        }
    }

    async fn restore(&mut self, who: usize) {
        let id = self.some_task(who, Place::Trash);
        let version = self.version(self.owners[who].tasks.get(&id).map(|task| task.version));
        let verdict = self.refusal(who, &id, Place::Trash, version);
        let path = format!("{TASKS}/{id}/restore");
        let response = self.send(who, "POST", &path, None, version).await;
        if self.judge(response, verdict, 200).is_some() {
            self.owners[who].restore(&id);
            self.has_restored[who] = true;
        }
    }

    async fn bulk(&mut self, who: usize) {
        let (query, deleted) = match self.random.below(3) {
            0 => ("tasks?trash=true", self.owners[who].empty_trash()),
            1 => ("lists?trash=true", self.owners[who].empty_trash_of_lists()),
            _ => ("tasks?completed=true", self.owners[who].clear()),
        };
        let path = format!("/api/v1/{query}");
        let response = self.send(who, "DELETE", &path, None, None).await;
        let (body, ()) = self.judge(response, Ok(()), 200).unwrap();
        assert_eq!(body, json!({ "deleted": deleted }), "{}", self.said());
    }

    async fn create_list(&mut self, who: usize) {
        let name = self.random.pick(&WORDS);
        let body = json!({ "name": name });
        let response = self.send(who, "POST", LISTS, Some(body), None).await;
        let (made, ()) = self.judge(response, Ok(()), 201).unwrap();
        self.owners[who].insert_list(id_of(&made), name);
    }

    async fn patch_list(&mut self, who: usize) {
        let id = self.some_list(who);
        let version = self.version_of_list(who, &id);
        let verdict = self.refusal_of_list(who, &id, Place::Live, version);
        let (name, archived) = (self.random.pick(&WORDS), self.random.chance(2));
        let body = json!({ "name": name, "archived": archived });
        let path = format!("{LISTS}/{id}");
        let response = self.send(who, "PATCH", &path, Some(body), version).await;
        if self.judge(response, verdict, 200).is_some() {
            self.owners[who].patch_list(&id, |list| {
                list.name = name.to_owned();
                list.archived = archived;
            });
        }
    }

    async fn move_list(&mut self, who: usize) {
        let id = self.some_list(who);
        let version = self.version_of_list(who, &id);
        let beside = self.some_list(who);
        let spot = match self.random.below(4) {
            0 => Spot::First,
            1 => Spot::Last,
            2 => Spot::Before(beside),
            _ => Spot::After(beside),
        };
        let mut verdict = self.refusal_of_list(who, &id, Place::Live, version);
        if verdict.is_ok() && !self.owners[who].move_list(&id, &spot) {
            verdict = Err((422, "invalid_list"));
        }
        let mut body = json!({});
        put_spot(&mut body, Some(&spot));
        let path = format!("{LISTS}/{id}/move");
        let response = self.send(who, "POST", &path, Some(body), version).await;
        if self.judge(response, verdict, 200).is_none() {
            return;
        }
        let archived = self.all(who, &format!("{LISTS}?archived=true")).await;
        let others = self.all(who, &format!("{LISTS}?archived=false")).await;
        let rows: Vec<Value> = archived.into_iter().chain(others).collect();
        let lists = &mut self.owners[who].lists;
        let is_new = |row: &&Value| row["version"] == lists[id_of(row)].version + 1;
        let is_neighbor = |row: &&Value| id_of(row) != id;
        let new = rows.iter().filter(is_neighbor).filter(is_new).map(id_of);
        let new: Vec<&str> = new.collect();
        for id in &new {
            lists.get_mut(*id).unwrap().version += 1;
        }
        if !new.is_empty() {
            let own = version_in(&rows, &id);
            let version = &mut lists.get_mut(&id).unwrap().version;
            assert!(version.abs_diff(own) <= 1);
            *version = own;
        }
    }

    async fn delete_list(&mut self, who: usize) {
        let id = self.some_list(who);
        let version = self.version_of_list(who, &id);
        let permanent = self.random.chance(2);
        let (place, query) = match permanent {
            true => (Place::Anywhere, "?permanent=true"),
            false => (Place::Live, ""),
        };
        let verdict = self.refusal_of_list(who, &id, place, version);
        let path = format!("{LISTS}/{id}{query}");
        let response = self.send(who, "DELETE", &path, None, version).await;
        if self.judge(response, verdict, 204).is_some() {
            match permanent {
                true => self.owners[who].end_list(&id),
                false => self.owners[who].trash_list(&id),
            }
        }
    }

    async fn restore_list(&mut self, who: usize) {
        let id = self.some_list(who);
        let version = self.version_of_list(who, &id);
        let verdict = self.refusal_of_list(who, &id, Place::Trash, version);
        let path = format!("{LISTS}/{id}/restore");
        let response = self.send(who, "POST", &path, None, version).await;
        if self.judge(response, verdict, 200).is_some() {
            self.owners[who].restore_list(&id);
            self.has_restored[who] = true;
        }
    }

    fn version_of_list(&mut self, who: usize, id: &str) -> Option<i64> {
        let is = self.owners[who].lists.get(id).map(|list| list.version);
        self.version(is)
    }

    async fn change_tag(&mut self, who: usize) {
        let from = self.random.pick(&TAGS);
        let to = (!self.random.chance(3)).then(|| self.random.pick(&TAGS));
        let name = percent_encoding::utf8_percent_encode(from, percent_encoding::NON_ALPHANUMERIC);
        let path = format!("/api/v1/tags?name={name}");
        let (method, body) = match to {
            Some(to) => ("PATCH", Some(json!({ "name": to }))),
            None => ("DELETE", None),
        };
        let changed = self.owners[who].change_tag(from, to);
        let response = self.send(who, method, &path, body, None).await;
        let (body, ()) = self.judge(response, Ok(()), 200).unwrap();
        assert_eq!(body, json!({ "changed": changed }), "{}", self.said());
    }

    /// Reads one task, or counts in groups, or lists the tags.
    async fn read(&mut self, who: usize) {
        let live = |task: &&Task| task.with.is_none();
        let said = self.said();
        match self.random.below(3) {
            0 => {
                let id = self.some_task(who, Place::Live);
                let verdict = self.refusal(who, &id, Place::Live, None);
                let response = self
                    .send(who, "GET", &format!("{TASKS}/{id}"), None, None)
                    .await;
                if let Some((body, ())) = self.judge(response, verdict, 200) {
                    assert_eq!(
                        shown(&body, &self.owners[who].tasks[&id].shown(&id)),
                        self.owners[who].tasks[&id].shown(&id)
                    );
                }
            }
            1 => {
                let path = format!("{TASKS}/count?completed=false&by=list");
                let response = self
                    .send(who, "GET", &path, None, None)
                    .await
                    .expect(200)
                    .json();
                let mut groups: BTreeMap<String, u64> = BTreeMap::new();
                for task in self.owners[who]
                    .tasks
                    .values()
                    .filter(live)
                    .filter(|task| !task.completed)
                {
                    *groups
                        .entry(task.list.clone().unwrap_or("inbox".into()))
                        .or_default() += 1;
                }
                let found = response["groups"].as_array().unwrap().iter();
                let found = found.map(|group| {
                    (
                        group["key"].as_str().unwrap().to_owned(),
                        group["count"].as_u64().unwrap(),
                    )
                });
                assert_eq!(found.collect::<BTreeMap<_, _>>(), groups, "{said}");
                assert_eq!(response["count"], groups.values().sum::<u64>(), "{said}");
            }
            _ => {
                let response = self
                    .send(who, "GET", "/api/v1/tags", None, None)
                    .await
                    .expect(200)
                    .json();
                let mut tags: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
                for task in self.owners[who].tasks.values().filter(live) {
                    for tag in &task.tags {
                        let (open, total) = tags.entry(tag).or_default();
                        *open += u64::from(!task.completed);
                        *total += 1;
                    }
                }
                let tags = tags.iter().map(
                    |(name, (open, total))| json!({ "name": name, "open": open, "total": total }),
                );
                assert_eq!(response["items"], Value::Array(tags.collect()), "{said}");
            }
        }
    }

    /// All rows of a collection.
    async fn all(&mut self, who: usize, path: &str) -> Vec<Value> {
        let (mut rows, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.clients[who]
                .get(&format!("{path}&limit=200{cursor}"))
                .await
                .expect(200)
                .json();
            rows.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return rows,
            }
        }
    }

    /// Compares everything that an owner has.
    async fn compare(&mut self, who: usize) {
        let live = self.all(who, &format!("{TASKS}?sort=position")).await;
        let trash = self.all(who, &format!("{TASKS}?trash=true")).await;
        let lists = self.all(who, &format!("{LISTS}?archived=false")).await;
        let archived = self.all(who, &format!("{LISTS}?archived=true")).await;
        let lists_in_trash = self.all(who, &format!("{LISTS}?trash=true")).await;
        let said = self.said();
        let owner = &mut self.owners[who];
        for (rows, is_trashed) in [(&live, false), (&trash, true)] {
            let tasks = owner
                .tasks
                .iter()
                .filter(|(_, task)| task.with.is_some() == is_trashed);
            let expected: BTreeMap<String, Value> = tasks
                .map(|(id, task)| (id.clone(), task.shown(id)))
                .collect();
            same_rows(rows, &expected, &said);
        }
        for (rows, archived, is_trashed) in [
            (&lists, Some(false), false),
            (&archived, Some(true), false),
            (&lists_in_trash, None, true),
        ] {
            let lists = owner.lists.iter().filter(|(_, list)| {
                list.is_trashed == is_trashed
                    && archived.is_none_or(|archived| list.archived == archived)
            });
            let expected: BTreeMap<String, Value> = lists
                .map(|(id, list)| (id.clone(), list.shown(id)))
                .collect();
            same_rows(rows, &expected, &said);
        }
        let order: Vec<String> = by_position(&live)
            .into_iter()
            .map(|row| id_of(row).to_owned())
            .collect();
        let all_lists: Vec<Value> = lists.iter().chain(&archived).cloned().collect();
        let list_order: Vec<String> = by_position(&all_lists)
            .into_iter()
            .map(|row| id_of(row).to_owned())
            .collect();
        if std::mem::take(&mut self.has_restored[who]) {
            let is_trashed = |id: &&String| owner.tasks[*id].with.is_some();
            let in_trash: Vec<String> = owner.order.iter().filter(is_trashed).cloned().collect();
            owner.order = order.iter().cloned().chain(in_trash).collect();
            let trashed = owner
                .list_order
                .iter()
                .filter(|id| !list_order.contains(id))
                .cloned();
            owner.list_order = list_order
                .iter()
                .cloned()
                .chain(trashed.collect::<Vec<_>>())
                .collect();
        }
        assert_eq!(list_order, owner.live_lists(), "{said}");
        for id in &order {
            let siblings = owner.siblings(id);
            let shown = order.iter().filter(|id| owner.siblings(id) == siblings);
            assert_eq!(
                shown.cloned().collect::<Vec<_>>(),
                owner.group(&siblings),
                "{said}"
            );
        }
        owner.is_whole();
    }

    async fn step(&mut self) {
        let who = self.random.below(2);
        let is_full = self.owners[who].tasks.len() >= MAX_TASKS;
        let has_lists = self.owners[who].lists.len() >= MAX_LISTS;
        let before: Vec<String> = self.owners[who].order.clone();
        match self.random.below(48) {
            0..=8 if is_full => self.delete(who, true).await,
            0..=8 => self.create(who).await,
            9..=13 => self.patch(who).await,
            14..=20 => self.move_task(who).await,
            21..=25 => self.complete(who).await,
            26..=29 => self.delete(who, false).await,
            30 => self.delete(who, true).await,
            31..=34 => self.restore(who).await,
            35 if self.random.chance(5) => self.bulk(who).await,
            36 if has_lists => self.delete_list(who).await,
            36 | 37 => self.create_list(who).await,
            38 => self.patch_list(who).await,
            39 => self.move_list(who).await,
            40 | 41 => self.delete_list(who).await,
            42 | 43 => self.restore_list(who).await,
            44 => self.change_tag(who).await,
            _ => self.read(who).await,
        }
        let is_gone = |id: &&String| !self.owners[who].tasks.contains_key(*id);
        self.ended.extend(before.iter().filter(is_gone).cloned());
        self.ended.drain(..self.ended.len().saturating_sub(20));
    }
}

fn id_of(row: &Value) -> &str {
    row["id"].as_str().unwrap()
}

fn version_in(rows: &[Value], id: &str) -> i64 {
    let row = rows.iter().find(|row| id_of(row) == id);
    row.unwrap()["version"].as_i64().unwrap()
}

/// Of a row what the model knows.
fn shown(row: &Value, like: &Value) -> Value {
    let names = like.as_object().unwrap().keys();
    names
        .map(|name| (name.clone(), row[name].clone()))
        .collect()
}

fn same_rows(rows: &[Value], expected: &BTreeMap<String, Value>, said: &str) {
    let like = expected.values().next();
    let found: BTreeMap<String, Value> = rows
        .iter()
        .map(|row| (id_of(row).to_owned(), shown(row, like.unwrap_or(row))))
        .collect();
    assert_eq!(&found, expected, "{said}");
}

/// Siblings in their order.
fn by_position(rows: &[Value]) -> Vec<&Value> {
    let mut rows: Vec<&Value> = rows.iter().collect();
    rows.sort_by_key(|row| (row["position"].as_str().unwrap(), id_of(row)));
    rows
}

fn put(body: &mut Value, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        body[name] = value;
    }
}

fn put_target(body: &mut Value, to: &Target) {
    put(body, "list_id", to.list.as_ref().map(|list| json!(list)));
    put(
        body,
        "parent_id",
        to.parent.as_ref().map(|parent| json!(parent)),
    );
}

fn put_spot(body: &mut Value, spot: Option<&Spot>) {
    match spot {
        Some(Spot::First) => body["first"] = json!(true),
        Some(Spot::Last) => body["last"] = json!(true),
        Some(Spot::Before(id)) => body["before"] = json!(id),
        Some(Spot::After(id)) => body["after"] = json!(id),
        None => {}
    }
}

async fn random_operations_on_all_that_organises_tasks_never_diverge_from_the_model(
    engine: Engine,
) {
    let app = TestApp::spawn(engine).await;
    let mut world = World {
        random: Random(seed()),
        owners: Default::default(),
        clients: OWNERS.map(|owner| app.user(owner)),
        last: Default::default(),
        ended: VecDeque::new(),
        log: VecDeque::new(),
        has_restored: [false; 2],
    };
    for done in 0..operations(1_000) {
        world.step().await;
        if done % EACH == 0 || world.has_restored.contains(&true) {
            for who in 0..2 {
                world.compare(who).await;
            }
        }
    }
    for who in 0..2 {
        world.compare(who).await;
        assert!(
            !world.owners[who].tasks.is_empty(),
            "something is left to compare"
        );
    }
}

/// The same operations in each run, unless this variable says another number.
fn seed() -> u64 {
    let seed = std::env::var("MODEL_SEED").ok();
    seed.map_or(0x6f72_6761_6e69, |seed| seed.parse().expect("MODEL_SEED"))
}

//! What others do between reading what is there and writing the plan.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::document::MAX_ITEMS;
use super::super::format::Format;
use super::super::readers::read;
use super::plan::{Plan, plan};
use super::snapshot::ReadSnapshot;
use super::write::{Limits, Written, write};
use crate::auth::{OwnerId, Policy, Verifier, sign_hs256, unix_now};
use crate::db::bridge::Db;
use crate::db::erase;
use crate::db::table::Table as _;
use crate::lists::model::ListRow;
use crate::primitives::timestamp::Timestamp;
use crate::settings::{Database, DatabaseUrl, PipelineCount, Secret};
use crate::tasks::model::TaskRow;

/// An owner can be created from a token only.
fn alice() -> OwnerId {
    let secret = Secret::parse("a secret of the tests, 0123456789 abcdef").unwrap();
    let token = sign_hs256(&secret, "alice", 60, &Policy::default()).unwrap();
    let verifier = Verifier::new(&[secret], Policy::default());
    verifier.verify(&token, unix_now()).unwrap().owner().clone()
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

fn database() -> Db {
    let db = Db::start(&Database {
        url: DatabaseUrl::SqliteMemory,
        pool_size: 1,
        pipelines: PipelineCount::Fixed(1),
        workers: 1,
        acquire_timeout: Duration::from_secs(20),
        statement_timeout: Duration::from_secs(20),
        prepared_statements: true,
        migrate_on_start: true,
    });
    let db = db.unwrap();
    db.migrate_memory().unwrap();
    db
}

async fn planned(db: &Db, file: &str) -> Arc<Plan> {
    let known = db.run(alice(), soon(), ReadSnapshot).await.unwrap();
    let document = read(Format::Ndjson, file.as_bytes(), MAX_ITEMS).unwrap();
    let now = Timestamp::now();
    Arc::new(plan(Format::Ndjson, document, &alice(), &known, now))
}

async fn written(db: &Db, plan: &Arc<Plan>) -> Written {
    let plan = Arc::clone(plan);
    let write = db.run_as_one_change(alice(), soon(), move |conn, owner, _| {
        write(conn, owner, &plan, &Limits::none(), |_| true)
    });
    write.await.unwrap()
}

/// As another replica would, which knows nothing of imports here.
async fn erase(db: &Db) {
    let tables = &[TaskRow::NAME, ListRow::NAME];
    let step = db.step(move |conn| erase::step(conn, "alice", tables));
    assert!(step.await.unwrap().is_last);
}

const LIST: &str = "{\"list\":{\"id\":\"l\",\"name\":\"l\"}}\n";
const TASK: &str = "{\"task\":{\"id\":\"a\",\"title\":\"a\"}}\n";
const MORE: &str = "{\"task\":{\"id\":\"b\",\"title\":\"b\"}}\n";

#[actix_rt::test]
async fn of_what_was_erased_meanwhile_nothing_counts_as_there() {
    for old in [TASK.to_owned(), LIST.to_owned(), format!("{LIST}{TASK}")] {
        let db = database();
        let first = planned(&db, &old).await;
        assert_eq!(written(&db, &first).await, Written::All);
        let file = format!("{old}{MORE}");
        let second = planned(&db, &file).await;
        assert_eq!(second.created().tasks, 1);
        erase(&db).await;
        // Half of the file would be there.
        assert_eq!(written(&db, &second).await, Written::Stale);
        let anew = planned(&db, &file).await;
        let existing = (anew.existing.tasks, anew.existing.lists);
        assert_eq!(existing, (0, 0));
        assert_eq!(written(&db, &anew).await, Written::All);
    }
}

#[actix_rt::test]
async fn of_two_imports_that_have_read_the_same_one_is_planned_anew() {
    let db = database();
    let file = format!("{LIST}{TASK}{MORE}");
    let (first, second) = (planned(&db, &file).await, planned(&db, &file).await);
    assert_eq!(written(&db, &second).await, Written::All);
    assert_eq!(written(&db, &first).await, Written::Stale);
    assert_eq!(planned(&db, &file).await.existing.tasks, 2);
}

#[actix_rt::test]
async fn a_task_that_goes_to_the_trash_with_its_list_needs_the_list() {
    let db = database();
    let list = LIST.replace("}}", ",\"deleted_at\":\"2026-11-01T00:00:00Z\"}}");
    let first = planned(&db, &format!("{MORE}{list}")).await;
    assert_eq!(written(&db, &first).await, Written::All);
    let task = TASK.replace(
        "}}",
        ",\"list_id\":\"l\",\"deleted_at\":\"2026-11-01T00:00:00Z\"}}",
    );
    let second = planned(&db, &format!("{MORE}{list}{task}")).await;
    // The list ends; what else is there stays.
    db.step(|conn| erase::step(conn, "alice", &[ListRow::NAME]))
        .await
        .unwrap();
    assert_eq!(written(&db, &second).await, Written::Stale);
}

//! Fairness: one owner's statements do not block another's.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use futures_util::future::{join, join_all};
use serde_json::json;

use crate::support::postgres::waiting_for_locks;
use crate::support::trust::eventually;
use crate::support::{Engine, TestApp, block_on};

const TASKS: &str = "/api/v1/tasks";

// On SQLite no statement of one owner can be made to wait for what another
// process holds without all writers waiting; src/db/owner_limiter.rs is the same for both.
#[test]
fn an_owner_whose_statements_wait_has_half_of_the_connections_and_the_others_go_on() {
    block_on(async {
        // Without pipelines, so that only the owner limiter decides.
        let variables = [
            ("TODOWARD__DATABASE__POOL_SIZE", "4"),
            ("TODOWARD__DATABASE__PIPELINES", "0"),
            ("TODOWARD__DATABASE__STATEMENT_TIMEOUT", "60"),
            ("TODOWARD__SERVER__REQUEST_TIMEOUT", "60"),
        ];
        let app = TestApp::with(Engine::Postgres, &variables).await;
        let alice = app.user("alice");
        let hers = alice.create_path("a").await;
        let mut lock = PgConnection::establish(&app.database_url).unwrap();
        let mut watch = PgConnection::establish(&app.database_url).unwrap();
        lock.batch_execute("BEGIN; SELECT 1 FROM tasks WHERE title = 'a' FOR UPDATE")
            .unwrap();

        let patch = json!({ "completed": true });
        let hers = format!("{hers}/complete");
        let stuck = join_all((0..64).map(|_| alice.patch(&hers, &patch)));
        let others = async {
            eventually("hers wait", async || waiting_for_locks(&mut watch) == 2).await;
            // One owner in 8,192 shares her queue.
            let mut served = 0;
            for name in ["bob", "carol", "dave"] {
                let other = app.user(name);
                let created = other.post(TASKS, &json!({ "title": "b" })).await;
                let listed = other.get(TASKS).await;
                served += usize::from((created.status, listed.status) == (201, 200));
            }
            assert!(served >= 2, "{served} of 3 others were served");
            assert_eq!(waiting_for_locks(&mut watch), 2);
            lock.batch_execute("COMMIT").unwrap();
        };
        let (responses, ()) = join(stuck, others).await;
        let done = responses
            .iter()
            .filter(|response| response.status == 200)
            .count();
        let refused = responses
            .iter()
            .filter(|response| response.status == 503)
            .count();
        assert!(done >= 2 && done + refused == 64, "{done}, {refused}");
    });
}

//! Batches.

use serde_json::{Value, json};

use crate::support::{Client, Engine, Response, TestApp, on_both_databases};

on_both_databases! {
    first,
}

async fn first(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let ops: Vec<Value> = (0..100)
        .map(|n| json!({"method":"POST","path":"/tasks","body":{"title": format!("t{n}")}}))
        .collect();
    let mut best = [f64::MAX; 3];
    for _ in 0..5 {
        let t = std::time::Instant::now();
        for n in 0..100 {
            alice
                .post("/api/v1/tasks", &json!({"title": format!("t{n}")}))
                .await
                .expect(201);
        }
        best[0] = best[0].min(t.elapsed().as_secs_f64());
        for (at, atomic) in [(1, true), (2, false)] {
            let t = std::time::Instant::now();
            let r = alice
                .post(
                    "/api/v1/batch",
                    &json!({"atomic": atomic, "operations": ops}),
                )
                .await
                .expect(200);
            best[at] = best[at].min(t.elapsed().as_secs_f64());
            if best[at] == f64::MAX {
                println!("{}", r.text());
            }
        }
    }
    println!(
        "{engine:?} single {:.2} ms, atomic {:.2} ms, one by one {:.2} ms",
        best[0] * 1e3,
        best[1] * 1e3,
        best[2] * 1e3
    );
    let r = alice
        .post(
            "/api/v1/batch",
            &json!({"operations": [ops[0], {"method":"DELETE","path":"/tasks/x"}]}),
        )
        .await;
    println!("{} {}", r.status, r.text());
    let r = alice.post("/api/v1/batch", &json!({"atomic": false, "operations": [ops[0], {"method":"DELETE","path":"/tasks/x"}]})).await;
    println!("{} {}", r.status, r.text());
}

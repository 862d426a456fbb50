//! Benchmarks of single parts: what a request costs beside HTTP and the database.

#![expect(clippy::unwrap_used, reason = "a benchmark has nobody to answer to")]

use std::hint::black_box;
use std::time::Duration;

use actix_web::http::header::HeaderMap;
use actix_web::http::{Method, StatusCode};
use chrono::NaiveDate;
use criterion::{Criterion, criterion_group, criterion_main};
use todoward::auth::{Policy, Verifier, sign_hs256, unix_now};
use todoward::db::idempotency::Draft as _;
use todoward::db::owned::Owned as _;
use todoward::metrics::Metrics;
use todoward::primitives::id::ResourceId;
use todoward::primitives::json;
use todoward::rate_limit::Limits;
use todoward::settings::{RateLimit, Secret};
use todoward::tasks::columns::SortedRow;
use todoward::tasks::cursor::Position;
use todoward::tasks::due::{DueTime, TimeZone, due_at};
use todoward::tasks::input::{NewTask, Patch};
use todoward::tasks::query::ListQuery;
use todoward::tasks::recurrence::Rule;

const BODY: &[u8] = br#"{"title":"Buy milk","description":"Two litres, the good one","priority":"high","due_date":"2026-12-01","tags":["home","shop"]}"#;

fn parts(criterion: &mut Criterion) {
    let secret = Secret::parse("a secret of the benchmarks, 0123456789").unwrap();
    let policy = || Policy {
        issuers: vec!["https://app.example.com".into()],
        audiences: vec!["https://app.example.com".into()],
        leeway: 15.0,
        ..Policy::default()
    };
    // As long as a user id of Better Auth.
    let subject = "Yq3Yq3Yq3Yq3Yq3Yq3Yq3Yq3Yq3Yq3Yq";
    let token = sign_hs256(&secret, subject, 900, &policy()).unwrap();
    let verifier = Verifier::new(std::slice::from_ref(&secret), policy());
    let now = unix_now();
    let owner = verifier.verify(&token, now).unwrap().owner().clone();

    let mut forged = token.clone();
    forged.pop();
    forged.push('A');
    criterion.bench_function("refuse a forged token", |bencher| {
        bencher.iter(|| verifier.verify(black_box(&forged), now).is_err());
    });
    let limit = RateLimit {
        per_second: 1_000_000,
        burst: 1_000_000,
    };
    let limits = Limits::new(limit, Vec::new());
    criterion.bench_function("limit an owner, and say so", |bencher| {
        let mut headers = HeaderMap::new();
        bencher.iter(|| {
            if let Ok(left) = limits.count(black_box(&owner)) {
                limits.describe(left, &mut headers);
            }
        });
    });
    let metrics = Metrics::new().unwrap();
    criterion.bench_function("count a request", |bencher| {
        let (route, took) = (Some("/api/v1/tasks/{id}"), Duration::from_micros(700));
        bencher.iter(|| metrics.answered(&Method::GET, black_box(route), StatusCode::OK, took));
    });
    criterion.bench_function("parse a body", |bencher| {
        bencher.iter(|| NewTask::parse(&json::parse(black_box(BODY)).unwrap()).unwrap());
    });
    let draft = NewTask::parse(&json::parse(BODY).unwrap()).unwrap();
    let task = draft.make(&owner, ResourceId::generate());
    criterion.bench_function("serialise a task", |bencher| {
        let mut json = Vec::with_capacity(512);
        bencher.iter(|| {
            json.clear();
            black_box(&task).write_json(&mut json).unwrap();
        });
    });
    let patch = Patch::parse(&json::parse(br#"{"completed":true}"#).unwrap()).unwrap();
    criterion.bench_function("apply a patch", |bencher| {
        bencher.iter(|| patch.apply(black_box(&task), task.updated_at));
    });
    let list = "completed=false&tag=home&sort=-due_date&limit=20";
    criterion.bench_function("parse a list query", |bencher| {
        bencher.iter(|| ListQuery::parse(black_box(list), &owner).unwrap());
    });
    let all = "completed=true&priority=low&priority=high&tag=home&tag=shop&due_before=2027-01-01\
               &due_after=2026-01-01&q=Two%20LITRES&sort=title&limit=200";
    criterion.bench_function("parse a list query with all filters", |bencher| {
        bencher.iter(|| ListQuery::parse(black_box(all), &owner).unwrap());
    });
    let query = ListQuery::parse(list, &owner).unwrap();
    let row = SortedRow {
        fields: task.fields(),
        title: None,
    };
    let last = Position::of(&row, &query.sort);
    criterion.bench_function("make a cursor", |bencher| {
        bencher.iter(|| query.cursor_after(&owner, black_box(&last)));
    });
    let next = query.next_page(&query.cursor_after(&owner, &last));
    criterion.bench_function("read a cursor", |bencher| {
        bencher.iter(|| ListQuery::parse(black_box(&next), &owner).unwrap());
    });
}

/// What a list does for each task with a time zone, and a completion for a rule.
fn due(criterion: &mut Criterion) {
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    let time = DueTime::parse("09:30").unwrap();
    let date = day("2026-12-01");
    criterion.bench_function("find a zone and an instant", |bencher| {
        bencher.iter(|| {
            let zone = TimeZone::parse(black_box("America/New_York")).unwrap();
            due_at(black_box(date), time, &zone)
        });
    });
    for (name, rule, anchor, after) in [
        (
            "next date of a month",
            "FREQ=MONTHLY",
            "2026-01-31",
            "2026-12-31",
        ),
        (
            "longest search for a date",
            "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
            "1970-01-01",
            "1970-01-01",
        ),
        (
            "longest count of dates",
            "FREQ=DAILY;COUNT=9999999;BYDAY=MO,TU;BYSETPOS=1,-1",
            "1970-01-01",
            "9999-12-20",
        ),
    ] {
        let rule = Rule::parse(rule).unwrap();
        let (anchor, after) = (day(anchor), day(after));
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| rule.next_after(black_box(anchor), after));
        });
    }
}

criterion_group!(benches, parts, due);
criterion_main!(benches);

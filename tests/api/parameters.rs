//! Query parameters: unknown and invalid ones are refused and named.

use serde_json::json;

use crate::support::{Engine, Response, TestApp, on_both_databases};

on_both_databases! {
    a_list_takes_its_parameters_up_to_their_borders,
    a_value_out_of_its_rule_is_refused_and_named,
    a_count_has_the_filters_of_a_list_and_nothing_else,
    a_cursor_that_the_list_did_not_give_out_is_refused,
    a_parameter_that_a_list_does_not_have_is_refused_and_named,
    other_endpoints_have_no_parameters_and_do_nothing_if_given_one,
}

const TASKS: &str = "/api/v1/tasks";

/// The parameters of a problem, sorted.
fn named(response: &Response) -> Vec<String> {
    let problem = response.json();
    let errors = problem["errors"].as_array().unwrap();
    let mut names: Vec<String> = errors
        .iter()
        .map(|error| error["parameter"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

async fn a_list_takes_its_parameters_up_to_their_borders(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let tags = |count: usize| (0..count).map(|n| format!("&tag={n}")).collect::<String>();
    let good = [
        String::new(),
        "&&".into(),
        "limit=1".into(),
        "limit=200".into(),
        "completed=true".into(),
        "completed=false".into(),
        "priority=low&priority=high&priority=low".into(),
        tags(50),
        "&tag=0".repeat(50),
        format!("tag={}", "%F0%9F%9B%92".repeat(60)),
        format!("q={}", "%F0%9F%9B%92".repeat(100)),
        "q=%25".into(),
        "q=a+b".into(),
        "q=+1+2+3+4+5+6+7+8+9+10+".into(),
        "q=%26limit%3D0".into(),
        "due_before=1970-01-01&due_after=9999-12-31".into(),
        "%6Cimit=%31".into(),
        "sort=created_at".into(),
        "sort=-created_at".into(),
        "sort=updated_at".into(),
        "sort=-updated_at".into(),
        "sort=due_date".into(),
        "sort=-due_date".into(),
        "sort=priority".into(),
        "sort=-priority".into(),
        "sort=title".into(),
        "sort=-title".into(),
        "sort=completed_at,-position,updated_at".into(),
        "sort=%2Dpriority%2Cdue_date".into(),
        "list=inbox&list=01a1f7e7-b530-74f8-94e4-b4dc1460f2f1".into(),
        "&list=inbox".repeat(50),
        "parent=none&parent=00000000-0000-0000-0000-000000000000".into(),
        tags(50).replace("tag", "any_tag"),
        format!("no_tag={}", "%F0%9F%9B%92".repeat(60)),
        "untagged=true&recurring=false&due=any".into(),
        "due=none&trash=true".into(),
        "trash=false".into(),
        "completed_after=1970-01-01T00:00:00Z".into(),
        "completed_before=9999-12-31T23:59:59.999Z&updated_after=2026-12-01T09:00:00%2B14:00"
            .into(),
    ];
    for query in good {
        let response = alice.get(&format!("{TASKS}?{query}")).await;
        assert_eq!(
            (response.status, response.json()),
            (200, json!({ "items": [], "next_cursor": null })),
            "{query}"
        );
    }
}

async fn a_value_out_of_its_rule_is_refused_and_named(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    alice.create(json!({ "title": "a" })).await;
    let too_many: String = (0..51).map(|n| format!("&tag={n}")).collect();
    let too_often = "&tag=0".repeat(51);
    let wrong: Vec<(&str, Vec<String>)> = vec![
        (
            "limit",
            [
                "0",
                "201",
                "-1",
                "%2B1",
                "abc",
                "",
                "1e2",
                "1.5",
                "10000",
                "65536",
                "65537",
                "9223372036854775808",
                "0x10",
                "%201",
                "1%20",
                "1,2",
                "%D9%A3",
                "%EF%BC%91",
                "1%00",
                "1;2",
            ]
            .map(|value| format!("limit={value}"))
            .into(),
        ),
        (
            "limit",
            vec![
                "limit".into(),
                "limit=1&limit=1".into(),
                "limit=1&limit=200".into(),
                "limit=1&%6Cimit=2".into(),
            ],
        ),
        (
            "completed",
            [
                "TRUE",
                "True",
                "1",
                "0",
                "yes",
                "",
                "true%20",
                "null",
                "true,false",
            ]
            .map(|value| format!("completed={value}"))
            .into(),
        ),
        (
            "completed",
            vec![
                "completed".into(),
                "completed=true&completed=true".into(),
                "completed=true&completed=false".into(),
            ],
        ),
        (
            "priority",
            ["", "HIGH", "urgent", "low,high", "3", "%20low"]
                .map(|value| format!("priority={value}"))
                .into(),
        ),
        (
            "tag",
            vec![
                "tag=".into(),
                "tag".into(),
                "tag=a%00b".into(),
                format!("tag={}", "a".repeat(61)),
                too_many,
                too_often,
            ],
        ),
        (
            "due_before",
            [
                "",
                "2025-02-29",
                "1969-12-31",
                "10000-01-01",
                "2025-1-1",
                "2025-01-01T00:00:00Z",
                "tomorrow",
                "%D9%A2025-01-01",
                "null",
            ]
            .map(|value| format!("due_before={value}"))
            .into(),
        ),
        (
            "due_after",
            ["", "2025-04-31", "0000-01-01", "%2B2025-01-1", "20250101"]
                .map(|value| format!("due_after={value}"))
                .into(),
        ),
        (
            "due_after",
            vec!["due_after=2025-01-01&due_after=2025-01-02".into()],
        ),
        (
            "q",
            vec![
                "q=".into(),
                "q".into(),
                "q=%20".into(),
                "q=%CC%81".into(),
                "q=1+2+3+4+5+6+7+8+9+10+11".into(),
                "q=%00".into(),
                "q=a%00b".into(),
                format!("q={}", "a".repeat(101)),
                "q=a&q=a".into(),
                "q=%FF".into(),
                "q=%C0%80".into(),
                "q=%ED%A0%80".into(),
            ],
        ),
        (
            "sort",
            [
                "",
                "-",
                "id",
                "Title",
                "--title",
                "title,id",
                "-title,-id",
                "%2Btitle",
                "title%20desc",
                "title%3BDROP%20TABLE%20tasks",
                "owner_id",
                "1",
            ]
            .map(|value| format!("sort={value}"))
            .into(),
        ),
        (
            "sort",
            vec![
                "sort=title&sort=title".into(),
                "sort=title,title".into(),
                "sort=title,-title".into(),
                "sort=title,priority,due_date,position".into(),
                "sort=title,".into(),
                "sort=deleted_at".into(),
                "sort=deleted_at&trash=true".into(),
                format!("sort={}", "title,".repeat(1000)),
            ],
        ),
        ("list", references("list", "none")),
        ("parent", references("parent", "inbox")),
        ("any_tag", vec!["any_tag=".into(), "any_tag=a%00".into()]),
        ("any_tag", vec!["&any_tag=0".repeat(51)]),
        ("no_tag", vec![format!("no_tag={}", "a".repeat(61))]),
        ("no_tag", vec!["&no_tag=0".repeat(51)]),
        ("due", values("due", &["", "None", "true", "2026-01-01"])),
        ("due", vec!["due=none&due=any".into()]),
        ("untagged", values("untagged", &["", "1", "True", "none"])),
        ("recurring", values("recurring", &["", "yes", "daily"])),
        ("trash", values("trash", &["", "1", "only", "TRUE"])),
        ("trash", vec!["trash=true&trash=false".into()]),
        ("completed_after", values("completed_after", &INSTANTS)),
        ("completed_before", values("completed_before", &INSTANTS)),
        ("updated_after", values("updated_after", &INSTANTS)),
        (
            "updated_after",
            vec!["updated_after=2026-12-01T09:00:00Z&updated_after=2026-12-01T09:00:00Z".into()],
        ),
        ("cursor", vec!["cursor=a&cursor=b".into()]),
    ];
    for (name, queries) in wrong {
        for query in queries {
            let response = alice.get(&format!("{TASKS}?{query}")).await;
            assert_eq!(response.status, 400, "{query}: {}", response.text());
            assert_eq!(
                named(&response.expect_problem(400, "invalid_parameter")),
                [name],
                "{query}"
            );
        }
    }
    assert_eq!(alice.titles("").await, ["a"]);
}

/// What is no instant.
const INSTANTS: [&str; 14] = [
    "",
    "2026-12-01",
    "2026-12-01T09:00",
    "2026-12-01T09:00:00",
    "2026-12-01T09:00:00+02:00",
    "2026-12-01T25:00:00Z",
    "2026-02-30T09:00:00Z",
    "1969-12-31T23:59:59.999Z",
    "1970-01-01T00:00:00%2B00:01",
    "9999-12-31T23:59:59.9999Z",
    "9999-12-31T23:59:59-00:01",
    "10000-01-01T00:00:00Z",
    "1790000000",
    "2026-12-01T09:00:00Z%00",
];

fn values(name: &str, values: &[&str]) -> Vec<String> {
    let value = |value: &&str| format!("{name}={value}");
    values.iter().map(value).collect()
}

/// What is neither an id nor this parameter's word.
fn references(name: &str, word_of_another: &str) -> Vec<String> {
    let mut wrong = values(
        name,
        &[
            "",
            "null",
            word_of_another,
            "INBOX",
            "1",
            "01A1F7E7-B530-74F8-94E4-B4DC1460F2F1",
            "01a1f7e7b53074f894e4b4dc1460f2f1",
            "%7B01a1f7e7-b530-74f8-94e4-b4dc1460f2f1%7D",
            "01a1f7e7-b530-74f8-94e4-b4dc1460f2f1,inbox",
            "01a1f7e7-b530-74f8-94e4-b4dc1460f2f1%00",
            "%27%20OR%201=1--",
        ],
    );
    wrong.push(format!("{name}=x&{name}=y"));
    let id = "01a1f7e7-b530-74f8-94e4-b4dc1460f2f1";
    wrong.push(format!("&{name}={id}").repeat(51));
    wrong
}

async fn a_count_has_the_filters_of_a_list_and_nothing_else(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    for (query, code, name) in [
        ("sort=title", "unknown_parameter", "sort"),
        ("limit=1", "unknown_parameter", "limit"),
        ("cursor=a", "unknown_parameter", "cursor"),
        ("by=title", "invalid_parameter", "by"),
        ("by=", "invalid_parameter", "by"),
        ("by=list,tag", "invalid_parameter", "by"),
        ("by=list&by=tag", "invalid_parameter", "by"),
        ("list=1", "invalid_parameter", "list"),
        ("q=%00", "invalid_parameter", "q"),
    ] {
        let response = alice.get(&format!("{TASKS}/count?{query}")).await;
        assert_eq!(
            named(&response.expect_problem(400, code)),
            [name],
            "{query}"
        );
    }
    let all = "completed=true&priority=low&list=inbox&parent=none&tag=a&any_tag=a&no_tag=b&untagged=false&due=any&due_before=2026-01-01&due_after=2026-01-01&recurring=true&completed_after=2026-01-01T00:00:00Z&completed_before=2026-01-01T00:00:00Z&updated_after=2026-01-01T00:00:00Z&q=a&trash=true&by=tag";
    let count = alice.get(&format!("{TASKS}/count?{all}")).await.expect(200);
    assert_eq!(count.json(), json!({ "count": 0, "groups": [] }));
}

async fn a_cursor_that_the_list_did_not_give_out_is_refused(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    for title in ["a", "b", "c"] {
        alice.create(json!({ "title": title })).await;
    }
    let cursor = alice.get(&format!("{TASKS}?limit=1")).await.json()["next_cursor"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut wrong: Vec<String> = [
        "",
        "a",
        "null",
        "%00",
        "%FF%FE",
        "e30",
        "eyJvd25lcl9pZCI6ImJvYiJ9",
        "'%20OR%201=1--",
    ]
    .map(str::to_owned)
    .into();
    wrong.extend((1..cursor.len()).map(|length| cursor[..length].to_owned()));
    wrong.extend([
        format!("{cursor}A"),
        format!("{cursor}="),
        format!("A{cursor}"),
        format!("%20{cursor}"),
        cursor.clone() + &cursor,
        "A".repeat(60_000),
    ]);
    for place in 0..cursor.len() {
        let other = if cursor.as_bytes()[place] == b'A' {
            "B"
        } else {
            "A"
        };
        let mut flipped = cursor.clone();
        flipped.replace_range(place..=place, other);
        wrong.push(flipped);
    }
    for cursor in wrong {
        let response = alice.get(&format!("{TASKS}?limit=1&cursor={cursor}")).await;
        assert_eq!(response.status, 400, "{cursor}: {}", response.text());
        let code = response.json()["code"].clone();
        assert!(
            code == "invalid_cursor" || cursor == "%FF%FE" && code == "invalid_parameter",
            "{cursor}"
        );
    }
    assert_eq!(
        alice.titles(&format!("?limit=1&cursor={cursor}")).await,
        ["b"]
    );
}

async fn a_parameter_that_a_list_does_not_have_is_refused_and_named(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    alice.create(json!({ "title": "a" })).await;
    let unknown = [
        ("x=1", "x"),
        ("callback=alert", "callback"),
        ("owner_id=bob", "owner_id"),
        ("user_id=bob", "user_id"),
        ("access_token=a.b.c", "access_token"),
        ("token=a", "token"),
        ("jwt=a", "jwt"),
        ("Limit=1", "Limit"),
        ("limit%5B%5D=1", "limit[]"),
        ("limit%20=1", "limit "),
        ("offset=0", "offset"),
        ("page=1", "page"),
        ("_method=DELETE", "_method"),
        ("=1", ""),
        ("limit%00=1", "limit\u{0}"),
        ("amp;limit=1", "amp;limit"),
        ("include_deleted", "include_deleted"),
        ("%C3%BC=1", "ü"),
    ];
    for (query, name) in unknown {
        let response = alice.get(&format!("{TASKS}?{query}")).await;
        assert_eq!(response.status, 400, "{query}: {}", response.text());
        assert_eq!(
            named(&response.expect_problem(400, "unknown_parameter")),
            [name]
        );
    }
    let both = alice
        .get(&format!("{TASKS}?y=1&limit=0&x=1&sort=x&q=a&q=b&x=2"))
        .await
        .expect_problem(400, "invalid_parameter");
    assert_eq!(named(&both), ["limit", "q", "sort", "x", "y"]);
    let many: String = (0..1000).map(|n| format!("&x{n}=1")).collect();
    assert_eq!(
        named(
            &alice
                .get(&format!("{TASKS}?{many}"))
                .await
                .expect_problem(400, "unknown_parameter")
        )
        .len(),
        50
    );
}

async fn other_endpoints_have_no_parameters_and_do_nothing_if_given_one(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    alice
        .create(json!({ "title": "done", "completed": true }))
        .await;
    let before = alice.get(TASKS).await.json();
    let body = json!({ "title": "b" });
    for query in [
        "x=1",
        "completed=true",
        "owner_id=bob",
        "_method=GET",
        "x",
        "version=1",
    ] {
        for (method, address) in [
            ("POST", TASKS),
            ("GET", &path),
            ("HEAD", &path),
            ("PATCH", &path),
            ("PUT", &path),
            ("DELETE", &path),
        ] {
            let response = alice
                .request(method, &format!("{address}?{query}"))
                .json(&body)
                .send()
                .await
                .expect(400);
            if method != "HEAD" {
                let name = query.split('=').next().unwrap();
                assert_eq!(
                    named(&response.expect_problem(400, "unknown_parameter")),
                    [name]
                );
            }
        }
        alice
            .patch(
                &format!("{path}/complete?{query}"),
                &json!({ "completed": true }),
            )
            .await
            .expect_problem(400, "unknown_parameter");
    }
    for (query, code, name) in [
        ("completed=true&x=1", "unknown_parameter", "x"),
        (
            "completed=true&priority=low",
            "unknown_parameter",
            "priority",
        ),
        ("completed=true&q=a", "unknown_parameter", "q"),
        ("Completed=true", "invalid_parameter", "Completed"),
    ] {
        let response = alice
            .delete(&format!("{TASKS}?{query}"))
            .await
            .expect_problem(400, code);
        assert!(
            named(&response).contains(&name.to_owned()),
            "{query}: {}",
            response.text()
        );
    }
    assert_eq!(alice.get(TASKS).await.expect(200).json(), before);
}

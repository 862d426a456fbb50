//! What is written is read again, and is the same, as far as the format has it.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::document::{Document, Identity, MAX_ITEMS};
use super::format::Format;
use super::{readers, writers::Writer};
use crate::auth::{OwnerId, Policy, Verifier, sign_hs256, unix_now};
use crate::db::idempotency::Draft as _;
use crate::lists::input::NewList;
use crate::lists::model::List;
use crate::primitives::id::ResourceId;
use crate::settings::Secret;
use crate::tasks::input::NewTask;
use crate::tasks::model::Task;

/// An owner can be created from a token only.
static OWNER: LazyLock<OwnerId> = LazyLock::new(|| {
    let secret = Secret::parse("a secret of the tests, 0123456789 abcdef").unwrap();
    let policy = Policy::default();
    let token = sign_hs256(&secret, "alice", 60, &policy).unwrap();
    let verifier = Verifier::new(&[secret], policy);
    verifier.verify(&token, unix_now()).unwrap().owner().clone()
});

fn id(n: u8) -> ResourceId {
    let text = format!("01a1f7e7-b530-74f8-94e4-b4dc1460f2{n:02x}");
    ResourceId::parse(&text).unwrap()
}

fn list(n: u8, name: &str) -> List {
    let body = json!({"name": name, "color": "#00ff00"});
    NewList::parse(&body).unwrap().make(&OWNER, id(n))
}

fn task(n: u8, body: &Value) -> Task {
    let mut task = NewTask::parse(body).unwrap().make(&OWNER, id(n));
    task.list_id = body["list_id"].as_str().and_then(ResourceId::parse);
    task
}

fn written(format: Format, lists: &[List], tasks: &[Task]) -> Vec<u8> {
    let writer = Writer::new(format, lists.to_vec()).unwrap();
    let mut out = Vec::new();
    writer.begin(&mut out);
    for task in tasks {
        writer.task(task, &mut out);
    }
    writer.end(&mut out);
    out
}

fn read(format: Format, file: &[u8]) -> Document {
    let document = readers::read(format, file, MAX_ITEMS);
    document.unwrap_or_else(|why| panic!("{why:?} in {}", String::from_utf8_lossy(file)))
}

/// Titles that are something else to a spreadsheet, to todo.txt or to iCalendar.
const TRICKY: [&str; 28] = [
    "x buy milk",
    "X buy milk",
    "(A) first",
    "2026-01-01 day",
    "due:2026-01-01",
    "pri:A rec:1d t:2026-01-01 h:1 key:value",
    "+project @context",
    "\\+project key\\:value \\x",
    "x x 2026-01-01",
    "=SUM(A1)",
    "'=quoted",
    "''",
    "-1",
    "@cmd",
    "＝SUM(1)",
    "＋1",
    "－1",
    "＠cmd",
    "+1",
    "a, b; c\\n \\ d\"e\"",
    "C:\\dir https://example.org/?a=b:c 10:30",
    "café 👩‍👩‍👧 \u{301}",
    "BEGIN:VTODO",
    "  inner   spaces",
    "\\(A) \\2026-01-01",
    "é: x",
    "#hash !bang",
    "\"",
];

#[test]
fn a_title_that_looks_like_something_else_stays_what_it_is_in_every_format() {
    let home = list(1, "Home");
    let tasks: Vec<Task> = (10..)
        .zip(TRICKY)
        .map(|(n, title)| {
            task(
                n,
                &json!({"title": title, "completed": n % 2 == 0, "priority": "medium"}),
            )
        })
        .collect();
    for format in [
        Format::Ndjson,
        Format::Csv,
        Format::ICalendar,
        Format::TodoTxt,
    ] {
        let file = written(format, std::slice::from_ref(&home), &tasks);
        let document = read(format, &file);
        assert_eq!(document.dropped.items, [], "{format:?}");
        for (task, found) in tasks.iter().zip(&document.tasks) {
            assert_eq!(found.written.title, task.title, "{format:?}");
            assert_eq!(
                found.written.completed, task.completed,
                "{format:?} {:?}",
                task.title
            );
            assert_eq!(found.written.priority, task.priority, "{format:?}");
            assert_eq!(found.list, None);
            assert_eq!(found.written.schedule, task.schedule);
        }
        assert_eq!(document.tasks.len(), tasks.len());
    }
}

#[test]
fn no_cell_of_a_table_is_calculated_and_each_is_read_as_it_was() {
    for text in [
        "=1+1",
        "+1",
        "-1",
        "@x",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "\u{a0}+1",
        "\u{3000}＝1",
        "＝1",
        "＋1",
        "－1",
        "＠x",
        "'=1",
        "' =1",
        "'",
        "''",
        "' x",
        "'tis",
        "\u{feff}=1",
        "plain =1",
    ] {
        let body = json!({"title": "t", "description": text});
        let file = written(Format::Csv, &[], &[task(9, &body)]);
        let mut cells = csv::Reader::from_reader(file.as_slice());
        let record = cells.records().next().unwrap().unwrap();
        let bare = record[2].trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        let signs = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
        assert!(
            !bare.starts_with(signs) && !record[2].starts_with(['\t', '\r']),
            "{text:?}"
        );
        let document = read(Format::Csv, &file);
        let found = document.tasks[0]
            .written
            .description
            .as_ref()
            .map(|it| it.as_str());
        assert_eq!(found, Some(text));
    }
}

#[test]
fn until_ends_a_series_on_the_same_day_elsewhere() {
    for (time, zone, until) in [
        ("20:00", Some("America/New_York"), "20270102T010000Z"),
        ("08:00", Some("Asia/Tokyo"), "20261231T230000Z"),
        ("08:00", Some("UTC"), "20270101T080000Z"),
        ("08:00", None, "20270101T080000\r"),
    ] {
        let body = json!({"title": "t", "due_date": "2026-01-01", "due_time": time,
            "time_zone": zone, "recurrence": {"rule": "FREQ=DAILY;UNTIL=20270101"}});
        let tasks = [task(9, &body)];
        let file = written(Format::ICalendar, &[], &tasks);
        let document = read(Format::ICalendar, &file);
        assert_eq!(document.tasks[0].written.schedule, tasks[0].schedule);
        let file = String::from_utf8(file).unwrap();
        assert!(
            file.contains(&format!("RRULE:FREQ=DAILY;UNTIL={until}")),
            "{file}"
        );
        assert!(!file.contains("X-TODOWARD-RRULE"), "{file}");
    }
}

#[test]
fn two_lists_of_one_name_stay_two() {
    let lists = [list(1, "A b"), list(2, "A b"), list(3, "A_b")];
    let tasks: Vec<Task> = (1..4)
        .map(|n| task(n + 10, &json!({"title": "t", "list_id": id(n).to_string()})))
        .collect();
    for format in [
        Format::Ndjson,
        Format::Csv,
        Format::ICalendar,
        Format::TodoTxt,
    ] {
        let document = read(format, &written(format, &lists, &tasks));
        let found: Vec<Option<usize>> = document.tasks.iter().map(|task| task.list).collect();
        assert_eq!(found, [Some(0), Some(1), Some(2)], "{format:?}");
        assert_eq!(document.lists.len(), 3, "{format:?}");
    }
}

#[test]
fn rules_keep_their_meaning_and_with_todoward_their_words() {
    for (rule, from, due, rrule) in [
        (
            "FREQ=MONTHLY",
            "due",
            "2026-01-31",
            "RRULE:FREQ=MONTHLY;BYMONTHDAY=-1",
        ),
        (
            "FREQ=MONTHLY;BYMONTHDAY=30",
            "due",
            "2026-01-30",
            "RRULE:FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1",
        ),
        (
            "FREQ=MONTHLY;SKIP=OMIT",
            "due",
            "2026-01-31",
            "RRULE:FREQ=MONTHLY\r\n",
        ),
        (
            "FREQ=YEARLY",
            "due",
            "2024-02-29",
            "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=28,29;BYSETPOS=-1",
        ),
        ("FREQ=YEARLY", "due", "2026-01-31", "RRULE:FREQ=YEARLY\r\n"),
        (
            "FREQ=WEEKLY;UNTIL=20270101",
            "completion",
            "2026-01-05",
            "RRULE:FREQ=WEEKLY;UNTIL=20270101\r\n",
        ),
        (
            "FREQ=DAILY;INTERVAL=3",
            "completion",
            "2026-01-05",
            "RRULE:FREQ=DAILY;INTERVAL=3\r\n",
        ),
    ] {
        let body =
            json!({"title": "t", "due_date": due, "recurrence": {"rule": rule, "from": from}});
        let tasks = [task(9, &body)];
        for format in [Format::Ndjson, Format::Csv, Format::ICalendar] {
            let file = written(format, &[], &tasks);
            let document = read(format, &file);
            assert_eq!(
                document.tasks[0].written.schedule, tasks[0].schedule,
                "{format:?} {rule}"
            );
        }
        let file = String::from_utf8(written(Format::ICalendar, &[], &tasks)).unwrap();
        assert!(file.contains(rrule), "{file}");
    }
}

const PRIORITIES: [&str; 4] = ["none", "low", "medium", "high"];

fn bodies() -> impl Strategy<Value = Vec<Value>> {
    let text = prop_oneof![
        "[ -~]{0,30}[a-z]",
        "\\PC{0,20}[a-z]",
        "[=+@'\\\\(x\t\r\n -]{0,5}[a-z:]{1,9}[+@\\\\ a-z]{0,9}[a-z]"
    ];
    let one = (
        text.clone(),
        proptest::option::of(text.clone()),
        proptest::collection::vec(text, 0..4),
        proptest::option::of((0_u32..3650, proptest::option::of((0_u32..1440, 0_usize..4)))),
        0_usize..4,
        any::<bool>(),
        0_usize..3,
    );
    let one = one.prop_map(
        |(title, description, tags, due, priority, completed, place)| {
            let mut body = json!({
                "title": title, "completed": completed, "tags": tags,
                "priority": PRIORITIES[priority],
            });
            if let Some(text) = description {
                body["description"] = text.into();
            }
            if let Some((days, time)) = due {
                let day = chrono::NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
                body["due_date"] = (day + chrono::Days::new(days.into())).to_string().into();
                if let Some((minute, zone)) = time {
                    body["due_time"] = format!("{:02}:{:02}", minute / 60, minute % 60).into();
                    let zones = [
                        Value::Null,
                        "UTC".into(),
                        "Europe/Berlin".into(),
                        "Asia/Calcutta".into(),
                    ];
                    body["time_zone"] = zones[zone].clone();
                }
            }
            if place > 0 {
                body["list_id"] = id(u8::try_from(place).unwrap()).to_string().into();
            }
            body
        },
    );
    proptest::collection::vec(one, 0..8)
}

proptest! {
    #[test]
    fn a_document_is_the_same_after_csv_icalendar_and_json_lines(bodies in bodies()) {
        let lists = [list(1, "One"), list(2, "=Two, \"2\"")];
        let mut tasks = Vec::new();
        for (n, body) in (10..).zip(&bodies) {
            if NewTask::parse(body).is_ok() {
                tasks.push(task(n, body));
            }
        }
        for format in [Format::Ndjson, Format::Csv, Format::ICalendar] {
            let file = written(format, &lists, &tasks);
            let document = read(format, &file);
            prop_assert_eq!(&document.dropped.items, &[]);
            prop_assert_eq!(document.tasks.len(), tasks.len());
            for (task, found) in tasks.iter().zip(&document.tasks) {
                prop_assert_eq!(&found.identity, &Identity::Id(task.id));
                prop_assert_eq!(&found.written.schedule, &task.schedule);
                prop_assert_eq!(found.written.priority, task.priority);
                prop_assert_eq!(found.written.completed, task.completed);
                let wanted = task.list_id;
                let list = found.list.map(|list| document.lists[list].identity.clone());
                prop_assert_eq!(list, wanted.map(Identity::Id));
                // iCalendar knows one kind of line break, and no other control characters.
                if format != Format::ICalendar {
                    prop_assert_eq!(&found.written.title, &task.title);
                    prop_assert_eq!(&found.written.description, &task.description);
                    prop_assert_eq!(&found.written.tags, &task.tags);
                }
            }
        }
        let document = read(Format::TodoTxt, &written(Format::TodoTxt, &lists, &tasks));
        prop_assert_eq!(document.tasks.len(), tasks.len());
    }

    #[test]
    fn no_bytes_make_a_reader_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        text in "(BEGIN:|END:|VCALENDAR|VTODO|\n|\r| |:|;|,|\"|=|TYPE|CONTENT|title|\\{|\\}|\\[|\\]|\"items\"|x|rec:1d|due:|2026-01-01|RRULE|DUE|é){0,60}",
    ) {
        for format in [
            Format::Ndjson, Format::Csv, Format::ICalendar, Format::TodoTxt, Format::Google,
            Format::Todoist, Format::Microsoft,
        ] {
            let _ = readers::read(format, &bytes, MAX_ITEMS);
            let _ = readers::read(format, text.as_bytes(), MAX_ITEMS);
        }
    }
}

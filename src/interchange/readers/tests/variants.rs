//! Files that are written in other ways than most, and those that are too much.

use super::{document as file_of, dropped, tasks, why};
use crate::interchange::format::Format;
use crate::tasks::tags::Tags;

#[test]
fn lines_that_end_in_carriage_returns_alone_are_lines() {
    let todo = "BEGIN:VCALENDAR\rBEGIN:VTODO\rSUMMARY:one\rEND:VTODO\rBEGIN:VTODO\rSUMMARY:two\rEND:VTODO\rEND:VCALENDAR\r";
    for (format, file, lines) in [
        (Format::TodoTxt, "one\r\rtwo\r", [1, 3]),
        (Format::Csv, "title,tags\rone,\r\rtwo,\r", [2, 4]),
        (Format::Todoist, "TYPE,CONTENT\rtask,one\rtask,two", [2, 3]),
        (
            Format::Ndjson,
            "{\"task\":{\"title\":\"one\"}}\r{\"task\":{\"title\":\"two\"}}",
            [1, 2],
        ),
        (Format::ICalendar, todo, [2, 5]),
        (
            Format::Google,
            "{\"kind\":\"tasks#tasks\",\"items\":[\r{\"kind\":\"tasks#task\",\"title\":\"one\"},\r{\"kind\":\"tasks#task\",\"title\":\"two\"}]}",
            [2, 3],
        ),
    ] {
        let document = file_of(format, file);
        let found: Vec<(u64, &str)> = document
            .tasks
            .iter()
            .map(|task| (task.line, task.written.title.as_str()))
            .collect();
        assert_eq!(found, [(lines[0], "one"), (lines[1], "two")], "{format:?}");
    }
    // Beside line feeds they are part of the text.
    let document = file_of(Format::TodoTxt, "one\rmore\ntwo\n");
    assert_eq!(document.tasks.len(), 2);
}

#[test]
fn a_text_of_another_format_is_no_todo_txt() {
    for (file, hint) in [
        (
            "\n begin:vcalendar\r\nVERSION:2.0\r\n",
            "2 this is an iCalendar file",
        ),
        ("{\"task\":{\"title\":\"a\"}}\n", "1 these are JSON lines"),
        ("{\n \"kind\": \"tasks#taskLists\"", "1 this is JSON"),
        ("[{\"title\": \"a\"}]", "1 this is JSON"),
        ("TYPE,CONTENT,PRIORITY\n", "1 this is a table"),
        ("<!doctype html>\n", "1 this is a page"),
    ] {
        let why = why(Format::TodoTxt, file.as_bytes());
        assert!(why.starts_with(hint), "{why}");
    }
    let tasks = "[ ] buy milk\n{curly}\nbegin\nTYPE it\n";
    assert_eq!(file_of(Format::TodoTxt, tasks).tasks.len(), 4);
}

#[test]
fn todoist_levels_may_have_gaps_and_every_cell_is_told() {
    let file = "TYPE,CONTENT,INDENT,AUTHOR,DATE,TIMEZONE\n\
        task,top,1,,,\n\
        task,one,3,,,\n\
        task,two,3,,,\n\
        task,below two,4,,,\n\
        task,three,2,,,\n\
        task,odd,-1,,2026-03-29T23:30:00-05:00,Europe/Berlin,extra\n\
        note,a note,,Bob,,\n\
        section,Later,,Bob,,\n";
    let document = file_of(Format::Todoist, file);
    assert_eq!(
        tasks(&document),
        [
            "top",
            "one | parent=top",
            "two | parent=top",
            "below two | parent=two",
            "three | parent=top",
            "odd | text=a note | date=2026-03-30 | time=04:30 | zone=UTC",
        ]
    );
    assert_eq!(
        dropped(&document),
        [
            "7 odd INDENT",
            "7 odd column 7",
            "8 odd AUTHOR",
            "9 Later AUTHOR"
        ]
    );
    let twice = why(Format::Todoist, b"TYPE,CONTENT,content\n");
    assert!(
        twice.starts_with("1 the column \"CONTENT\" stands"),
        "{twice}"
    );
}

#[test]
fn icalendar_keeps_what_calendars_say_in_other_ways() {
    let todo = |inside: &str| format!("BEGIN:VTODO\n{inside}\nEND:VTODO\n");
    let file = [
        "begin:vcalendar\nBEGIN:VTIMEZONE\nTZID:Custom 1\nX-LIC-LOCATION:Europe/Berlin\nEND:VTIMEZONE\n",
        "BEGIN:VTIMEZONE\nTZID:GMT+1\nEND:VTIMEZONE\n",
        &todo("summary:Zone\nDUE;TZID=\"Custom 1\":20260301T080000"),
        &todo("SUMMARY:No zone\nDUE;TZID=GMT+1:20260301T080000"),
        &todo("SUMMARY:Leap\nSTATUS:COMPLETED\nCOMPLETED:20161231T235960Z\nDUE:20161231T235960Z"),
        &todo("SUMMARY:Early\nCREATED;TZID=Asia/Tokyo:19700101T000000"),
        &todo("SUMMARY:Half\nSTATUS:NEEDS-ACTION\nPERCENT-COMPLETE:100\nX-TODOWARD-LIST-ID:gone"),
        &todo("SUMMARY:Days\nDUE:99991231\nCATEGORIES:a,b\nCATEGORIES:b,c\\,d\nATTACH;VALUE=binary;ENCODING=BASE64:AAAA"),
        "NAME:Behind\nX-WR-CALNAME:Other\nEND:VCALENDAR\n",
        "BEGIN:VCALENDAR\n",
        &todo("SUMMARY:Second\nDUE:20260229\nBEGIN:VALARM\nUID:alarm\nDESCRIPTION:ring\nEND:VALARM"),
        "END:VCALENDAR\n",
    ]
    .concat();
    let document = file_of(Format::ICalendar, &file);
    assert_eq!(
        tasks(&document),
        [
            "Zone | date=2026-03-01 | time=08:00 | zone=Europe/Berlin | list=Behind",
            "No zone | date=2026-03-01 | time=08:00 | list=Behind",
            "Leap | done=2016-12-31T23:59:59.000Z | date=2016-12-31 | time=23:59 | zone=UTC | list=Behind",
            "Early | list=Behind",
            "Half | list=Behind",
            "Days | date=9999-12-31 | tags=a/b/c,d | list=Behind",
            "Second",
        ]
    );
    let told: Vec<String> = dropped(&document)
        .iter()
        .map(|it| it.split_once(' ').unwrap().1.to_owned())
        .collect();
    assert_eq!(
        told,
        [
            " X-WR-CALNAME",
            "No zone TZID",
            "Leap DUE",
            "Early CREATED",
            "Half PERCENT-COMPLETE",
            "Half X-TODOWARD-LIST-ID",
            "Days ATTACH",
            "Second VALARM",
            "Second DUE",
        ]
    );
}

#[test]
fn until_is_a_day_of_the_zone_that_the_task_is_due_in() {
    for (due, until, wanted) in [
        (
            "DTSTART;TZID=America/New_York:20260101T200000",
            "20260202T010000Z",
            "20260201",
        ),
        (
            "DTSTART;TZID=America/New_York:20260101T200000",
            "20260202T005959Z",
            "20260131",
        ),
        (
            "DTSTART;TZID=Asia/Tokyo:20260101T080000",
            "20260131T230000Z",
            "20260201",
        ),
        ("DTSTART:20260101T080000", "20260201T080000", "20260201"),
        ("DTSTART:20260101T080000Z", "20260201T000000Z", "20260131"),
        ("DTSTART;VALUE=DATE:20260101", "20260201", "20260201"),
    ] {
        let file = format!(
            "BEGIN:VCALENDAR\nBEGIN:VTODO\n{due}\nRRULE:FREQ=DAILY;UNTIL={until}\nEND:VTODO\nEND:VCALENDAR\n"
        );
        let document = file_of(Format::ICalendar, &file);
        let recurrence = document.tasks[0]
            .written
            .schedule
            .recurrence
            .as_ref()
            .unwrap();
        assert_eq!(
            recurrence.rule(),
            format!("FREQ=DAILY;UNTIL={wanted}"),
            "{due} {until}"
        );
    }
}

#[test]
fn responses_of_apis_say_when_there_is_more_and_one_list_is_a_list() {
    let google = r#"{"kind": "tasks#tasks", "nextPageToken": "x", "items": [
        {"kind": "tasks#task", "title": "a", "due": "2026-02-30T00:00:00Z"}]}"#;
    let document = file_of(Format::Google, google);
    assert_eq!(dropped(&document), ["1  nextPageToken", "2 a due"]);
    let tags = vec!["\"a\""; 1500].join(",");
    let microsoft = format!(
        "{{\"displayName\": \"Home\", \"tasks\": [{{\"title\": \"a\", \"categories\": [{tags}],
        \"dueDateTime\": {{\"dateTime\": \"2026-03-28T08:01:00\", \"timeZone\": \"Mars\"}},
        \"completedDateTime\": {{\"dateTime\": \"2016-12-31T23:59:60\", \"timeZone\": \"UTC\"}}, \"status\": \"completed\"}}]}}"
    );
    let document = file_of(Format::Microsoft, &microsoft);
    assert_eq!(
        tasks(&document),
        ["a | done=2016-12-31T23:59:59.000Z | date=2026-03-28 | time=08:01 | tags=a | list=Home"]
    );
    assert_eq!(dropped(&document), ["1 a categories", "1 a dueDateTime"]);
    let page = r#"{"value": [], "extra": 1}"#;
    assert_eq!(dropped(&file_of(Format::Microsoft, page)), ["1  extra"]);
    let list = "{\"kind\":\"tasks#taskLists\",\"items\":[{\"title\":\"a\\u0000b\"}]}";
    let document = file_of(Format::Google, list);
    assert_eq!(document.lists[0].name.as_str(), "ab");
    assert_eq!(dropped(&document), ["1 ab name"]);
}

/// Each of these would cost many times its size in memory, of which an import has what a
/// file of 20 MiB needs.
#[test]
fn what_is_small_in_a_file_and_large_in_memory_is_counted_or_refused() {
    let todo = |inside: &str| {
        format!("BEGIN:VCALENDAR\nBEGIN:VTODO\n{inside}\nEND:VTODO\nEND:VCALENDAR\n")
    };
    let many = (0..100_000).map(|n| format!("t{n}")).collect::<Vec<_>>();
    let csv = format!("title,tags\na,\"{}\"\n", many.join("\n"));
    let txt = format!("a @{}\n", many.join(" @"));
    let ics = todo(&format!("CATEGORIES:{}", many.join(",")));
    for (format, file) in [
        (Format::Csv, csv),
        (Format::TodoTxt, txt),
        (Format::ICalendar, ics),
    ] {
        let document = file_of(format, &file);
        let items = &document.dropped.items;
        assert_eq!(
            Tags::texts(document.tasks[0].written.tags.column()).len(),
            50
        );
        assert!(
            items.iter().any(|it| it.detail.contains(": 99950 more")),
            "{format:?} {items:?}"
        );
    }
    let notes = format!(
        "TYPE,CONTENT\ntask,a\n{}",
        "note,0123456789\n".repeat(30_000)
    );
    let document = file_of(Format::Todoist, &notes);
    assert!(
        document.dropped.items[0]
            .detail
            .contains("of them are left out")
    );
    let noisy = format!("BEGIN:VTODO\n{}END:VTODO\n", "X-A:b\n".repeat(600));
    let noisy = format!("BEGIN:VCALENDAR\n{}END:VCALENDAR\n", noisy.repeat(3));
    let document = file_of(Format::ICalendar, &noisy);
    assert_eq!(
        (document.dropped.items.len(), document.dropped.total),
        (1000, 1803)
    );
    let parameters = todo(&format!("DUE{}:20260101", ";A=b".repeat(200)));
    assert_eq!(
        dropped(&file_of(Format::ICalendar, &parameters))[0],
        "3 (no title) line"
    );
    let long = "a ".repeat(600_000);
    for (format, file, part) in [
        (
            Format::TodoTxt,
            format!("a\n{long}"),
            "2 this line is longer than 1 MiB",
        ),
        (
            Format::Ndjson,
            format!("\n{{\"task\":\"{long}\"}}"),
            "2 is longer than 1 MiB",
        ),
        (
            Format::Csv,
            format!("title\n\"a\n,\"\nb{}\n", ",".repeat(1000)),
            "4 the record that begins here has",
        ),
        (
            Format::Csv,
            ",".repeat(1000),
            "1 the record that begins here has",
        ),
    ] {
        let why = why(format, file.as_bytes());
        assert!(why.starts_with(part), "{format:?} {why}");
    }
    let commas = format!("title,description\na,\"{}\"\n", ",".repeat(2000));
    assert_eq!(file_of(Format::Csv, &commas).dropped.total, 0);
}

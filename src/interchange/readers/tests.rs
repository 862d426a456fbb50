//! Files as other programs write them, and as nobody should.

mod limits;
mod variants;

use std::fmt::Write as _;

use super::read;
use crate::interchange::document::{Document, Identity, MAX_ITEMS, TaskItem};
use crate::interchange::format::Format;
use crate::tasks::tags::Tags;

fn document(format: Format, file: &str) -> Document {
    read(format, file.as_bytes(), MAX_ITEMS).unwrap()
}

/// A task on one line: what is not empty.
fn told(document: &Document, task: &TaskItem) -> String {
    let mut text = task.written.title.as_str().to_owned();
    let schedule = &task.written.schedule;
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = write!(text, " | {name}={value}");
        }
    };
    put(
        "text",
        task.written
            .description
            .as_ref()
            .map(|it| it.as_str().to_owned()),
    );
    let done = task
        .completed_at
        .map_or("yes".to_owned(), |at| at.to_string());
    put("done", task.written.completed.then_some(done));
    let priority = task.written.priority.name();
    put(
        "priority",
        (priority != "none").then(|| priority.to_owned()),
    );
    put("date", schedule.date.map(|it| it.to_string()));
    put("time", schedule.time.map(|it| it.to_string()));
    put("zone", schedule.zone.clone());
    let recurrence = schedule.recurrence.as_ref();
    put(
        "rule",
        recurrence.map(|it| format!("{} {}", it.from().name(), it.rule())),
    );
    let tags = Tags::texts(task.written.tags.column()).join("/");
    put("tags", (!tags.is_empty()).then_some(tags));
    let list = task
        .list
        .map(|list| document.lists[list].name.as_str().to_owned());
    put("list", list);
    let parent = task
        .parent
        .map(|parent| document.tasks[parent].written.title.as_str().to_owned());
    put("parent", parent);
    put("created", task.created_at.map(|it| it.to_string()));
    put("trash", task.trashed.map(|_| "yes".to_owned()));
    text
}

fn tasks(document: &Document) -> Vec<String> {
    document
        .tasks
        .iter()
        .map(|task| told(document, task))
        .collect()
}

fn dropped(document: &Document) -> Vec<String> {
    let items = document.dropped.items.iter();
    items
        .map(|it| format!("{} {} {}", it.line, it.item, it.field))
        .collect()
}

fn why(format: Format, file: &[u8]) -> String {
    let invalid = read(format, file, MAX_ITEMS).unwrap_err();
    format!("{} {}", invalid.line, invalid.detail)
}

#[test]
fn todo_txt_has_marks_anywhere_in_a_line() {
    let file = "\u{feff}(A) 2026-02-01 Ring the plumber +house @phone due:2026-03-01\r\n\
        \n\
        x 2026-02-10 2026-02-01 Pay rent +house @bank pri:B\n\
        Fix it +bike @shop t:2026-02-20 due:2026-02-31 rec:+1m\n\
        (F) Water due:2026-05-01 rec:2w\n\
        Talk to @bob about the +garden today\n\
        (z) see https://example.org/a?b=1 h:1 foo:bar\n\
        \x20lead  and   inner +p+q @a@b\n\
        +only @marks\n\
        xylophone X x\n";
    let document = document(Format::TodoTxt, file);
    assert_eq!(
        tasks(&document),
        [
            "Ring the plumber | priority=high | date=2026-03-01 | tags=phone | list=house | created=2026-02-01T00:00:00.000Z",
            "Pay rent | done=2026-02-10T00:00:00.000Z | priority=medium | tags=bank | list=house | created=2026-02-01T00:00:00.000Z",
            "Fix it | tags=shop | list=bike",
            "Water | priority=low | date=2026-05-01 | rule=completion FREQ=WEEKLY;INTERVAL=2",
            "Talk to bob about the garden today | tags=bob | list=garden",
            "(z) see https://example.org/a?b=1 foo:bar",
            "lead  and   inner | tags=a@b | list=p+q",
            "(no title) | tags=marks | list=only",
            "xylophone X x",
        ]
    );
    assert_eq!(
        dropped(&document),
        [
            "4 Fix it t",
            "4 Fix it due",
            "4 Fix it rec",
            "5 Water (A)",
            "7 (z) see https://example.org/a?b=1 foo:bar h",
            "9 (no title) text",
        ]
    );
    assert!(matches!(&document.tasks[8].identity, Identity::Content(it) if it == "xylophone X x"));
}

#[test]
fn a_table_of_todowards_has_its_columns_in_any_order() {
    let file = "title,id,parent_id,list,list_id,due_date,due_time,time_zone,recurrence,recurrence_from,priority,completed,completed_at,tags,extra\r\n\
        child,b,a,Home,l1,,,,,,low,TRUE,2026-01-02T03:04:05Z,\"x\ny, z\",\r\n\
        '=SUM(1),a,,Home,l1,2026-01-31,09:05,Europe/Berlin,FREQ=DAILY,completion,HIGH,,,,thing\r\n\
        '''quoted,c,,Home,l2,2026-02-31,09:05,,,,,maybe,,,\r\n";
    let document = document(Format::Csv, file);
    assert_eq!(
        tasks(&document),
        [
            "child | done=2026-01-02T03:04:05.000Z | priority=low | tags=x/y, z | list=Home | parent==SUM(1)",
            "=SUM(1) | priority=high | date=2026-01-31 | time=09:05 | zone=Europe/Berlin | rule=completion FREQ=DAILY | list=Home",
            "''quoted | list=Home",
        ]
    );
    assert_eq!(document.lists.len(), 2);
    assert_eq!(
        dropped(&document),
        [
            "4 =SUM(1) extra",
            "5 ''quoted due_date",
            "5 ''quoted completed",
            "5 ''quoted due_time"
        ]
    );
}

#[test]
fn todoist_has_sections_levels_notes_and_dates_in_words() {
    let file = "\u{feff}TYPE,CONTENT,DESCRIPTION,PRIORITY,INDENT,AUTHOR,RESPONSIBLE,DATE,DATE_LANG,TIMEZONE,DEADLINE\n\
        meta,view_style=board,,,,,,,,,\n\
        task,Loose @a,,3,1,,,,,,\n\
        section,Trip,,,,,,,,,\n\
        task,Renew it @papers,\"two photos\nold one\",1,1,,,2026-03-29 02:30,en,Europe/Berlin,\n\
        task,Photos,,4,2,,Bob,,en,,2026-03-20\n\
        task,Smile,,4,3,,,,,,\n\
        note,Closed on Friday,,,,,,,,,\n\
        ,,,,,,,,,,\n\
        task,* Heading,,4,1,,,jeden Tag,de,,\n\
        task,Water,,4,1,,,every! 3 days at 8am,en,Europe/Berlin,\n";
    let document = document(Format::Todoist, file);
    let found = tasks(&document);
    assert_eq!(
        found[..5],
        [
            "Loose | priority=low | tags=a",
            "Renew it | text=two photos\nold one | priority=high | date=2026-03-29 | time=02:30 | zone=Europe/Berlin | tags=papers | list=Trip",
            "Photos | list=Trip | parent=Renew it",
            "Smile | text=Closed on Friday | list=Trip | parent=Photos",
            "Heading | list=Trip",
        ]
    );
    assert!(found[5].ends_with(
        "time=08:00 | zone=Europe/Berlin | rule=completion FREQ=DAILY;INTERVAL=3 | list=Trip"
    ));
    assert_eq!(
        dropped(&document),
        [
            "2  CONTENT",
            "7 Photos DEADLINE",
            "7 Photos RESPONSIBLE",
            "11 Heading CONTENT",
            "11 Heading DATE"
        ]
    );
}

#[test]
fn google_has_lists_of_tasks_in_the_order_of_their_positions() {
    let file = r#"{
 "kind": "tasks#taskLists",
 "items": [
  {"kind": "tasks#taskList", "id": "l1", "title": "Hut", "updated": "2026-03-02T18:04:11.302Z", "items": [
   {"kind": "tasks#task", "id": "b", "title": "Second", "position": "01", "status": "needsAction", "due": "2026-03-29T00:00:00.000Z"},
   {"kind": "tasks#task", "id": "a", "title": "First", "position": "00", "notes": "n\nm", "created": "2026-02-20T21:15:00.123456Z", "status": "needsAction",
    "links": [{"type": "email", "description": "Mail", "link": "https://example.org"}], "starred": true},
   {"kind": "tasks#task", "id": "c", "title": "", "parent": "a", "position": "00", "status": "completed", "completed": "2026-03-01T07:13:02.000Z", "hidden": true},
   {"kind": "tasks#task", "id": "d", "title": "Gone", "position": "02", "status": "needsAction", "deleted": true}
  ]},
  {"kind": "tasks#taskList", "id": "l2", "title": "Hut"}
 ]
}"#;
    let document = document(Format::Google, file);
    assert_eq!(
        tasks(&document),
        [
            "First | text=n\nm\n\nMail: https://example.org | list=Hut | created=2026-02-20T21:15:00.123Z",
            "(no title) | done=2026-03-01T07:13:02.000Z | list=Hut | parent=First",
            "Second | date=2026-03-29 | list=Hut",
            "Gone | list=Hut | trash=yes",
        ]
    );
    assert_eq!(document.lists.len(), 2);
    assert_eq!(document.tasks[0].line, 6);
    assert_eq!(
        dropped(&document),
        [
            "7 First starred",
            "8 (no title) hidden",
            "8 (no title) title"
        ]
    );
}

#[test]
fn microsoft_has_steps_html_and_days_in_utc() {
    let file = r#"{"@odata.context": "x", "@odata.nextLink": "y",
 "value": [
  {"@odata.etag": "W", "id": "1", "title": "Passport", "importance": "high", "status": "notStarted", "categories": ["Blue", "a, b"],
   "body": {"content": "<p>bring <b>two</b></p>", "contentType": "html"},
   "dueDateTime": {"dateTime": "2026-03-28T23:00:00.0000000", "timeZone": "UTC"},
   "reminderDateTime": {"dateTime": "2026-03-29T02:30:00.0000000", "timeZone": "W. Europe Standard Time"},
   "recurrence": {"pattern": {"type": "absoluteMonthly", "interval": 1, "month": 0, "dayOfMonth": 31}, "range": {"type": "noEnd"}},
   "checklistItems": [{"displayName": "glasses off", "isChecked": true, "id": "c1"}],
   "linkedResources": [{"webUrl": "https://example.org", "displayName": "Form"}]},
  {"id": "2", "title": " ", "importance": "low", "status": "completed", "completedDateTime": {"dateTime": "2026-01-01T00:00:00.0000000", "timeZone": "UTC"},
   "dueDateTime": {"dateTime": "2026-03-28T07:00:00", "timeZone": "UTC"}}
 ]}"#;
    let document = document(Format::Microsoft, file);
    assert_eq!(
        tasks(&document),
        [
            "Passport | text=bring two\n\nForm – https://example.org | priority=high | date=2026-03-29 | rule=due FREQ=MONTHLY;BYMONTHDAY=31 | tags=Blue/a, b",
            "glasses off | done=yes | parent=Passport",
            "(no title) | done=2026-01-01T00:00:00.000Z | priority=low | date=2026-03-28",
        ]
    );
    assert_eq!(
        dropped(&document),
        [
            "1  @odata.nextLink",
            "6 Passport reminderDateTime",
            "10 (no title) title"
        ]
    );
}

#[test]
fn icalendar_has_todos_of_nextcloud_and_apple() {
    let file = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nX-WR-CALNAME:Home\r\nX-APPLE-CALENDAR-COLOR:#FF00AAFF\r\n\
        BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nEND:VTIMEZONE\r\n\
        BEGIN:VTODO\r\nUID:u1\r\nSUMMARY:Bins\\, paper\r\nDESCRIPTION:one\\ntwo\r\nCATEGORIES:home,street\\, north\r\n\
        PRIORITY:2\r\nPERCENT-COMPLETE:40\r\nDTSTART;VALUE=DATE:20260131\r\nDUE;VALUE=DATE:20260131\r\nRRULE:FREQ=MONTHLY\r\n\
        BEGIN:VALARM\r\nTRIGGER:-PT30M\r\nEND:VALARM\r\nEND:VTODO\r\n\
        BEGIN:VTODO\r\nUID:u2\r\nSUMMARY:Child\r\nRELATED-TO:u1\r\nDUE;TZID=W. Europe Standard Time:20260329T023000\r\nSTATUS:IN-PROCESS\r\nEND:VTODO\r\n\
        BEGIN:VTODO\r\nUID:u3\r\nSUMMARY:Done\r\nCOMPLETED:20260228T233000Z\r\nDUE:20260228T230000Z\r\nEND:VTODO\r\n\
        BEGIN:VTODO\r\nUID:u4\r\nSTATUS:CANCELLED\r\nDUE:20260231\r\nRRULE:FREQ=HOURLY\r\nEND:VTODO\r\n\
        BEGIN:VTODO\r\nUID:u5\r\nSUMMARY:Hourly\r\nDTSTART:20260301T080000\r\nRRULE:FREQ=HOURLY\r\nEND:VTODO\r\n\
        BEGIN:VEVENT\r\nSUMMARY:Party\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let document = document(Format::ICalendar, file);
    assert_eq!(
        tasks(&document),
        [
            "Bins, paper | text=one\ntwo | priority=high | date=2026-01-31 | rule=due FREQ=MONTHLY;SKIP=OMIT | tags=home/street, north | list=Home",
            "Child | date=2026-03-29 | time=02:30 | zone=Europe/Berlin | list=Home | parent=Bins, paper",
            "Done | done=2026-02-28T23:30:00.000Z | date=2026-02-28 | time=23:00 | zone=UTC | list=Home",
            "(no title) | done=yes | list=Home",
            "Hourly | date=2026-03-01 | time=08:00 | list=Home",
        ]
    );
    let color = document.lists[0].color.as_ref().map(|it| it.as_str());
    assert_eq!(color, Some("#ff00aa"));
    assert_eq!(
        dropped(&document),
        [
            "47  VEVENT",
            "14 Bins, paper PERCENT-COMPLETE",
            "18 Bins, paper VALARM",
            "22 Child STATUS",
            "35 (no title) STATUS",
            "38 (no title) DUE",
            "35 (no title) SUMMARY",
            "35 (no title) RRULE",
            "41 Hourly RRULE",
        ]
        .map(str::to_owned)
    );
}

#[test]
fn a_file_that_is_none_is_refused_with_its_line() {
    for (format, file, part) in [
        (Format::Csv, "", "1 the file is empty"),
        (
            Format::Csv,
            "id;title;tags\na;b;c\n",
            "1 the header has semicolons",
        ),
        (Format::Csv, "id\ttitle\n", "1 the header has tabs"),
        (Format::Csv, "a,b\n", "1 the header must name the columns"),
        (
            Format::Csv,
            "title,title\n",
            "1 the column \"title\" stands",
        ),
        (
            Format::Csv,
            "title\nok\n\n\"never ends\nx\n",
            "4 quotes that begin in this record",
        ),
        (
            Format::Todoist,
            "TYPE;CONTENT\n",
            "1 the header has semicolons",
        ),
        (
            Format::ICalendar,
            "",
            "1 the file must begin with BEGIN:VCALENDAR",
        ),
        (
            Format::ICalendar,
            "hello\n",
            "1 the file must begin with BEGIN:VCALENDAR",
        ),
        (
            Format::ICalendar,
            "BEGIN:VCALENDAR\nBEGIN:VTODO\nSUMMARY:x\n",
            "3 the file ends inside VTODO",
        ),
        (
            Format::ICalendar,
            "BEGIN:VCALENDAR\nBEGIN:VTODO\nSUMMARY:x\nBEGIN:VTODO\n",
            "4 the one before has not ended",
        ),
        (
            Format::ICalendar,
            "BEGIN:VCALENDAR\nEND:VTODO\n",
            "2 here is an END",
        ),
        (
            Format::Google,
            "{\"kind\":\"tasks#taskLists\",\n\"items\":[",
            "2 the file ends in the middle",
        ),
        (
            Format::Google,
            "[]",
            "1 the file must be an object with \"kind\"",
        ),
        (
            Format::Google,
            "{\"items\":[\n1]}",
            "2 an item must be an object",
        ),
        (
            Format::Microsoft,
            "{}",
            "1 the file must be an object with an array",
        ),
        (
            Format::Microsoft,
            "{\"value\":[\n{\"title\":\"\\ud83d\"}]}",
            "2 half of a surrogate",
        ),
    ] {
        let why = why(format, file.as_bytes());
        assert!(why.starts_with(part), "{file:?}: {why}");
    }
    let zip = b"PK\x03\x04\0\0";
    for format in [
        Format::Ndjson,
        Format::Csv,
        Format::ICalendar,
        Format::TodoTxt,
        Format::Google,
        Format::Todoist,
        Format::Microsoft,
    ] {
        assert!(why(format, zip).contains("zip"));
        assert!(why(format, b"\xff\xfet\0").contains("UTF-16"));
    }
    assert!(why(Format::TodoTxt, b"good\ncaf\xe9 au lait").starts_with("2 this line is not UTF-8"));
    let mut long = "x\n".repeat(50_000);
    assert_eq!(document(Format::TodoTxt, &long).tasks.len(), 50_000);
    long.push_str("\n\ny\n");
    assert!(why(Format::TodoTxt, long.as_bytes()).starts_with("50003 a file may have at most"));
    assert_eq!(
        document(Format::TodoTxt, &"\n".repeat(1_000_000)),
        Document::default()
    );
}

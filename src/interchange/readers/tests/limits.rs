//! How many tasks and lists a file may have: as the caller says.

use super::super::read;
use crate::interchange::format::Format;

/// A file with a part for each number.
fn file(begin: &str, part: impl Fn(usize) -> String, between: &str, end: &str) -> String {
    let parts: Vec<String> = (0..4).map(part).collect();
    format!("{begin}{}{end}", parts.join(between))
}

#[test]
fn a_reader_takes_as_many_tasks_and_lists_as_it_is_told() {
    let google = |n| format!("{{\"kind\":\"tasks#task\",\"title\":\"t{n}\"}}");
    let google_list = |n| {
        format!(
            "{{\"kind\":\"tasks#taskList\",\"title\":\"l{n}\",\"items\":[{}]}}",
            google(n)
        )
    };
    let microsoft = |n| format!("{{\"title\":\"t{n}\"}}");
    let microsoft_list = |n| format!("{{\"displayName\":\"l{n}\",\"tasks\":[{}]}}", microsoft(n));
    let todo = |n| format!("BEGIN:VTODO\nSUMMARY:t{n}\nEND:VTODO");
    let of_google = "{\"kind\":\"tasks#tasks\",\"items\":[\n";
    let calendar = |n| {
        let todo = todo(n);
        format!("BEGIN:VCALENDAR\nX-WR-CALNAME:l{n}\n{todo}\nEND:VCALENDAR")
    };
    let lines = "\n";
    for (format, file, line) in [
        (
            Format::Ndjson,
            file(
                "",
                |n| format!("{{\"task\":{{\"title\":\"t{n}\"}}}}"),
                lines,
                "",
            ),
            4,
        ),
        (
            Format::Ndjson,
            file(
                "",
                |n| format!("{{\"list\":{{\"name\":\"l{n}\"}}}}"),
                lines,
                "",
            ),
            4,
        ),
        (
            Format::Csv,
            file("title\n", |n| format!("t{n}"), lines, ""),
            5,
        ),
        (
            Format::Csv,
            file("title,list\n", |n| format!("t{n},l{n}"), lines, ""),
            5,
        ),
        (Format::TodoTxt, file("", |n| format!("t{n}"), lines, ""), 4),
        (
            Format::TodoTxt,
            file("", |n| format!("t{n} +l{n}"), lines, ""),
            4,
        ),
        (
            Format::Todoist,
            file("TYPE,CONTENT\n", |n| format!("task,t{n}"), lines, ""),
            5,
        ),
        (
            Format::Todoist,
            file(
                "TYPE,CONTENT\n",
                |n| format!("section,s{n}\ntask,t{n}"),
                lines,
                "",
            ),
            8,
        ),
        (
            Format::ICalendar,
            file("BEGIN:VCALENDAR\n", todo, lines, "\nEND:VCALENDAR"),
            11,
        ),
        (Format::ICalendar, file("", calendar, lines, ""), 21),
        (Format::Google, file(of_google, google, ",\n", "]}"), 5),
        (Format::Google, file(of_google, google_list, ",\n", "]}"), 5),
        (
            Format::Google,
            file(
                "{\"kind\":\"tasks#taskLists\",\"items\":[{\"title\":\"l\",\"items\":[\n",
                google,
                ",\n",
                "]}]}",
            ),
            5,
        ),
        (Format::Microsoft, file("[\n", microsoft, ",\n", "]"), 5),
        (
            Format::Microsoft,
            file("[\n", microsoft_list, ",\n", "]"),
            5,
        ),
        (
            Format::Microsoft,
            file(
                "{\"displayName\":\"l\",\"tasks\":[\n",
                microsoft,
                ",\n",
                "]}",
            ),
            5,
        ),
        (
            Format::Microsoft,
            file(
                "[{\"title\":\"t\",\"checklistItems\":[\n",
                |n| format!("{{\"displayName\":\"t{n}\"}}"),
                ",\n",
                "]}]",
            ),
            4,
        ),
    ] {
        let one_too_many = read(format, file.as_bytes(), 3).unwrap_err();
        assert_eq!(one_too_many.line, line, "{one_too_many:?}: {file}");
        assert!(
            one_too_many.detail.contains("at most 3"),
            "{one_too_many:?}"
        );
        for max in [6, usize::MAX] {
            let document = read(format, file.as_bytes(), max).unwrap();
            for n in 0..4 {
                let (task, list) = (format!("t{n}"), format!("l{n}"));
                let is_there = document
                    .tasks
                    .iter()
                    .any(|it| it.written.title.as_str() == task)
                    || document.lists.iter().any(|it| it.name.as_str() == list);
                assert!(is_there, "{n}: {file}");
            }
        }
    }
}

//! Files that would be slow for a reader that looks at something again and again.

use std::fmt::Write as _;

use super::document::MAX_ITEMS;
use super::format::Format;
use super::readers::read;

/// What is worst for a reader that looks at something again and again, or nests: each file
/// is read or refused, by a line that it has. `HOSTILE_BYTES=20971520`, in release and with
/// `--nocapture`, prints how long the largest ones take: each well under ten seconds.
#[test]
#[expect(clippy::print_stderr, reason = "the times are what it is run long for")]
fn hostile_files_are_read_or_refused_by_line() {
    let bytes = std::env::var("HOSTILE_BYTES").map_or(256 * 1024, |bytes| bytes.parse().unwrap());
    let rows = bytes / 430;
    let fill = |unit: &str| unit.repeat(bytes / unit.len());
    let google = |tasks: &str| format!("{{\"kind\":\"tasks#tasks\",\"items\":[{tasks}]}}");
    let mut reversed = String::new();
    for n in 0..rows {
        let _ = writeln!(
            reversed,
            "{{\"kind\":\"tasks#task\",\"id\":\"{n}\",\"title\":\"t\",\"position\":\"{:06}\",\"starred\":\"{}\"}},",
            rows - n,
            "x".repeat(300)
        );
    }
    let reversed = google(reversed.trim_end_matches(",\n"));
    let todo = |inside: &str| {
        format!("BEGIN:VCALENDAR\nBEGIN:VTODO\n{inside}\nEND:VTODO\nEND:VCALENDAR\n")
    };
    let chain: String = (0..rows).map(|n| format!("t,{n},{}\n", n + 1)).collect();
    for (format, file) in [
        (Format::TodoTxt, fill(" ") + &"+a ".repeat(bytes / 20) + "w"),
        (Format::TodoTxt, fill("+a @b due:x \\x ")),
        (Format::TodoTxt, fill("\n")),
        (Format::TodoTxt, fill("x ")),
        (Format::Csv, "title\n".to_owned() + &fill("\"")),
        (Format::Csv, "title\n".to_owned() + &fill(",")),
        (Format::Csv, fill("a,")),
        (Format::Csv, fill("\n")),
        (Format::Csv, format!("title,id,parent_id\n{chain}")),
        (
            Format::Csv,
            "title,id\n".to_owned() + &"t,same\n".repeat(rows),
        ),
        (
            Format::Todoist,
            "TYPE,CONTENT,INDENT\n".to_owned() + &"task,t,99\n".repeat(rows),
        ),
        (Format::ICalendar, fill("BEGIN:VCALENDAR\n")),
        (Format::ICalendar, todo(&fill("BEGIN:X\n"))),
        (
            Format::ICalendar,
            todo(&format!("SUMMARY:a\n{}", fill(" \n"))),
        ),
        (
            Format::ICalendar,
            todo(&format!("CATEGORIES:{}", fill("a,"))),
        ),
        (Format::ICalendar, todo(&format!("DUE{}:x", fill(";A=b")))),
        (Format::ICalendar, todo(&fill("X-A:b\n"))),
        (Format::Google, fill("[")),
        (Format::Google, fill("{\"items\":")),
        (Format::Google, reversed),
        (
            Format::Google,
            google(&format!(
                "{{\"kind\":\"tasks#task\",\"x\":{}0{}}}",
                fill("["),
                fill("]")
            )),
        ),
        (
            Format::Microsoft,
            fill("{\"displayName\":\"a\",\"tasks\":["),
        ),
        (
            Format::Microsoft,
            format!(
                "{}{}",
                "{\"displayName\":\"a\",\"tasks\":[".repeat(bytes / 70),
                "]}".repeat(bytes / 70)
            ),
        ),
        (
            Format::Microsoft,
            format!(
                "[{{\"title\":\"a\",\"body\":{{\"contentType\":\"html\",\"content\":\"{}\"}}}}]",
                fill("<script>")
            ),
        ),
        (
            Format::Microsoft,
            format!(
                "[{{\"title\":\"a\",\"body\":{{\"contentType\":\"html\",\"content\":\"{}\"}}}}]",
                fill("<b &#")
            ),
        ),
    ] {
        let start = std::time::Instant::now();
        let shown: String = file.chars().take(60).collect();
        let read = read(format, file.as_bytes(), MAX_ITEMS).map(|document| document.tasks.len());
        eprintln!("{:?} {format:?} {shown:?} {read:?}", start.elapsed());
        if let Err(invalid) = read {
            let lines = u64::try_from(file.matches('\n').count()).unwrap() + 1;
            assert!((1..=lines).contains(&invalid.line), "{format:?} {shown:?}");
            assert!(!invalid.detail.is_empty());
        }
    }
}

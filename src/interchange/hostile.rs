//! Files that would be slow for a reader that looks at something again and again.

use std::fmt::Write as _;

use super::format::Format;
use super::readers::read;

/// Twenty mebibytes of what is worst for a reader that looks at something again and again.
/// Run in release, with the time printed: each takes well under ten seconds.
#[test]
#[expect(clippy::print_stderr, reason = "the times are what it is run for")]
#[ignore = "takes a minute: cargo test --release --lib hostile -- --ignored --nocapture"]
fn hostile_files_are_read_once() {
    let fill = |unit: &str| unit.repeat(20 * 1024 * 1024 / unit.len());
    let google = |tasks: &str| format!("{{\"kind\":\"tasks#tasks\",\"items\":[{tasks}]}}");
    let mut reversed = String::new();
    for n in 0..49_000 {
        let _ = writeln!(
            reversed,
            "{{\"kind\":\"tasks#task\",\"id\":\"{n}\",\"title\":\"t\",\"position\":\"{:06}\",\"starred\":\"{}\"}},",
            99_999 - n,
            "x".repeat(300)
        );
    }
    let reversed = google(reversed.trim_end_matches(",\n"));
    let todo = |inside: &str| {
        format!("BEGIN:VCALENDAR\nBEGIN:VTODO\n{inside}\nEND:VTODO\nEND:VCALENDAR\n")
    };
    let chain: String = (0..49_000).map(|n| format!("t,{n},{}\n", n + 1)).collect();
    for (format, file) in [
        (Format::TodoTxt, fill(" ") + &"+a ".repeat(1_000_000) + "w"),
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
            "title,id\n".to_owned() + &"t,same\n".repeat(50_000),
        ),
        (
            Format::Todoist,
            "TYPE,CONTENT,INDENT\n".to_owned() + &"task,t,99\n".repeat(50_000),
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
                "{\"displayName\":\"a\",\"tasks\":[".repeat(300_000),
                "]}".repeat(300_000)
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
        let read = read(format, file.as_bytes()).map(|document| document.tasks.len());
        eprintln!("{:?} {format:?} {shown:?} {read:?}", start.elapsed());
    }
}

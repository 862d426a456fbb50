//! Logging: env_logger's filter, own formats, and a writer that never blocks.
//!
//! Invariant: a slow reader of the log does not delay requests. Lines go through a
//! bounded queue to a dedicated thread; if standard error is blocked or closed, lines
//! are dropped and counted.
//!
//! Invariant: no token is logged. Debug lines of other crates may quote a request, so
//! `RUST_LOG` can enable only those of this crate.

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use env_logger::fmt::Formatter;
use env_logger::{Builder, Env, Target};
use log::kv::{self, Key, Value, VisitSource};
use log::{Level, Log, Metadata, Record};
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer as _};

use crate::primitives::timestamp::Timestamp;
use crate::settings::LogFormat;

/// The max number of lines in the queue.
const QUEUE: usize = 8192;

/// How long lines are collected before they are written together. Waking the thread and
/// making a system call for each line would cost a fifth of a request.
const GATHER: Duration = Duration::from_millis(5);

/// The max number of lines that are written together, in addition to the queue.
const BATCH: usize = 1024;

/// How long a stopping process waits until the last lines are written.
const FLUSH: Duration = Duration::from_secs(1);

/// The running logger; dropping it flushes the queue.
pub struct Logging {
    lines: Sender<Line>,
}

enum Line {
    Text(Vec<u8>),
    Flush(Sender<()>),
}

/// Starts logging with the filter `RUST_LOG`, `info` by default.
pub fn start(format: LogFormat) -> Logging {
    let (lines, queue) = bounded(QUEUE);
    let dropped = Arc::new(AtomicU64::new(0));
    let writer = QueueWriter {
        lines: lines.clone(),
        dropped: Arc::clone(&dropped),
    };
    // If the thread cannot be started, lines are dropped once the queue is full.
    // That is no reason not to serve.
    let _ = std::thread::Builder::new()
        .name("log".into())
        .spawn(move || write_lines(&queue, &dropped));
    // actix_server logs its threads at every start and stop.
    let mut builder = Builder::from_env(Env::default().default_filter_or("info,actix_server=warn"));
    builder.target(Target::Pipe(Box::new(writer)));
    match format {
        LogFormat::Text => builder.format(text),
        LogFormat::Json => builder.format(json),
    };
    let logger = builder.build();
    let level = logger.filter();
    // Only tests set a second logger in one process.
    if log::set_boxed_logger(Box::new(NoForeignDetails(logger))).is_ok() {
        log::set_max_level(level);
    }
    Logging { lines }
}

/// Filters other crates, whatever `RUST_LOG` says. They log at `info` and above only,
/// because below that they quote header values, as actix-http does. actix-http is
/// silenced completely, because it logs an error for all bytes that are not HTTP; and so
/// is rustls-platform-verifier, because it logs an error for each failed fetch of the
/// keys, whose cause is logged here once.
struct NoForeignDetails(env_logger::Logger);

impl Log for NoForeignDetails {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let krate = metadata.target().split("::").next().unwrap_or_default();
        let heard = match krate {
            "todoward" => true,
            "actix_http" | "rustls_platform_verifier" => false,
            _ => metadata.level() <= Level::Info,
        };
        heard && self.0.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            self.0.log(record);
        }
    }

    fn flush(&self) {
        self.0.flush();
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        let (done, written) = bounded(1);
        if self.lines.try_send(Line::Flush(done)).is_ok() {
            // On a timeout standard error is blocked, and the lines are lost.
            let _ = written.recv_timeout(FLUSH);
        }
    }
}

struct QueueWriter {
    lines: Sender<Line>,
    dropped: Arc<AtomicU64>,
}

/// env_logger calls this once for each line.
impl Write for QueueWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.lines.try_send(Line::Text(line.to_vec())).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_lines(queue: &Receiver<Line>, dropped: &AtomicU64) {
    let mut batch = Vec::new();
    while let Ok(first) = queue.recv() {
        let mut flushed = Vec::new();
        if matches!(first, Line::Text(_)) {
            std::thread::sleep(GATHER);
        }
        for line in std::iter::once(first).chain(queue.try_iter().take(BATCH)) {
            match line {
                Line::Text(text) => batch.extend(text),
                Line::Flush(done) => flushed.push(done),
            }
        }
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            batch.extend(format!("{lost} log lines were dropped\n").into_bytes());
        }
        // A closed standard error must not end the process.
        let _ = io::stderr().write_all(&batch);
        batch.clear();
        for done in flushed {
            let _ = done.send(());
        }
    }
}

/// The initial capacity of a line, enough for an access log line.
const LINE: usize = 384;

/// Visits the fields of a record one by one: building a map for each line cost more than
/// the rest of the line.
struct Fields<F>(F);

impl<'kvs, F: FnMut(&str, Field<'_>)> VisitSource<'kvs> for Fields<F> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), kv::Error> {
        let text;
        let field = match (value.to_u64(), value.to_f64(), value.to_borrowed_str()) {
            (Some(whole), ..) => Field::Whole(whole),
            (None, Some(number), _) => Field::Number(number),
            (None, None, Some(borrowed)) => Field::Text(borrowed),
            (None, None, None) => {
                text = value.to_string();
                Field::Text(&text)
            }
        };
        (self.0)(key.as_str(), field);
        Ok(())
    }
}

/// The value of a field.
#[derive(Serialize)]
#[serde(untagged)]
enum Field<'a> {
    Whole(u64),
    Number(f64),
    Text(&'a str),
}

impl fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(number) => number.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

fn each_field(record: &Record<'_>, mut pass: impl FnMut(&str, Field<'_>)) {
    // A crate's fields must not duplicate the standard ones in the JSON object.
    let not_ours = |name: &str, field: Field<'_>| match name {
        "time" | "level" | "target" | "message" => {}
        _ => pass(name, field),
    };
    // The visitor never fails.
    let _ = record.key_values().visit(&mut Fields(not_ours));
}

/// Whether a character could begin a line, control a terminal or reverse the order of
/// text (log injection).
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Writes a line with its unsafe characters escaped by `escape`.
fn write_safely(
    out: &mut Formatter,
    mut line: Vec<u8>,
    escape: impl Fn(char, &mut String),
) -> io::Result<()> {
    if !line.iter().all(|byte| (b' '..=b'~').contains(byte)) {
        let mut safe = String::with_capacity(line.len());
        for c in String::from_utf8_lossy(&line).chars() {
            match is_unsafe(c) {
                true => escape(c, &mut safe),
                false => safe.push(c),
            }
        }
        line = safe.into_bytes();
    }
    line.push(b'\n');
    out.write_all(&line)
}

/// Writes one JSON object a line. The serializer escapes the control characters that
/// JSON requires; the other unsafe ones, which occur in strings only, are escaped here.
fn json(out: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let mut line = Vec::with_capacity(LINE);
    let mut serializer = serde_json::Serializer::new(&mut line);
    let mut event = serializer.serialize_map(None)?;
    event.serialize_entry("time", &Timestamp::now())?;
    event.serialize_entry("level", record.level().as_str())?;
    event.serialize_entry("target", record.target())?;
    event.serialize_entry("message", &format_args!("{}", record.args()))?;
    let mut written = Ok(());
    each_field(record, |name, field| {
        if written.is_ok() {
            written = event.serialize_entry(name, &field);
        }
    });
    written?;
    event.end()?;
    write_safely(out, line, |c, safe| {
        safe.push_str(&format!("\\u{:04x}", u32::from(c)));
    })
}

/// Writes a line for people: time, level, message, fields.
fn text(out: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let mut line = Vec::with_capacity(LINE);
    write!(
        line,
        "{} {:5} {}",
        Timestamp::now(),
        record.level(),
        record.args()
    )?;
    let mut written = Ok(());
    each_field(record, |name, field| {
        if written.is_ok() {
            written = write!(line, " {name}={field}");
        }
    });
    written?;
    // A client's text must not begin a line or control a terminal.
    write_safely(out, line, |c, safe| safe.extend(c.escape_default()))
}

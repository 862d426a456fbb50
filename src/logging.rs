//! Log lines: env_logger's filter, our format, and a writer that never blocks.
//!
//! Invariant: a request is not held up by whoever reads the log. Lines pass a
//! bounded queue to a thread of their own; if standard error is blocked or
//! closed they are dropped and counted.
//!
//! Invariant: no token is logged. The details of other crates may quote a
//! request, so that `RUST_LOG` lets only our own through.

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

/// Lines that may wait for the writer.
const QUEUE: usize = 8192;

/// How long lines gather before they are written together. A thread that is woken
/// for each line, and a system call for each, cost a fifth of a request.
const GATHER: Duration = Duration::from_millis(5);

/// Lines that are written together at the most. They wait outside the queue.
const BATCH: usize = 1024;

/// How long a stopping process waits for the last lines.
const FLUSH: Duration = Duration::from_secs(1);

/// Keeps the writer; flushes it at the end.
pub struct Logging {
    lines: Sender<Line>,
}

enum Line {
    Text(Vec<u8>),
    Flush(Sender<()>),
}

/// Starts logging by `RUST_LOG`, `info` by default.
pub fn start(format: LogFormat) -> Logging {
    let (lines, queue) = bounded(QUEUE);
    let dropped = Arc::new(AtomicU64::new(0));
    let writer = QueueWriter {
        lines: lines.clone(),
        dropped: Arc::clone(&dropped),
    };
    // Without the thread, lines are dropped once the queue is full: no reason
    // not to serve.
    let _ = std::thread::Builder::new()
        .name("log".into())
        .spawn(move || write_lines(&queue, &dropped));
    // The server library speaks of its own threads at every start and stop.
    let mut builder = Builder::from_env(Env::default().default_filter_or("info,actix_server=warn"));
    builder.target(Target::Pipe(Box::new(writer)));
    match format {
        LogFormat::Text => builder.format(text),
        LogFormat::Json => builder.format(json),
    };
    let logger = builder.build();
    let level = logger.filter();
    // A second logger in one process happens only in tests.
    if log::set_boxed_logger(Box::new(NoForeignDetails(logger))).is_ok() {
        log::set_max_level(level);
    }
    Logging { lines }
}

/// Other crates are heard from `info` upwards, whatever `RUST_LOG` says: below,
/// actix-http for one quotes header values. That one is not heard at all: it
/// writes an error for whatever bytes a client sends that are not HTTP. Neither is
/// the one that verifies certificates: an error for each try to fetch the keys, whose
/// cause we log ourselves, once.
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
            // Nothing to do about a reader who does not read.
            let _ = written.recv_timeout(FLUSH);
        }
    }
}

struct QueueWriter {
    lines: Sender<Line>,
    dropped: Arc<AtomicU64>,
}

/// env_logger hands over one line a call.
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
        // A closed standard error must not end anything.
        let _ = io::stderr().write_all(&batch);
        batch.clear();
        for done in flushed {
            let _ = done.send(());
        }
    }
}

/// Room for the line of a request.
const LINE: usize = 384;

/// Passes on the members of an event one by one: a map of them, made for each
/// line, cost more than the rest of the line.
struct Members<F>(F);

impl<'kvs, F: FnMut(&str, Member<'_>)> VisitSource<'kvs> for Members<F> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), kv::Error> {
        let text;
        let member = match (value.to_u64(), value.to_f64(), value.to_borrowed_str()) {
            (Some(whole), ..) => Member::Whole(whole),
            (None, Some(number), _) => Member::Number(number),
            (None, None, Some(borrowed)) => Member::Text(borrowed),
            (None, None, None) => {
                text = value.to_string();
                Member::Text(&text)
            }
        };
        (self.0)(key.as_str(), member);
        Ok(())
    }
}

/// The value of a member.
#[derive(Serialize)]
#[serde(untagged)]
enum Member<'a> {
    Whole(u64),
    Number(f64),
    Text(&'a str),
}

impl fmt::Display for Member<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(number) => number.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

fn each_member(record: &Record<'_>, mut pass: impl FnMut(&str, Member<'_>)) {
    // Another crate's must not stand twice in an object.
    let not_ours = |name: &str, member: Member<'_>| match name {
        "time" | "level" | "target" | "message" => {}
        _ => pass(name, member),
    };
    // Our visitor never fails.
    let _ = record.key_values().visit(&mut Members(not_ours));
}

/// What could begin a line, steer a terminal or turn the order of a text around.
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Writes a line in which nothing is unsafe, or only as `escape` writes it.
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

/// One JSON object a line. The serialiser escapes what JSON must, which is the
/// ASCII controls but one; here goes the rest, which only strings can have.
fn json(out: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let mut line = Vec::with_capacity(LINE);
    let mut serializer = serde_json::Serializer::new(&mut line);
    let mut event = serializer.serialize_map(None)?;
    event.serialize_entry("time", &Timestamp::now())?;
    event.serialize_entry("level", record.level().as_str())?;
    event.serialize_entry("target", record.target())?;
    event.serialize_entry("message", &format_args!("{}", record.args()))?;
    let mut written = Ok(());
    each_member(record, |name, member| {
        if written.is_ok() {
            written = event.serialize_entry(name, &member);
        }
    });
    written?;
    event.end()?;
    write_safely(out, line, |c, safe| {
        safe.push_str(&format!("\\u{:04x}", u32::from(c)));
    })
}

/// For people: time, level, message, members.
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
    each_member(record, |name, member| {
        if written.is_ok() {
            written = write!(line, " {name}={member}");
        }
    });
    written?;
    // A client's text must not begin a line, nor steer a terminal.
    write_safely(out, line, |c, safe| safe.extend(c.escape_default()))
}

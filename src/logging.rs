//! Log lines: env_logger's filter, our format, and a writer that never blocks.
//!
//! Invariant: a request is not held up by whoever reads the log. Lines pass a
//! bounded queue to a thread of their own; if standard error is blocked or
//! closed they are dropped and counted.
//!
//! Invariant: no token is logged. The details of other crates may quote a
//! request, so that `RUST_LOG` lets only our own through.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{SecondsFormat, Utc};
use crossbeam_channel::{Receiver, Sender, bounded};
use env_logger::fmt::Formatter;
use env_logger::{Builder, Env, Target};
use log::kv::{self, Key, Value, VisitSource};
use log::{Level, Log, Metadata, Record};
use serde_json::{Map, json};

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
/// writes an error for whatever bytes a client sends that are not HTTP.
struct NoForeignDetails(env_logger::Logger);

impl Log for NoForeignDetails {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let krate = metadata.target().split("::").next().unwrap_or_default();
        let heard = match krate {
            "todoward" => true,
            "actix_http" => false,
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

/// Collects the members of an event.
struct Members(Map<String, serde_json::Value>);

impl<'kvs> VisitSource<'kvs> for Members {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), kv::Error> {
        let number = value.to_u64().map(serde_json::Value::from);
        let member = number
            .or_else(|| value.to_f64().map(serde_json::Value::from))
            .unwrap_or_else(|| value.to_string().into());
        self.0.insert(key.to_string(), member);
        Ok(())
    }
}

fn members(record: &Record<'_>) -> Map<String, serde_json::Value> {
    let mut members = Members(Map::new());
    // Our visitor never fails.
    let _ = record.key_values().visit(&mut members);
    members.0
}

fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// What could begin a line, steer a terminal or turn the order of a text around.
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One JSON object a line. The serialiser escapes what JSON must, which is the
/// ASCII controls but one; here goes the rest, which only strings can have.
fn json(out: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let mut event = Map::new();
    event.insert("time".into(), now().into());
    event.insert("level".into(), record.level().as_str().into());
    event.insert("target".into(), record.target().into());
    event.insert("message".into(), json!(record.args().to_string()));
    event.extend(members(record));
    let line = serde_json::to_string(&event)?;
    let mut safe = String::with_capacity(line.len() + 1);
    for c in line.chars() {
        if is_unsafe(c) {
            // Writing to a String cannot fail.
            let _ = write!(safe, "\\u{:04x}", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    safe.push('\n');
    out.write_all(safe.as_bytes())
}

/// For people: time, level, message, members.
fn text(out: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let mut line = format!("{} {:5} {}", now(), record.level(), record.args());
    for (name, value) in members(record) {
        let shown = match value.as_str() {
            Some(text) => text.to_owned(),
            None => value.to_string(),
        };
        let _ = write!(line, " {name}={shown}");
    }
    // A client's text must not begin a line, nor steer a terminal.
    let mut safe = String::with_capacity(line.len());
    for c in line.chars() {
        if is_unsafe(c) {
            safe.extend(c.escape_default());
        } else {
            safe.push(c);
        }
    }
    safe.push('\n');
    out.write_all(safe.as_bytes())
}

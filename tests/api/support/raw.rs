//! A connection on which a test writes what no HTTP client would.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::Value;

use super::{TestApp, tokens};

pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
    ended: bool,
}

/// An answer as it stood on the wire.
#[derive(Debug)]
pub struct RawAnswer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Connection {
    pub fn open(app: &TestApp) -> Self {
        let stream = TcpStream::connect(app.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        Self {
            stream,
            received: Vec::new(),
            ended: false,
        }
    }

    /// Writes. The server may have closed already, and what it said is still to be read.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// Says that nothing more will be written.
    pub fn finish(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// The next answer; none if the connection has ended.
    pub fn answer(&mut self) -> Option<RawAnswer> {
        let head_end = loop {
            let found = self
                .received
                .windows(4)
                .position(|four| four == b"\r\n\r\n");
            match found {
                Some(at) => break at + 4,
                None if self.read_more() => {}
                None => {
                    let rest = String::from_utf8_lossy(&self.received);
                    assert!(rest.is_empty(), "not an answer: {rest:?}");
                    return None;
                }
            }
        };
        let head = String::from_utf8(self.received.drain(..head_end).collect()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = RawAnswer {
            status,
            head,
            body: Vec::new(),
        };
        let length: usize = answer.header("content-length").parse().unwrap_or(0);
        if status >= 200 {
            while self.received.len() < length {
                assert!(self.read_more(), "the body ends early: {}", answer.head);
            }
            answer.body = self.received.drain(..length).collect();
        }
        Some(answer)
    }

    /// All further answers, up to the end of the connection.
    pub fn rest(mut self) -> Vec<RawAnswer> {
        std::iter::from_fn(|| self.answer()).collect()
    }

    fn read_more(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        if !self.ended {
            match self.stream.read(&mut buffer) {
                Ok(0) => self.ended = true,
                Ok(length) => self.received.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => self.ended = true,
                Err(error) => panic!("neither an answer nor the end: {error}"),
            }
        }
        !self.ended
    }
}

impl RawAnswer {
    /// The value of a header; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().skip(1);
        let mut pairs = lines.filter_map(|line| line.split_once(':'));
        let found = pairs.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value.trim())
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The code of a problem; empty if it is none.
    pub fn code(&self) -> String {
        let problem: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        problem["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// Writes these bytes and nothing more, and reads the answers up to the end.
pub fn exchange(app: &TestApp, bytes: impl AsRef<[u8]>) -> Vec<RawAnswer> {
    let mut connection = Connection::open(app);
    connection.send(bytes);
    connection.finish();
    connection.rest()
}

/// The statuses of answers.
pub fn statuses(answers: &[RawAnswer]) -> Vec<u16> {
    answers.iter().map(|answer| answer.status).collect()
}

/// The head of a request of a user, with the empty line. `headers` end in CRLF each.
pub fn head(user: &str, request_line: &str, headers: &str) -> String {
    let token = tokens::valid(user);
    format!(
        "{request_line} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {token}\r\n{headers}\r\n"
    )
}

/// The head of a request without a token.
pub fn anonymous_head(request_line: &str, headers: &str) -> String {
    format!("{request_line} HTTP/1.1\r\nHost: test\r\n{headers}\r\n")
}

//! Requests byte by byte, for what no HTTP client would send.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::Answer;

/// A connection on which bytes are written and answers read.
pub struct Wire {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Wire {
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        // Not a measure of speed: an answer that never comes must fail the test.
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        Self {
            stream,
            unread: Vec::new(),
        }
    }

    pub fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// Writes, and says whether the other side still took all of it.
    pub fn try_write(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }

    /// The next answer; none if the connection was closed before it.
    pub fn read(&mut self, has_body: bool) -> Option<Answer> {
        let head_end = loop {
            if let Some(end) = find(&self.unread, b"\r\n\r\n") {
                break end;
            }
            if !self.read_more() {
                assert!(self.unread.is_empty(), "an answer was cut off");
                return None;
            }
        };
        let rest = self.unread.split_off(head_end + 4);
        let head = std::mem::replace(&mut self.unread, rest);
        let mut lines = std::str::from_utf8(&head).unwrap().trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(':').unwrap();
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_str(value.trim()).unwrap());
        }
        let length = headers
            .get("content-length")
            .map_or(0, |length| length.to_str().unwrap().parse().unwrap());
        let length: usize = if has_body { length } else { 0 };
        while self.unread.len() < length {
            assert!(self.read_more(), "a body was cut off");
        }
        let rest = self.unread.split_off(length);
        Some(Answer {
            status: status.parse().unwrap(),
            headers,
            body: std::mem::replace(&mut self.unread, rest),
        })
    }

    /// Whether the other side has closed the connection, or closes it now.
    pub fn is_closed(&mut self) -> bool {
        self.unread.is_empty() && !self.read_more()
    }

    fn read_more(&mut self) -> bool {
        let mut buffer = [0; 8192];
        let length = match self.stream.read(&mut buffer) {
            Ok(length) => length,
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => 0,
            failed => failed.expect("no answer"),
        };
        self.unread.extend_from_slice(&buffer[..length]);
        length > 0
    }
}

/// Sends these bytes on a connection of their own and reads one answer.
pub fn ask(address: SocketAddr, bytes: impl AsRef<[u8]>) -> Answer {
    let mut wire = Wire::open(address);
    wire.write(&bytes);
    let has_body = !bytes.as_ref().starts_with(b"HEAD ");
    wire.read(has_body).expect("closed without an answer")
}

/// The head of a request with these headers, each as bytes.
pub fn head(method: &str, path: &str, headers: &[&[u8]]) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n").into_bytes();
    for header in headers {
        head.extend_from_slice(header);
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

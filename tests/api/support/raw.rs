//! Requests byte by byte, for what no HTTP client would send.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::{Response, tokens};

/// A connection on which a test writes bytes and reads responses.
pub struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
    ended: bool,
}

impl Connection {
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        // Not a measure of speed: a response that never comes must fail the test.
        let limit = Duration::from_secs(30);
        stream.set_read_timeout(Some(limit)).unwrap();
        Self {
            stream,
            unread: Vec::new(),
            ended: false,
        }
    }

    /// Writes bytes. The server may have closed already; its response can still be read.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// Closes the writing side.
    pub fn finish(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Ends the connection in both directions at once, which the server is told (RST). A
    /// connection that is merely closed looks like one whose client still reads.
    pub fn reset(self) {
        let socket = socket2::SockRef::from(&self.stream);
        socket.set_linger(Some(Duration::ZERO)).unwrap();
    }

    /// The next response; none if the connection has ended.
    pub fn response(&mut self) -> Option<Response> {
        let mut response = self.response_to_head()?;
        let length: usize = response.header("content-length").parse().unwrap_or(0);
        if response.status >= 200 {
            while self.unread.len() < length {
                assert!(self.read_more(), "the body ends early: {response:?}");
            }
            response.body = self.unread.drain(..length).collect();
        }
        Some(response)
    }

    /// The next response, which has no body whatever its Content-Length says.
    pub fn response_to_head(&mut self) -> Option<Response> {
        let head_end = loop {
            let mut windows = self.unread.windows(4);
            match windows.position(|four| four == b"\r\n\r\n") {
                Some(at) => break at + 4,
                None if self.read_more() => {}
                None => {
                    let rest = String::from_utf8_lossy(&self.unread);
                    assert!(rest.is_empty(), "not a response: {rest:?}");
                    return None;
                }
            }
        };
        let head = String::from_utf8(self.unread.drain(..head_end).collect()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status_line = lines.next().unwrap();
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(':').unwrap();
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_str(value.trim()).unwrap());
        }
        Some(Response {
            status: status_line.split(' ').nth(1).unwrap().parse().unwrap(),
            headers,
            body: Vec::new(),
        })
    }

    /// All further responses, up to the end of the connection.
    pub fn rest(mut self) -> Vec<Response> {
        std::iter::from_fn(|| self.response()).collect()
    }

    /// Whether the server has closed the connection, or closes it now.
    pub fn is_closed(&mut self) -> bool {
        self.unread.is_empty() && !self.read_more()
    }

    fn read_more(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        if !self.ended {
            match self.stream.read(&mut buffer) {
                Ok(0) => self.ended = true,
                Ok(length) => self.unread.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => self.ended = true,
                Err(error) => panic!("neither a response nor the end: {error}"),
            }
        }
        !self.ended
    }
}

/// Writes these bytes and nothing more, and reads the responses up to the end.
pub fn exchange(address: SocketAddr, bytes: impl AsRef<[u8]>) -> Vec<Response> {
    let mut connection = Connection::open(address);
    connection.send(bytes);
    connection.finish();
    connection.rest()
}

/// Sends these bytes on a connection that stays open, and reads one response.
pub fn ask(address: SocketAddr, bytes: impl AsRef<[u8]>) -> Response {
    let mut connection = Connection::open(address);
    connection.send(&bytes);
    let response = if bytes.as_ref().starts_with(b"HEAD ") {
        connection.response_to_head()
    } else {
        connection.response()
    };
    response.expect("closed without a response")
}

/// The statuses of responses.
pub fn statuses(responses: &[Response]) -> Vec<u16> {
    responses.iter().map(|response| response.status).collect()
}

/// The head of a request of a user, with the empty line. `headers` end in CRLF each.
pub fn head(user: &str, request_line: &str, headers: &str) -> String {
    let token = tokens::valid(user);
    let authorization = format!("Authorization: Bearer {token}\r\n");
    anonymous_head(request_line, &(authorization + headers))
}

/// The head of a request without a token.
pub fn anonymous_head(request_line: &str, headers: &str) -> String {
    format!("{request_line} HTTP/1.1\r\nHost: test\r\n{headers}\r\n")
}

/// The head of a request with one more header, a line of any bytes without its CRLF.
pub fn head_with_bytes(request_line: &str, header: &[u8]) -> Vec<u8> {
    let head = format!("{request_line} HTTP/1.1\r\nHost: test\r\n");
    [head.as_bytes(), header, b"\r\n\r\n"].concat()
}

//! The key-set endpoint of a Better Auth server: it responds to every request as the
//! test says, counts the requests, and can misbehave. Shared with the benchmarks.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// What the server does with a connection.
#[derive(Clone)]
pub enum Response {
    /// 200 with this body.
    Set(String),
    /// These bytes: the head without its last empty line, and the body.
    Raw(String, Vec<u8>),
    /// Reads the request and never responds, like a firewall or a hanging process.
    Nothing,
    /// Closes the connection without a response.
    Close,
    /// 200 with a body that never ends.
    Endless,
    /// 200 with a body that arrives byte by byte.
    Slow,
}

impl Response {
    pub fn status(status: u16, headers: &str, body: &str) -> Self {
        let length = body.len();
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n{headers}");
        Self::Raw(head, body.as_bytes().to_vec())
    }

    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n", body.len());
        Self::Raw(head, body)
    }
}

pub struct KeyServer {
    pub address: SocketAddr,
    state: Arc<(Mutex<State>, Condvar)>,
}

struct State {
    response: Response,
    /// The heads of the requests so far.
    requests: Vec<String>,
    /// Responses are held back while this is true.
    held: bool,
    stopped: bool,
}

impl KeyServer {
    pub fn start(response: Response) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), response)
    }

    /// Serves on an existing listener.
    pub fn on(listener: TcpListener, response: Response) -> Self {
        let address = listener.local_addr().unwrap();
        let state = State {
            response,
            requests: Vec::new(),
            held: false,
            stopped: false,
        };
        let state = Arc::new((Mutex::new(state), Condvar::new()));
        let of_thread = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if of_thread.0.lock().unwrap().stopped {
                    return;
                }
                let state = Arc::clone(&of_thread);
                std::thread::spawn(move || serve(stream.unwrap(), &state));
            }
        });
        Self { address, state }
    }

    /// What BETTER_AUTH_URL must be.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sets the response of further requests.
    pub fn respond(&self, response: Response) {
        self.state.0.lock().unwrap().response = response;
    }

    /// Accepts requests and holds back their responses until [`KeyServer::release`].
    pub fn hold(&self) {
        self.state.0.lock().unwrap().held = true;
    }

    pub fn release(&self) {
        self.state.0.lock().unwrap().held = false;
        self.state.1.notify_all();
    }

    /// How many requests came.
    pub fn fetches(&self) -> usize {
        self.state.0.lock().unwrap().requests.len()
    }

    /// The heads of the requests that came.
    pub fn requests(&self) -> Vec<String> {
        self.state.0.lock().unwrap().requests.clone()
    }
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        self.state.0.lock().unwrap().stopped = true;
        self.release();
        // Wakes the thread that waits for connections.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(mut stream: TcpStream, (state, changed): &(Mutex<State>, Condvar)) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let response = {
        let mut state = state.lock().unwrap();
        let head = String::from_utf8_lossy(&head).into_owned();
        state.requests.push(head);
        while state.held && !state.stopped {
            state = changed.wait(state).unwrap();
        }
        state.response.clone()
    };
    // The client may have disconnected; that is not an error.
    let _ = match response {
        Response::Set(set) => write(&mut stream, Response::ok(set)),
        Response::Raw(..) => write(&mut stream, response),
        // Until the client gives up.
        Response::Nothing => stream.read(&mut byte).map(drop),
        Response::Close => Ok(()),
        Response::Endless => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"keys\":[");
            while stream.write_all(&[b' '; 16 * 1024]).is_ok() {}
            Ok(())
        }
        Response::Slow => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
            while stream.write_all(b" ").is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
            Ok(())
        }
    };
}

fn write(stream: &mut TcpStream, response: Response) -> std::io::Result<()> {
    let Response::Raw(head, body) = response else {
        return Ok(());
    };
    stream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes())?;
    stream.write_all(&body)
}

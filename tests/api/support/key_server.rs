//! A Better Auth server as far as its key set goes: it answers every request
//! with what the test says, counts them, and can misbehave. Shared with the
//! benchmarks.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// What the server does with a connection.
#[derive(Clone)]
pub enum Answer {
    /// 200 with this body.
    Set(String),
    /// The head without its last empty line, and the body.
    Raw(String, Vec<u8>),
    /// Reads the request and never answers, as a firewall or a hung process does.
    Nothing,
    /// Closes without a word.
    Close,
    /// 200 with a body that never ends.
    Endless,
    /// 200 with a body of which a byte comes now and then.
    Slow,
}

impl Answer {
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
    answer: Answer,
    /// The heads of the requests so far.
    requests: Vec<String>,
    /// Answers wait until this is false.
    held: bool,
    stopped: bool,
}

impl KeyServer {
    pub fn start(answer: Answer) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), answer)
    }

    /// On a listener that is already there.
    pub fn on(listener: TcpListener, answer: Answer) -> Self {
        let address = listener.local_addr().unwrap();
        let state = State {
            answer,
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

    /// From now on answers this.
    pub fn answer(&self, answer: Answer) {
        self.state.0.lock().unwrap().answer = answer;
    }

    /// Lets requests come and holds their answers back, until [`KeyServer::release`].
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
    let answer = {
        let mut state = state.lock().unwrap();
        let head = String::from_utf8_lossy(&head).into_owned();
        state.requests.push(head);
        while state.held && !state.stopped {
            state = changed.wait(state).unwrap();
        }
        state.answer.clone()
    };
    // Whoever asked may be gone: no fault of the test.
    let _ = match answer {
        Answer::Set(set) => write(&mut stream, Answer::ok(set)),
        Answer::Raw(..) => write(&mut stream, answer),
        // Until the other side gives up.
        Answer::Nothing => stream.read(&mut byte).map(drop),
        Answer::Close => Ok(()),
        Answer::Endless => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"keys\":[");
            while stream.write_all(&[b' '; 16 * 1024]).is_ok() {}
            Ok(())
        }
        Answer::Slow => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
            while stream.write_all(b" ").is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
            Ok(())
        }
    };
}

fn write(stream: &mut TcpStream, answer: Answer) -> std::io::Result<()> {
    let Answer::Raw(head, body) = answer else {
        return Ok(());
    };
    stream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes())?;
    stream.write_all(&body)
}

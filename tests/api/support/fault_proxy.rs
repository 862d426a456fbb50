//! A proxy before PostgreSQL that makes chosen statements fail on a connection that
//! stays alive, as a server does that distributes tables and loses a worker, or cuts the
//! connection there, as a killed process does. The real server may or may not have
//! executed the statement.

use std::collections::{HashMap, VecDeque};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::postgres::TestDatabase;

/// Which connections a fault is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Pool,
    Pipeline,
}

/// The fault of the next execution of a statement.
#[derive(Debug, Clone)]
pub struct Fault {
    pub way: Way,
    /// What the statement contains.
    pub statement: &'static str,
    /// The SQLSTATE that the client gets.
    pub code: &'static str,
    /// Whether the server executes the statement all the same.
    pub executed: bool,
}

/// The end of a connection at a statement.
#[derive(Debug, Clone)]
pub struct Cut {
    pub statement: String,
    /// How many executions of it come before.
    pub after: usize,
    /// Whether the server executes the statement all the same.
    pub executed: bool,
}

pub struct FaultProxy {
    /// The database's URL, through the proxy.
    pub url: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    fault: Mutex<Option<Fault>>,
    cut: Mutex<Option<Cut>>,
    executed: Mutex<Vec<String>>,
}

impl FaultProxy {
    pub fn before(database: &TestDatabase) -> Self {
        let (user, server) = database.url.split_once('@').unwrap();
        let (server, name) = server.split_once('/').unwrap();
        let server = server.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let of_threads = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(&server) else {
                    continue;
                };
                for stream in [&client, &server] {
                    stream.set_nodelay(true).unwrap();
                }
                let (client_out, server_out) =
                    (client.try_clone().unwrap(), server.try_clone().unwrap());
                let connection = Arc::new(Connection {
                    shared: Arc::clone(&of_threads),
                    // The ReadyForQuery of the startup.
                    replies: Mutex::new(VecDeque::from([Reply::AsItIs])),
                });
                let other = Arc::clone(&connection);
                std::thread::spawn(move || connection.requests(client, server_out));
                std::thread::spawn(move || other.replies(server, client_out));
            }
        });
        Self {
            url: format!("{user}@{address}/{name}?sslmode=disable"),
            shared,
        }
    }

    /// Arms the fault: it happens once, to the next execution.
    pub fn arm(&self, fault: Fault) {
        *self.shared.fault.lock().unwrap() = Some(fault);
    }

    /// Whether the fault has happened.
    pub fn has_struck(&self) -> bool {
        self.shared.fault.lock().unwrap().is_none()
    }

    /// Ends the connection, once, at a statement.
    pub fn cut(&self, cut: Cut) {
        *self.shared.cut.lock().unwrap() = Some(cut);
    }

    /// Whether a connection was cut.
    pub fn has_cut(&self) -> bool {
        self.shared.cut.lock().unwrap().is_none()
    }

    /// All statements that were executed or refused.
    pub fn statements(&self) -> Vec<String> {
        self.shared.executed.lock().unwrap().clone()
    }

    /// How often statements with this text were executed or refused.
    pub fn executions(&self, text: &str) -> usize {
        let executed = self.shared.executed.lock().unwrap();
        let so = executed.iter().filter(|executed| executed.contains(text));
        so.count()
    }
}

/// A message: its type, and its contents after the length.
struct Message(u8, Vec<u8>);

impl Message {
    fn read(from: &mut impl Read) -> std::io::Result<Self> {
        let mut kind = [0];
        from.read_exact(&mut kind)?;
        Ok(Self(kind[0], read_body(from)?))
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(self.0);
        write_body(&self.1, out);
    }

    /// The n-th of the texts that it begins with.
    fn text(&self, at: usize) -> String {
        let text = self.1.split(|byte| *byte == 0).nth(at).unwrap();
        String::from_utf8(text.to_vec()).unwrap()
    }

    fn error(code: &str) -> Self {
        let fields =
            format!("SERROR\0VERROR\0C{code}\0Mconnection to the remote node was lost\0\0");
        Self(b'E', fields.into_bytes())
    }
}

fn read_body(from: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let mut body = vec![0; u32::from_be_bytes(length) as usize - 4];
    from.read_exact(&mut body)?;
    Ok(body)
}

fn write_body(body: &[u8], out: &mut Vec<u8>) {
    out.extend(u32::try_from(body.len() + 4).unwrap().to_be_bytes());
    out.extend(body);
}

/// What becomes of a reply, up to its ReadyForQuery.
#[derive(Clone, Copy)]
enum Reply {
    AsItIs,
    /// An error of this code instead.
    Error(&'static str),
    /// Nothing, and the connection ends.
    Cut,
}

struct Connection {
    shared: Arc<Shared>,
    /// Of the pending replies.
    replies: Mutex<VecDeque<Reply>>,
}

impl Connection {
    /// Forwards requests, each up to its Sync.
    fn requests(&self, mut client: TcpStream, mut server: TcpStream) {
        let mut way = Way::Pool;
        let mut prepared = HashMap::new();
        let mut request = Vec::new();
        let mut statement = None;
        if let Ok(start) = read_body(&mut client) {
            write_body(&start, &mut request);
            let _ = server.write_all(&request);
            request.clear();
        }
        while let Ok(message) = Message::read(&mut client) {
            match message.0 {
                b'P' => drop(prepared.insert(message.text(0), message.text(1))),
                b'B' => statement = prepared.get(&message.text(1)).cloned(),
                b'Q' => statement = Some(message.text(0)),
                _ => {}
            }
            message.write(&mut request);
            if !matches!(message.0, b'Q' | b'S' | b'X') {
                continue;
            }
            if let Some(text) = statement.take() {
                // Only pipelines set a short lock timeout.
                if text.contains("SET lock_timeout") {
                    way = Way::Pipeline;
                }
                let fault = self.strike(way, &text);
                if fault.as_ref().is_some_and(|fault| !fault.executed) {
                    // An error nevertheless: it ends a transaction.
                    request.clear();
                    Message(b'Q', b"SELECT 1 / 0\0".to_vec()).write(&mut request);
                }
                let cut = self.reach(&text);
                self.await_reply(match (fault, cut) {
                    (Some(fault), _) => Reply::Error(fault.code),
                    (None, Some(_)) => Reply::Cut,
                    (None, None) => Reply::AsItIs,
                });
                self.shared.executed.lock().unwrap().push(text);
                if cut == Some(false) {
                    break;
                }
            } else {
                self.await_reply(Reply::AsItIs);
            }
            if server.write_all(&request).is_err() {
                break;
            }
            request.clear();
        }
        let _ = server.shutdown(Shutdown::Both);
    }

    fn await_reply(&self, reply: Reply) {
        self.replies.lock().unwrap().push_back(reply);
    }

    /// Whether the connection is cut at this statement, and then whether it is executed.
    fn reach(&self, text: &str) -> Option<bool> {
        let mut armed = self.shared.cut.lock().unwrap();
        let cut = armed.as_mut().filter(|cut| cut.statement == text)?;
        match cut.after.checked_sub(1) {
            Some(after) => {
                cut.after = after;
                None
            }
            None => armed.take().map(|cut| cut.executed),
        }
    }

    fn strike(&self, way: Way, text: &str) -> Option<Fault> {
        let mut fault = self.shared.fault.lock().unwrap();
        fault.take_if(|fault| fault.way == way && text.contains(fault.statement))
    }

    /// Forwards replies, or an error instead.
    fn replies(&self, mut server: TcpStream, mut client: TcpStream) {
        let mut reply = Vec::new();
        while let Ok(message) = Message::read(&mut server) {
            let what = self.replies.lock().unwrap().front().copied();
            let is_last = message.0 == b'Z';
            match what {
                Some(Reply::Cut) if is_last => break,
                Some(Reply::Error(code)) if is_last => {
                    Message::error(code).write(&mut reply);
                    message.write(&mut reply);
                }
                Some(Reply::Cut | Reply::Error(_)) => {}
                Some(Reply::AsItIs) | None => message.write(&mut reply),
            }
            if is_last {
                self.replies.lock().unwrap().pop_front();
            }
            if client.write_all(&reply).is_err() {
                break;
            }
            reply.clear();
        }
        let _ = client.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Both);
    }
}

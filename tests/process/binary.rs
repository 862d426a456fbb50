//! Runs the binary as a command that ends by itself.

use std::ffi::OsStr;
use std::io::ErrorKind::ExecutableFileBusy;
use std::io::{Read, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The time limit for everything that should happen soon.
pub const SOON: Duration = Duration::from_secs(20);

/// The result of a command.
#[derive(Debug)]
pub struct Done {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Done {
    /// Asserts success.
    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// Asserts a failure with one line on standard error and no output.
    #[track_caller]
    pub fn failed(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.out, "", "{self:?}");
        assert!(self.err.starts_with("todoward: "), "{self:?}");
        assert!(self.err.ends_with('\n'), "{self:?}");
        assert_eq!(self.err.lines().count(), 1, "{self:?}");
        self
    }
}

/// The binary in a directory, with only these environment variables.
pub fn todoward<N: AsRef<OsStr>, V: AsRef<OsStr>>(
    directory: &Path,
    arguments: &[&str],
    variables: impl IntoIterator<Item = (N, V)>,
) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_todoward"));
    command
        .args(arguments)
        .env_clear()
        .envs(variables)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs the binary until it ends, within the time limit.
pub fn run(directory: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Done {
    finish(todoward(directory, arguments, variables.iter().copied()))
}

/// Runs the binary with a text on standard input.
pub fn run_with_input(
    directory: &Path,
    arguments: &[&str],
    variables: &[(&str, &str)],
    input: &str,
) -> Done {
    let mut command = todoward(directory, arguments, variables.iter().copied());
    let mut running = Running::spawn(command.stdin(Stdio::piped()));
    let mut pipe = running.child.stdin.take().unwrap();
    // The command may end without reading all of it.
    let _ = pipe.write_all(input.as_bytes());
    drop(pipe);
    running.finish()
}

/// Runs a command until it ends, within the time limit.
pub fn finish(mut command: Command) -> Done {
    Running::spawn(&mut command).finish()
}

/// A child process that is killed with its test.
pub struct Running {
    pub child: Child,
    pub out: Captured,
    pub err: Captured,
}

impl Running {
    pub fn spawn(command: &mut Command) -> Self {
        let limit = Instant::now() + SOON;
        loop {
            match command.spawn() {
                Ok(child) => return Self::of(child),
                // ETXTBSY: this test has just written the program, and a child of another
                // test, between fork and exec, still has it open.
                Err(error) if error.kind() == ExecutableFileBusy && Instant::now() < limit => {
                    std::thread::yield_now();
                }
                Err(error) => panic!("the command does not start: {error}"),
            }
        }
    }

    /// Reads the streams that the test has not taken.
    pub fn of(mut child: Child) -> Self {
        let out = Captured::start(child.stdout.take());
        let err = Captured::start(child.stderr.take());
        Self { child, out, err }
    }

    /// The exit status, if it has ended.
    pub fn ended(&mut self) -> Option<std::process::ExitStatus> {
        self.child.try_wait().unwrap()
    }

    fn finish(mut self) -> Done {
        let limit = Instant::now() + SOON;
        let status = loop {
            if let Some(status) = self.ended() {
                break status;
            }
            assert!(
                Instant::now() < limit,
                "it does not end: {}",
                self.err.text()
            );
            std::thread::sleep(Duration::from_millis(5));
        };
        Done {
            code: status.code(),
            out: self.out.all(),
            err: self.err.all(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The output of a child, read as it is written.
#[derive(Clone, Default)]
pub struct Captured {
    bytes: Arc<Mutex<Vec<u8>>>,
    thread: Arc<Mutex<Option<std::thread::JoinHandle<()>>>>,
}

impl Captured {
    pub fn start(pipe: Option<impl Read + Send + 'static>) -> Self {
        let captured = Self::default();
        let Some(mut pipe) = pipe else {
            return captured;
        };
        let bytes = Arc::clone(&captured.bytes);
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 1 << 16];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                bytes.lock().unwrap().extend(&buffer[..count]);
            }
        });
        *captured.thread.lock().unwrap() = Some(thread);
        captured
    }

    /// The output so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    /// All output, once the child has ended.
    pub fn all(&self) -> String {
        if let Some(thread) = self.thread.lock().unwrap().take() {
            thread.join().unwrap();
        }
        self.text()
    }
}

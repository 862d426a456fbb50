//! `todoward healthcheck`: for containers without shell and curl.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use super::Failure;
use crate::settings::Server;

const TIMEOUT: Duration = Duration::from_secs(4);

/// Asks the local server whether it is ready; exit code 0 or 1.
pub fn run(server: &Server) -> Result<ExitCode, Failure> {
    // A server that listens on all IP addresses also listens on the loopback one.
    let host = match server.host {
        IpAddr::V4(any) if any.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(any) if any.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        IpAddr::V4(_) | IpAddr::V6(_) => server.host,
    };
    let address = SocketAddr::new(host, server.port);
    let status = ask(address)
        .map_err(|error| Failure::Other(format!("{address} does not answer: {error}")))?;
    if status.split(' ').nth(1) == Some("200") {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Failure::Other(format!("{address} is not ready: {status}")))
}

/// The status line of `GET /health/ready`.
fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    write!(
        stream,
        "GET /health/ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut head = Vec::new();
    stream.take(64).read_to_end(&mut head)?;
    let head = String::from_utf8_lossy(&head);
    Ok(head.lines().next().unwrap_or_default().to_owned())
}

//! The path prefix that a reverse proxy has stripped from a request.
//!
//! Invariant: it is sent by a trusted proxy and is a path on the same host. With
//! `//evil.example` as prefix, links would lead to another host (open redirect).

use actix_web::HttpRequest;
use actix_web::http::header::HeaderName;
use ipnet::IpNet;

/// The header with the prefix.
pub const PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

/// The prefix of the path as the client sees it; usually empty.
pub fn prefix<'r>(request: &'r HttpRequest, trusted: &[IpNet]) -> &'r str {
    let mut values = request.headers().get_all(PREFIX);
    let (Some(value), None) = (values.next(), values.next()) else {
        return "";
    };
    let is_trusted = request.peer_addr().is_some_and(|peer| {
        let peer = peer.ip().to_canonical();
        trusted.iter().any(|network| network.contains(&peer))
    });
    let value = value.to_str().ok();
    value
        .filter(|value| is_trusted && is_prefix(value))
        .unwrap_or("")
}

/// One or more segments, each after a `/`.
fn is_prefix(value: &str) -> bool {
    let is_segment = |segment: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
        !matches!(segment, "" | "." | "..") && segment.bytes().all(allowed)
    };
    let segments = value.strip_prefix('/').map(|rest| rest.split('/'));
    value.len() <= 200 && segments.is_some_and(|mut segments| segments.all(is_segment))
}

//! The part of the path that a proxy has taken off before it passed a request on.
//!
//! Invariant: it comes from a trusted proxy and is a path on the same host, whatever
//! stands in the header: with `//evil.example` a link would lead to another host.

use actix_web::HttpRequest;
use ipnet::IpNet;

/// What stands before the path of a request as its client sees it; most often
/// nothing.
pub fn prefix<'r>(request: &'r HttpRequest, trusted: &[IpNet]) -> &'r str {
    let mut values = request.headers().get_all("x-forwarded-prefix");
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

/// `/` and a segment, once or more often.
fn is_prefix(value: &str) -> bool {
    let is_segment = |segment: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
        !matches!(segment, "" | "." | "..") && segment.bytes().all(allowed)
    };
    let segments = value.strip_prefix('/').map(|rest| rest.split('/'));
    value.len() <= 200 && segments.is_some_and(|mut segments| segments.all(is_segment))
}

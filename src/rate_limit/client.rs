//! The IP address of a request's client.
//!
//! Invariant: a client cannot choose it. `X-Forwarded-For` is trusted only from a trusted
//! proxy and is read from the right: each proxy appends the peer that it has seen, and
//! everything left of that is the client's own text. `Forwarded` (RFC 7239) and
//! `X-Real-IP` are ignored: a proxy that sets one header and forwards the others
//! unchanged would let the client choose.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use actix_web::http::header::{self, HeaderMap};
use ipnet::IpNet;

/// The max number of proxies that are followed.
const MAX_HOPS: usize = 16;

/// The IP address of the client behind trusted proxies.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    if !is_trusted(&client) {
        return client;
    }
    let lines: Vec<_> = headers.get_all(header::X_FORWARDED_FOR).collect();
    let hops = lines.iter().rev();
    let hops = hops.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    for hop in hops.take(MAX_HOPS) {
        // No proxy writes an unparsable entry, so nothing left of it is trusted.
        let Some(address) = parse(hop) else {
            return client;
        };
        client = address;
        if !is_trusted(&client) {
            return client;
        }
    }
    client
}

/// Parses an IP address as proxies write it: with or without a port.
fn parse(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop).ok()?.trim_matches([' ', '\t']);
    let with_port = || hop.parse().map(|address: SocketAddr| address.ip());
    let in_brackets = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address = hop.parse().or_else(|_| with_port()).ok();
    let address = address.or_else(|| in_brackets().map(IpAddr::V6))?;
    Some(address.to_canonical())
}

/// The key of the limit: an IPv4 address, or an IPv6 network of /64, within which one
/// subscriber could use another address for each request.
pub fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

//! Checks that a PostgreSQL connection string is well-formed (RFC 3986 sections 2.1 and
//! 3.2). libpq checks that only when it connects, and its message quotes the invalid
//! part: the password, if a character of it was not percent-encoded.

/// How to fix one that is not well-formed.
pub(super) const HINT: &str = "must be postgres://user:password@host:port/database, with other characters percent-encoded: % as %25, @ as %40, / as %2F";

/// Whether libpq would parse the string as intended.
pub(super) fn is_well_formed(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else {
        return false;
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let hosts = authority.split_once('@').map_or(authority, |(_, at)| at);
    let plain = |c: char| !c.is_whitespace() && !c.is_control();
    url.chars().all(plain)
        && percent_encoding_is_right(url)
        // Another @: part of the password would be parsed as host or path.
        && !hosts.contains('@')
        && !tail.contains(['@', '#'])
        && hosts.split(',').all(is_host)
        && parameters_are_pairs(tail)
}

fn percent_encoding_is_right(url: &str) -> bool {
    url.split('%').skip(1).all(|behind| {
        let digits = behind.get(..2);
        digits.is_some_and(|two| two != "00" && two.bytes().all(|b| b.is_ascii_hexdigit()))
    })
}

/// A host name or an IP address with an optional port. Empty means the local socket.
fn is_host(host: &str) -> bool {
    let port = match host.strip_prefix('[') {
        Some(address) => match address.split_once(']') {
            Some((_, "")) => return true,
            Some((_, behind)) => behind.strip_prefix(':'),
            None => None,
        },
        None => match host.split_once(':') {
            Some((_, port)) => Some(port),
            None => return true,
        },
    };
    port.is_some_and(|port| port.is_empty() || port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn parameters_are_pairs(tail: &str) -> bool {
    tail.split_once('?').is_none_or(|(_, query)| {
        query.is_empty() || query.split('&').all(|pair| pair.split('=').count() == 2)
    })
}

#[cfg(test)]
mod tests {
    use crate::settings::postgres_url::is_well_formed;

    #[test]
    fn what_libpq_takes_is_well_formed() {
        for url in [
            "postgres://",
            "postgresql://localhost",
            "postgres://todoward:p%40ss%2fword!$*()@db.example:5432/tasks",
            "postgres://todoward@[::1]:5432/tasks?sslmode=require&connect_timeout=5",
            "postgres://one:5432,two:5433,three/tasks?target_session_attrs=read-write",
            "postgres:///tasks?host=/var/run/postgresql",
            "postgres://%2Fvar%2Frun%2Fpostgresql/tasks",
            "postgres://todoward@db?sslmode=disable",
        ] {
            assert!(is_well_formed(url), "{url}");
        }
    }
}

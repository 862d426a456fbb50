//! Reads the token from `Authorization: Bearer <token>` (RFC 6750 section 2.1) and
//! from nowhere else: not from the query, the body, a form or a cookie.

use actix_web::http::header::{AUTHORIZATION, HeaderMap};

use super::refusal::Refusal;

const TWO_CREDENTIALS: Refusal =
    Refusal::Ambiguous("send one Authorization header with one credential");
const OTHER_SCHEME: Refusal =
    Refusal::Missing("the Authorization header must be \"Bearer\", a space and the token");

/// The raw token of a request, or why there is none.
pub fn from_headers(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION);
    let Some(value) = values.next() else {
        return Err(Refusal::Missing(
            "no Authorization header; send \"Authorization: Bearer <token>\"",
        ));
    };
    if values.next().is_some() {
        return Err(TWO_CREDENTIALS);
    }
    from_value(value.as_bytes())
}

pub(super) fn from_value(value: &[u8]) -> Result<&str, Refusal> {
    let value = value.trim_ascii();
    let (scheme, rest) = match value.iter().position(|byte| *byte == b' ') {
        Some(space) => value.split_at(space),
        None => (value, &b""[..]),
    };
    // Commas inside JSON do not separate credentials.
    let is_json = rest.trim_ascii().starts_with(b"{") && rest.trim_ascii().ends_with(b"}");
    if !is_json && holds_a_second_credential(rest) {
        return Err(TWO_CREDENTIALS);
    }
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Err(OTHER_SCHEME);
    }
    let token = std::str::from_utf8(rest.trim_ascii()).unwrap_or("\u{fffd}");
    match token {
        "" => Err(Refusal::Malformed("there is no token behind Bearer")),
        "null" | "undefined" | "[object Object]" => Err(Refusal::Malformed(
            "the client sent the text of an empty variable instead of a token",
        )),
        token => Ok(token),
    }
}

/// Detects a list of credentials such as `Bearer A, Bearer B` or `Basic x, Bearer A`,
/// of which a proxy and this server could choose different ones. The parameters of
/// another scheme (`Digest username="a", realm="b"`) are not a second credential.
fn holds_a_second_credential(rest: &[u8]) -> bool {
    rest.split(|byte| *byte == b',').skip(1).any(|part| {
        let part = part.trim_ascii();
        let scheme_end = part.iter().position(|byte| *byte == b' ');
        let scheme = scheme_end.map_or(part, |end| part.split_at(end).0);
        !scheme.is_empty() && !scheme.contains(&b'=')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_is_read_in_any_case_and_the_token_behind_any_spaces() {
        for value in [
            "Bearer a.b.c",
            "bearer a.b.c",
            "BEARER   a.b.c",
            "BeArEr a.b.c ",
        ] {
            assert_eq!(from_value(value.as_bytes()), Ok("a.b.c"), "{value}");
        }
    }

    #[test]
    fn another_scheme_is_no_token() {
        for value in [
            "",
            "a.b.c",
            "Basic YTpi",
            "Token a.b.c",
            "Bearer:a.b.c",
            "Bearer=a.b.c",
            "Bearera.b.c",
            "Bearer\ta.b.c",
            "Digest username=\"a\", realm=\"b\"",
        ] {
            assert_eq!(from_value(value.as_bytes()), Err(OTHER_SCHEME), "{value}");
        }
    }

    #[test]
    fn two_credentials_in_one_header_are_ambiguous() {
        for value in [
            "Bearer a.b.c, Bearer d.e.f",
            "Basic YTpi, Bearer a.b.c",
            "Bearer a.b.c,d.e.f",
        ] {
            assert_eq!(
                from_value(value.as_bytes()),
                Err(TWO_CREDENTIALS),
                "{value}"
            );
        }
    }
}

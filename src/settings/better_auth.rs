//! Settings derived from the URL of the Better Auth server: the URL of its keys, and the
//! issuer and audience of its tokens.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use url::{Host, Url};

use super::layers::{Environment, Layers, SettingsError};

const BETTER_AUTH_URL: &str = "BETTER_AUTH_URL";
const JWKS_URL: &str = "JWKS_URL";

/// The default base path of Better Auth, if its URL has no path.
const BASE_PATH: &str = "/api/auth";

/// The source of the public keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwks {
    /// The URL of the key set.
    pub url: String,
    /// How long a fetched set is used before it is fetched again.
    pub ttl: Duration,
    /// The max duration of a fetch.
    pub timeout: Duration,
}

/// Keys, issuers and audiences.
#[derive(Debug)]
pub(super) struct Trust {
    pub jwks: Option<Jwks>,
    pub issuers: Vec<String>,
    pub audiences: Vec<String>,
}

impl Trust {
    /// `BETTER_AUTH_URL` determines the URL of the keys, the issuer and the audience;
    /// `JWKS_URL`, `auth.issuers` and `auth.audiences` override them.
    pub fn read(layers: &Layers, environment: &Environment) -> Result<Self, SettingsError> {
        let mut issuers = exact(layers, "auth.issuers")?;
        let mut audiences = exact(layers, "auth.audiences")?;
        let base = environment
            .not_empty(BETTER_AUTH_URL)?
            .map(|text| parse(BETTER_AUTH_URL, text))
            .transpose()?;
        let keys = match environment.not_empty(JWKS_URL)? {
            Some(text) => Some((JWKS_URL, parse(JWKS_URL, text)?)),
            None => base.as_ref().map(|base| (BETTER_AUTH_URL, keys_of(base))),
        };
        match &base {
            // Better Auth's issuer and audience are its origin: no path, no trailing
            // slash, no default port, the host in lower case.
            Some(base) => {
                let origin = base.origin().ascii_serialization();
                for list in [&mut issuers, &mut audiences] {
                    if list.is_empty() {
                        list.push(origin.clone());
                    }
                }
            }
            None if keys.is_some() && (issuers.is_empty() || audiences.is_empty()) => {
                let hint = "needs BETTER_AUTH_URL beside it, or both TODOWARD__AUTH__ISSUERS and TODOWARD__AUTH__AUDIENCES: a key set alone does not say whose tokens are meant for this server";
                return Err(SettingsError::new(JWKS_URL, hint));
            }
            None => {}
        }
        // Well below the 24 hours for which keys are used without a fetch, so that
        // there is time to repeat a failed one.
        let ttl = layers.number("auth.jwks_ttl", 1, 43_200)?;
        let timeout = layers.number("auth.jwks_timeout", 1, 30)?;
        let allow_http: bool = layers.parsed("auth.allow_http_jwks", "must be true or false")?;
        if let Some((name, url)) = &keys
            && url.scheme() == "http"
            && !allow_http
            && !is_loopback(url)
        {
            let hint = "must be https, or on this machine: whoever can change a key set on its way can sign tokens; in a closed network set TODOWARD__AUTH__ALLOW_HTTP_JWKS=true";
            return Err(SettingsError::new(name, hint));
        }
        Ok(Self {
            jwks: keys.map(|(_, url)| Jwks {
                url: url.into(),
                ttl: Duration::from_secs(ttl),
                timeout: Duration::from_secs(timeout),
            }),
            issuers,
            audiences,
        })
    }
}

/// A list of exact values. A pattern is refused, because it would never match.
fn exact(layers: &Layers, key: &str) -> Result<Vec<String>, SettingsError> {
    let values = layers.list(key)?;
    if values.iter().any(|value| value.contains('*')) {
        let hint = "must name each value in full: * stands for nothing else, because claims are compared exactly";
        return Err(layers.wrong(key, hint));
    }
    Ok(values)
}

/// The URL of the key set of a Better Auth URL, whose path, if it has one, is the base
/// path.
fn keys_of(base: &Url) -> Url {
    let mut url = base.clone();
    let path = base.path().trim_end_matches('/');
    let path = if path.is_empty() { BASE_PATH } else { path };
    url.set_path(&format!("{path}/jwks"));
    url.set_query(None);
    url
}

fn parse(name: &str, text: &str) -> Result<Url, SettingsError> {
    let wrong = |hint| SettingsError::new(name, hint);
    let mut addresses = text
        .split(|c: char| c.is_whitespace() || c == ',' || c == ';')
        .filter(|part| part.contains("://"));
    if addresses.nth(1).is_some() {
        return Err(wrong("must be one URL, and has more"));
    }
    let hint = "must be a URL with http:// or https://, for example https://app.example.com";
    let url = Url::parse(text.trim()).map_err(|_| wrong(hint))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(wrong(hint));
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(wrong("must have no user, no password and no fragment"));
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => Ipv4Addr::is_loopback(&address),
        Some(Host::Ipv6(address)) => Ipv6Addr::is_loopback(&address),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Trust, SettingsError> {
        let environment = Environment::of(variables.iter().copied());
        Trust::read(&Layers::read(&environment)?, &environment)
    }

    #[test]
    fn one_url_determines_the_keys_the_issuer_and_the_audience() {
        for (url, keys, origin) in [
            (
                "https://App.Example.com",
                "https://app.example.com/api/auth/jwks",
                "https://app.example.com",
            ),
            (
                "https://app.example.com:443/",
                "https://app.example.com/api/auth/jwks",
                "https://app.example.com",
            ),
            (
                "http://localhost:3000/api/auth",
                "http://localhost:3000/api/auth/jwks",
                "http://localhost:3000",
            ),
            (
                "https://a.example/x/auth/",
                "https://a.example/x/auth/jwks",
                "https://a.example",
            ),
        ] {
            let trust = read(&[("BETTER_AUTH_URL", url)]).unwrap();
            assert_eq!(trust.jwks.unwrap().url, keys);
            assert_eq!(
                (trust.issuers, trust.audiences),
                (vec![origin.to_owned()], vec![origin.to_owned()])
            );
        }
    }

    #[test]
    fn explicit_settings_override_derived_ones() {
        let trust = read(&[
            ("BETTER_AUTH_URL", "https://app.example.com"),
            ("JWKS_URL", "https://inside.example/keys"),
            ("TODOWARD__AUTH__ISSUERS", "a, b"),
        ])
        .unwrap();
        assert_eq!(trust.jwks.unwrap().url, "https://inside.example/keys");
        assert_eq!(trust.issuers, ["a", "b"]);
        assert_eq!(trust.audiences, ["https://app.example.com"]);
    }

    #[test]
    fn a_url_that_cannot_be_trusted_is_refused() {
        for variables in [
            &[("BETTER_AUTH_URL", "app.example.com")][..],
            &[("BETTER_AUTH_URL", "")],
            &[("BETTER_AUTH_URL", "file:///etc/passwd")],
            &[("BETTER_AUTH_URL", "https://user:pass@app.example.com")],
            &[("BETTER_AUTH_URL", "http://app.example.com")],
            &[
                ("BETTER_AUTH_URL", "https://a.example"),
                ("JWKS_URL", "http://10.0.0.1/jwks"),
            ],
            &[("JWKS_URL", "https://a.example/jwks")],
            &[
                ("JWKS_URL", "https://a.example/jwks"),
                ("TODOWARD__AUTH__ISSUERS", "a"),
            ],
        ] {
            assert!(read(variables).is_err(), "{variables:?}");
        }
        for ttl in ["0", "43201", "86400", "-1", "1.5", "soon"] {
            let variables = [
                ("BETTER_AUTH_URL", "https://a.example"),
                ("TODOWARD__AUTH__JWKS_TTL", ttl),
            ];
            assert!(read(&variables).is_err(), "{ttl}");
        }
        let allowed = [
            ("BETTER_AUTH_URL", "http://web:3000"),
            ("TODOWARD__AUTH__ALLOW_HTTP_JWKS", "true"),
        ];
        assert!(read(&allowed).is_ok());
    }
}

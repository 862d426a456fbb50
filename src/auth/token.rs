//! A JWT in JWS compact form (RFC 7515 section 7.1, RFC 7519), read strictly
//! and not believed. What is not exactly one well-formed token is refused
//! before any key is touched.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::refusal::Refusal;
use crate::json::{self, Map, Value};

/// The longest token that is looked at, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8_192;

/// Header parameters that change what the signature or the payload means
/// (RFC 7515 `crit`, RFC 7797 `b64`, RFC 7516 and 7518 for the rest), and that
/// no token of ours has. jsonwebtoken ignores them.
const FOREIGN_PARAMETERS: [&str; 11] = [
    "crit", "b64", "zip", "enc", "cty", "epk", "apu", "apv", "p2c", "p2s", "tag",
];

/// A well-formed token whose signature nobody has looked at yet. Its claims
/// are not to be had: only the verifier may open it.
pub struct Unverified<'t> {
    /// What the signature is made over: `header.payload`.
    pub(super) signing_input: &'t str,
    /// The third part, canonical base64url.
    pub(super) signature: &'t str,
    pub(super) alg: String,
    pub(super) typ: Option<String>,
    pub(super) kid: Option<String>,
    pub(super) claims: Map<String, Value>,
}

impl<'t> Unverified<'t> {
    /// Reads a token, without believing any of it.
    pub fn parse(token: &'t str) -> Result<Self, Refusal> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Refusal::Malformed("the token is longer than 8,192 bytes"));
        }
        let (signing_input, header, payload, signature) = split(token)?;
        let header = object(header).map_err(|()| {
            Refusal::Malformed("the token's header is not a JSON object in base64url")
        })?;
        if FOREIGN_PARAMETERS
            .iter()
            .any(|name| header.contains_key(*name))
        {
            return Err(Refusal::Malformed(
                "the token's header has a parameter that no API token has (crit, b64, zip, enc, cty or of encryption)",
            ));
        }
        let Some(Value::String(alg)) = header.get("alg") else {
            return Err(Refusal::Malformed("the token's header has no alg"));
        };
        let claims = object(payload).map_err(|()| {
            Refusal::Malformed("the token's payload is not a JSON object in base64url")
        })?;
        if URL_SAFE_NO_PAD.decode(signature).is_err() {
            return Err(Refusal::Malformed(
                "the token's signature is not canonical base64url",
            ));
        }
        Ok(Self {
            signing_input,
            signature,
            alg: alg.clone(),
            typ: text(&header, "typ")?,
            kid: text(&header, "kid")?,
            claims,
        })
    }
}

/// For `check-token`, which shows a token to whoever has it anyway.
impl Unverified<'_> {
    /// The algorithm that the token says it is signed with.
    pub fn algorithm(&self) -> &str {
        &self.alg
    }

    /// Header and claims as JSON.
    pub fn describe(&self) -> (String, String) {
        let mut header = Map::new();
        header.insert("alg".into(), self.alg.as_str().into());
        for (name, value) in [("typ", &self.typ), ("kid", &self.kid)] {
            if let Some(value) = value {
                header.insert(name.into(), value.as_str().into());
            }
        }
        (
            Value::Object(header).to_string(),
            Value::Object(self.claims.clone()).to_string(),
        )
    }
}

/// The three parts; what is something else is called by its name.
fn split(token: &str) -> Result<(&str, &str, &str, &str), Refusal> {
    let mut parts = token.split('.');
    let (header, payload, signature) = (parts.next(), parts.next(), parts.next());
    match (header, payload, signature, parts.count()) {
        (Some(header), Some(payload), Some(signature), 0) => {
            let signing_input = token.rsplit_once('.').map_or(token, |(input, _)| input);
            Ok((signing_input, header, payload, signature))
        }
        (Some(_), Some(_), Some(_), 2) => Err(Refusal::Malformed(
            "this is an encrypted token (JWE): the cookie cache's strategy is \"jwe\"; get a JWT with authClient.token()",
        )),
        // base64url of `{"`: JSON without dots, while session ids are random.
        (Some(one), None, ..) if one.starts_with("eyJ") => Err(Refusal::Malformed(
            "this is Better Auth's session cookie of the strategy \"compact\", not a JWT; get one with authClient.token()",
        )),
        (_, None, ..) => Err(Refusal::Malformed(
            "this is a Better Auth session token, not a JWT; get one with authClient.token()",
        )),
        (_, Some(signature), None, _) if signature.ends_with('=') || signature.contains('%') => {
            Err(Refusal::Malformed(
                "this is a Better Auth session token, not a JWT; get one with authClient.token()",
            ))
        }
        _ => Err(Refusal::Malformed(
            "a JWT is three parts with dots between them",
        )),
    }
}

/// Canonical base64url (RFC 7515 section 2: no padding, no stray bits) of a JSON object.
fn object(part: &str) -> Result<Map<String, Value>, ()> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(drop)?;
    match json::parse(&bytes) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) | Err(_) => Err(()),
    }
}

fn text(header: &Map<String, Value>, name: &str) -> Result<Option<String>, Refusal> {
    match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Refusal::Malformed(
            "typ and kid in the token's header must be strings",
        )),
    }
}

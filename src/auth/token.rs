//! Strict parsing of a JWT in JWS compact serialization (RFC 7515 section 7.1, RFC
//! 7519). Whatever is not exactly one well-formed token is refused before any key is
//! used. Nothing in the result is trusted.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::refusal::Refusal;
use crate::primitives::json::{self, Map, Value};

/// The max length of a token, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8_192;

/// Header parameters that change the meaning of signature or payload (RFC 7515 `crit`,
/// RFC 7797 `b64`, RFC 7516 and 7518 for the rest). No API token has one, and
/// jsonwebtoken ignores them.
const FOREIGN_PARAMETERS: [&str; 11] = [
    "crit", "b64", "zip", "enc", "cty", "epk", "apu", "apv", "p2c", "p2s", "tag",
];

/// A well-formed token with an unverified signature. Its claims are private: only the
/// verifier may read them.
pub struct Unverified<'t> {
    /// The signed text: `header.payload`.
    pub(super) signing_input: &'t str,
    /// The third part, canonical base64url.
    pub(super) signature: &'t str,
    pub(super) alg: String,
    pub(super) typ: Option<String>,
    pub(super) kid: Option<String>,
    pub(super) claims: Map<String, Value>,
}

impl<'t> Unverified<'t> {
    /// Parses a token without trusting any of it.
    pub fn parse(token: &'t str) -> Result<Self, Refusal> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Refusal::Malformed(
                "the token is longer than 8,192 bytes, most often because the user's image is in it; leave that out with definePayload in the frontend's jwt()",
            ));
        }
        if let Some(what) = wrapping(token) {
            return Err(Refusal::Malformed(what));
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

/// For `check-token`, which shows a token to the person who has it.
impl Unverified<'_> {
    /// The `alg` of the header.
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

/// Recognizes what surrounds a token or was sent instead of one.
fn wrapping(token: &str) -> Option<&'static str> {
    let first = token.chars().next()?;
    let is_word = |word: &str| {
        let start = token.get(..word.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    if is_word("bearer ") || token.eq_ignore_ascii_case("bearer") {
        return Some("the word Bearer stands twice; send it once, and the token behind it");
    }
    if token.starts_with("{{") || first == '$' {
        return Some("the client sent the name of a variable instead of its value");
    }
    match first {
        '"' | '\'' | '`' | '<' | '\u{2018}'..='\u{201f}' => {
            Some("the token is in quotes or brackets; send it without them")
        }
        '{' | '[' => Some(
            "this is JSON, most probably with the token in it; send the text of its member token alone",
        ),
        _ => None,
    }
}

/// Splits a token into its parts. Recognizes what is commonly sent instead of a JWT.
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
        // "eyJ" is base64url of `{"`: a JSON object, not a random session token.
        (Some(one), None, ..) if one.starts_with("eyJ") => Err(Refusal::Malformed(
            "this is Better Auth's session cookie of the strategy \"compact\", not a JWT; get one with authClient.token()",
        )),
        (Some(one), None, ..) if is_session_token(one) => Err(Refusal::Malformed(
            "this is a Better Auth session token, not a JWT; get one with authClient.token()",
        )),
        (Some(one), None, ..) if looks_like_an_api_key(one) => Err(Refusal::Malformed(
            "this looks like an API key, not a JWT; exchange it for one: GET /api/auth/token of the frontend, with the key in x-api-key",
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

/// 32 letters and digits: Better Auth's session tokens, and its ids.
fn is_session_token(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// 64 letters with or without a prefix, as Better Auth's api-key plugin makes them, or
/// a prefix, an underscore and a long text, as others do.
fn looks_like_an_api_key(text: &str) -> bool {
    let is_key = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    let letters = text.bytes().rev().take_while(u8::is_ascii_alphabetic);
    let has_prefix = text
        .rsplit_once('_')
        .is_some_and(|(prefix, key)| !prefix.is_empty() && key.len() >= 16);
    text.bytes().all(is_key) && (letters.count() >= 64 || has_prefix)
}

/// Decodes canonical base64url (RFC 7515 section 2: no padding, no stray bits) of a JSON
/// object.
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

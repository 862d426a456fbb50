//! The key with which a client may repeat a POST without a second effect
//! (draft-ietf-httpapi-idempotency-key-header, but as a plain string).

use aws_lc_rs::digest;

/// A key and the SHA-256 of the endpoint and the body that came with it: the same key
/// with another body, or elsewhere, is another request, and a mistake.
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    key: String,
    body_hash: [u8; 32],
}

impl IdempotencyKey {
    /// How long a key is stored, in hours.
    pub const REMEMBERED_HOURS: i64 = 24;

    /// Reads a key: 1 to 255 visible ASCII characters. No body begins as the name of an
    /// endpoint does.
    pub fn parse(key: &[u8], endpoint: &str, body: &[u8]) -> Option<Self> {
        if !(1..=255).contains(&key.len()) || !key.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        let mut body_hash = [0; 32];
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(endpoint.as_bytes());
        context.update(body);
        body_hash.copy_from_slice(context.finish().as_ref());
        Some(Self {
            key: std::str::from_utf8(key).ok()?.to_owned(),
            body_hash,
        })
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.key
    }

    /// The SHA-256 of endpoint and body.
    pub fn body_hash(&self) -> &[u8; 32] {
        &self.body_hash
    }
}

#[cfg(test)]
mod tests {
    use super::IdempotencyKey;

    #[test]
    fn the_same_body_elsewhere_is_another_request() {
        let hash = |endpoint| {
            let key = IdempotencyKey::parse(b"k", endpoint, b"{}");
            *key.unwrap().body_hash()
        };
        assert_eq!(hash("POST /lists "), hash("POST /lists "));
        assert_ne!(hash("POST /lists "), hash(""));
        // What was stored before there was a second endpoint: the SHA-256 of `{}`.
        assert_eq!(hash("")[..4], [0x44, 0x13, 0x6f, 0xa3]);
    }
}

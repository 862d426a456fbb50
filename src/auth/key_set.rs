//! Key sets (RFC 7517 section 5), and finding the key of a token.

use super::keys::{PublicAlgorithm, PublicKey, sha256};
use crate::primitives::json::{self, Value};

/// The max number of notes about one set in the log: a set can cause 100,000.
const MAX_NOTES: usize = 20;

/// The usable keys of a fetched set.
pub(super) struct KeySet {
    keys: Vec<PublicKey>,
    /// What was ignored or suspicious, for the log.
    pub notes: Vec<String>,
    /// A hash of the keys, independent of their order and JSON formatting.
    pub fingerprint: [u8; 32],
}

/// The result of looking for a token's key.
pub(super) enum Lookup<'s> {
    Found(&'s PublicKey),
    /// There is a key with this `kid`, for another algorithm.
    OtherAlgorithm,
    /// There is no such key; a newer set may have it.
    Unknown,
}

impl KeySet {
    /// Parses a set. A set without a usable key is an error, so that a temporary mistake
    /// of the endpoint does not replace good keys.
    pub fn parse(document: &[u8]) -> Result<Self, String> {
        let Ok(Value::Object(set)) = json::parse(document) else {
            return Err("it is not a JSON object".to_owned());
        };
        let Some(Value::Array(entries)) = set.get("keys") else {
            return Err("it has no array \"keys\"".to_owned());
        };
        let mut keys = Vec::new();
        let mut notes = Vec::new();
        for (at, entry) in entries.iter().enumerate() {
            let Some(jwk) = entry.as_object() else {
                notes.push(format!("key {at} is left out: it is not an object"));
                continue;
            };
            if ["d", "p", "q", "k"]
                .iter()
                .any(|name| jwk.contains_key(*name))
            {
                notes.push(format!(
                    "key {at} has PRIVATE members: whoever can read the set can sign tokens; replace it"
                ));
            }
            match PublicKey::from_jwk(jwk) {
                Ok(key) => keys.push(key),
                Err(why) => notes.push(format!("key {at} is left out: {why}")),
            }
        }
        let kids = entries.iter().map(|entry| entry.get("kid"));
        let kids: Vec<&Value> = kids.flatten().collect();
        keys.retain(|key| {
            let same = |kid: &&&Value| kid.as_str() == key.kid.as_deref();
            // Two keys with one kid are ambiguous.
            let alone = key.kid.is_none() || kids.iter().filter(same).count() < 2;
            if !alone {
                notes.push("keys of the same kid are left out, all of them".to_owned());
            }
            alone
        });
        if keys.is_empty() {
            // The first reason; most probably it applies to all keys.
            let why = notes.first().map(|note| format!(": {note}"));
            return Err(format!("it has no usable key{}", why.unwrap_or_default()));
        }
        let mut fingerprints: Vec<_> = keys.iter().map(|key| key.fingerprint).collect();
        fingerprints.sort_unstable();
        if let Some(more) = notes.len().checked_sub(MAX_NOTES).filter(|more| *more > 0) {
            notes.truncate(MAX_NOTES);
            notes.push(format!("and {more} more complaints about the set"));
        }
        Ok(Self {
            keys,
            notes,
            fingerprint: sha256(fingerprints.as_flattened()),
        })
    }

    /// Finds the key for a token. Without a `kid` there must be exactly one key for the
    /// algorithm.
    pub fn find(&self, kid: Option<&str>, alg: PublicAlgorithm) -> Lookup<'_> {
        let Some(kid) = kid else {
            let mut able = self.keys.iter().filter(|key| key.algorithms.contains(&alg));
            return match (able.next(), able.next()) {
                (Some(key), None) => Lookup::Found(key),
                _ => Lookup::Unknown,
            };
        };
        match self.keys.iter().find(|key| key.kid.as_deref() == Some(kid)) {
            Some(key) if key.algorithms.contains(&alg) => Lookup::Found(key),
            Some(_) => Lookup::OtherAlgorithm,
            None => Lookup::Unknown,
        }
    }

    /// Whether this set contains the key with this fingerprint.
    pub fn has(&self, fingerprint: &[u8; 32]) -> bool {
        self.keys.iter().any(|key| key.fingerprint == *fingerprint)
    }

    /// Whether this set has a key with this `kid`, for any algorithm.
    pub fn has_kid(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.kid.as_deref() == Some(kid))
    }
}

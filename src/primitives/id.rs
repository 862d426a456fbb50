//! Ids: UUIDs version 7 (RFC 9562), which contain the time of creation.

use std::fmt;

use chrono::DateTime;
use uuid::Uuid;

use super::timestamp::Timestamp;

/// The id of a row. Knowing an id gives no access to the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceId(Uuid);

impl ResourceId {
    /// The bits in which the companions of an id differ from it.
    const LAST: u128 = 0xffff_ffff;

    /// A new id. Ids of one process ascend, even within a millisecond.
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// Parses the canonical lower-case form (RFC 9562 section 4) and no other.
    pub fn parse(text: &str) -> Option<Self> {
        let id = Uuid::try_parse(text).ok()?;
        let mut buffer = Uuid::encode_buffer();
        (id.hyphenated().encode_lower(&mut buffer) == text).then_some(Self(id))
    }

    /// Why it cannot be the id of a new row that a client creates now; none if it can.
    /// The time in an id is when the row was created: UUID version 7 (RFC 9562 section
    /// 5.7), at most a day ahead of this server.
    pub fn why_not_new(self, now: Timestamp) -> Option<&'static str> {
        let is_seven =
            self.0.get_version_num() == 7 && self.0.get_variant() == uuid::Variant::RFC4122;
        if !is_seven {
            return Some("must be a UUID version 7");
        }
        let is_ahead = self.created_at().utc() > now.utc() + chrono::TimeDelta::days(1);
        is_ahead.then_some("lies more than a day ahead: your clock is ahead")
    }

    /// The canonical form.
    pub fn text(&self) -> [u8; 36] {
        let mut text = [0; 36];
        self.0.hyphenated().encode_lower(&mut text);
        text
    }

    /// The 16 bytes, in the order in which ids sort.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id with these bytes; the UUID version is not checked.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The lowest id with this time.
    pub fn first_at(moment: Timestamp) -> Self {
        let millis = u64::try_from(moment.utc().timestamp_millis()).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid())
    }

    /// Another id with the same time.
    #[must_use]
    pub fn anew(self) -> Self {
        let millis = u64::try_from(self.created_at().utc().timestamp_millis()).unwrap_or(0);
        let mut random = [0; 10];
        let drawn = Uuid::new_v4();
        for (to, from) in random.iter_mut().zip(drawn.as_bytes().iter().rev()) {
            *to = *from;
        }
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// The id of a row that is made together with one that has this id: they differ in the
    /// last 32 bits alone. `nth` begins at 1. No id that is generated has the bits before
    /// them in common with another one.
    #[must_use]
    pub fn companion(self, nth: u32) -> Self {
        let all = self.0.as_u128();
        let last = all.wrapping_add(u128::from(nth)) & Self::LAST;
        Self(Uuid::from_u128(all & !Self::LAST | last))
    }

    /// Whether it is one of the companions of an id.
    pub fn is_companion_of(self, first: Self) -> bool {
        let differing = self.0.as_u128() ^ first.0.as_u128();
        differing != 0 && differing & !Self::LAST == 0
    }

    /// The id with this time whose other bits are these; those of version and variant are
    /// not among them.
    pub fn with_tail(moment: Timestamp, tail: Tail) -> Self {
        let millis = u64::try_from(moment.utc().timestamp_millis()).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &tail.0).into_uuid())
    }

    /// The bits that are not its time, its version or its variant.
    pub fn tail(&self) -> Tail {
        let mut tail = [0; 10];
        for (to, from) in tail.iter_mut().zip(self.0.as_bytes().iter().skip(6)) {
            *to = *from;
        }
        Tail::new(tail)
    }

    /// The time in the id.
    pub fn created_at(&self) -> Timestamp {
        let millis = self.0.get_timestamp().map_or(0, |time| {
            let (seconds, nanos) = time.to_unix();
            i64::try_from(seconds).unwrap_or(0).saturating_mul(1000) + i64::from(nanos / 1_000_000)
        });
        Timestamp::new(DateTime::from_timestamp_millis(millis).unwrap_or_default())
    }
}

/// The 74 random bits of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tail([u8; 10]);

impl Tail {
    /// Of ten bytes, of which six bits do not count.
    pub fn new(mut bytes: [u8; 10]) -> Self {
        let [version, _, variant, ..] = &mut bytes;
        *version &= 0x0f;
        *variant &= 0x3f;
        Self(bytes)
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_in_one_form_only() {
        let id = ResourceId::generate();
        let text = id.to_string();
        assert_eq!(ResourceId::parse(&text), Some(id));
        for other in [
            text.to_uppercase(),
            text.replace('-', ""),
            format!("{{{text}}}"),
            format!("urn:uuid:{text}"),
            format!(" {text}"),
        ] {
            assert_eq!(ResourceId::parse(&other), None, "{other}");
        }
    }

    #[test]
    fn an_id_that_is_given_anew_has_the_same_time() {
        let id = ResourceId::generate();
        let (one, other) = (id.anew(), id.anew());
        assert!(id != one && one != other);
        assert_eq!(one.created_at(), id.created_at());
        assert_eq!(one.why_not_new(Timestamp::now()), None);
    }

    #[test]
    fn companions_differ_in_the_last_bits_and_nothing_else_is_one() {
        let last = ResourceId::parse("01a1f7e7-b530-74f8-94e4-b4dcffffffff").unwrap();
        for id in [ResourceId::generate(), last] {
            let companions: Vec<_> = (1..100).map(|nth| id.companion(nth)).collect();
            for (at, one) in companions.iter().enumerate() {
                assert!(one.is_companion_of(id), "{one} {id}");
                assert_eq!(one.created_at(), id.created_at());
                assert_eq!(one.why_not_new(Timestamp::now()), None);
                assert!(!companions[..at].contains(one));
            }
            assert!(!id.is_companion_of(id));
        }
        assert_eq!(
            last.companion(1).to_string(),
            "01a1f7e7-b530-74f8-94e4-b4dc00000000"
        );
        let many: Vec<_> = (0..1000).map(|_| ResourceId::generate()).collect();
        for pair in many.windows(2) {
            assert!(!pair[1].is_companion_of(pair[0]), "{pair:?}");
        }
    }

    #[test]
    fn an_id_is_its_time_and_its_tail() {
        for _ in 0..1000 {
            let id = ResourceId::generate();
            assert_eq!(ResourceId::with_tail(id.created_at(), id.tail()), id);
            let other = ResourceId::with_tail(id.created_at(), Tail::new([0xff; 10]));
            assert_eq!(other.tail(), Tail::new([0xff; 10]));
            assert!(other.why_not_new(Timestamp::now()).is_none());
        }
    }

    #[test]
    fn the_first_id_of_an_instant_carries_that_instant_and_is_below_the_next() {
        let now = Timestamp::now();
        let first = ResourceId::first_at(now);
        assert_eq!(first.created_at(), now);
        assert!(first <= ResourceId::generate());
    }

    #[test]
    fn an_id_without_a_time_which_another_program_has_stored_is_of_1970() {
        let id = ResourceId::parse("f47ac10b-58cc-4372-a567-0e02b2c3d479").unwrap();
        assert_eq!(id.created_at().utc(), DateTime::UNIX_EPOCH);
    }
}

//! Entity tags (RFC 9110 section 8.8.3) and preconditions. The entity tag of a row is
//! its version in quotes.

use std::fmt;

/// The strong entity tag of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntityTag(pub i64);

impl fmt::Display for EntityTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

/// `If-Match`: the versions for which a write is allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum IfMatch {
    /// No precondition, or `*`: any version.
    #[default]
    Any,
    /// One of these versions; empty if no tag of the list can be a version.
    Versions(Vec<i64>),
}

impl IfMatch {
    /// Parses the joined header values; none if they are neither `*` nor entity tags. A weak
    /// tag never matches (RFC 9110 section 13.1.1).
    pub fn parse(header: Option<&str>) -> Option<Self> {
        let Some(header) = header else {
            return Some(Self::Any);
        };
        Some(match parse_tags(header)? {
            Tags::Any => Self::Any,
            Tags::List(tags) => {
                let strong = tags.iter().filter(|tag| !tag.weak);
                let mut versions: Vec<i64> = strong.filter_map(Tag::version).collect();
                versions.sort_unstable();
                versions.dedup();
                Self::Versions(versions)
            }
        })
    }

    /// Whether a write is allowed for this version.
    pub fn allows(&self, version: i64) -> bool {
        match self {
            Self::Any => true,
            Self::Versions(versions) => versions.contains(&version),
        }
    }
}

/// `If-None-Match`: the versions that the client already has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IfNoneMatch(IfMatch);

impl IfNoneMatch {
    /// Parses the joined header values; weak tags match as well (RFC 9110 section 13.1.2).
    pub fn parse(header: Option<&str>) -> Option<Self> {
        let Some(header) = header else {
            return Some(Self(IfMatch::Versions(Vec::new())));
        };
        Some(Self(match parse_tags(header)? {
            Tags::Any => IfMatch::Any,
            Tags::List(tags) => IfMatch::Versions(tags.iter().filter_map(Tag::version).collect()),
        }))
    }

    /// Whether the client has this version already.
    pub fn has(&self, version: i64) -> bool {
        self.0.allows(version)
    }
}

enum Tags<'h> {
    Any,
    List(Vec<Tag<'h>>),
}

struct Tag<'h> {
    weak: bool,
    opaque: &'h str,
}

impl Tag<'_> {
    /// The version of this tag, if it has the canonical form.
    fn version(&self) -> Option<i64> {
        let version: i64 = self.opaque.parse().ok()?;
        (version.to_string() == self.opaque).then_some(version)
    }
}

fn parse_tags(header: &str) -> Option<Tags<'_>> {
    let mut rest = header.trim();
    if rest == "*" {
        return Some(Tags::Any);
    }
    let mut tags = Vec::new();
    loop {
        // RFC 9110 section 5.6.1: a recipient accepts empty list elements.
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            break;
        }
        let (weak, quoted) = match rest.strip_prefix("W/") {
            Some(quoted) => (true, quoted),
            None => (false, rest),
        };
        let (opaque, behind) = quoted.strip_prefix('"')?.split_once('"')?;
        let etagc = |byte: u8| byte == 0x21 || byte > 0x22 && byte != 0x7f;
        if !opaque.bytes().all(etagc) {
            return None;
        }
        rest = behind.trim_start_matches([' ', '\t']);
        if !rest.is_empty() && !rest.starts_with(',') {
            return None;
        }
        tags.push(Tag { weak, opaque });
    }
    (!tags.is_empty()).then_some(Tags::List(tags))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_tags_is_read_as_the_rfc_writes_it() {
        let versions = |header| IfMatch::parse(Some(header));
        assert_eq!(versions("*"), Some(IfMatch::Any));
        assert_eq!(versions(r#""3""#), Some(IfMatch::Versions(vec![3])));
        assert_eq!(
            versions(r#" "2" , "x,y","2",, W/"4""#),
            Some(IfMatch::Versions(vec![2]))
        );
        assert_eq!(versions(r#""03""#), Some(IfMatch::Versions(vec![])));
        for wrong in [
            "",
            "3",
            "\"3",
            "3\"",
            "\"1\" \"2\"",
            "*, \"1\"",
            "w/\"1\"",
            "\"a b\"",
            ",",
        ] {
            assert_eq!(versions(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_weak_tag_matches_only_for_reading() {
        assert!(!IfMatch::parse(Some(r#"W/"1""#)).is_some_and(|m| m.allows(1)));
        assert!(IfNoneMatch::parse(Some(r#"W/"1""#)).is_some_and(|m| m.has(1)));
    }
}

//! `If-Match` and `If-None-Match`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use todoward::primitives::entity_tag::{EntityTag, IfMatch, IfNoneMatch};

fuzz_target!(|header: &str| {
    let if_match = IfMatch::parse(Some(header));
    let if_none_match = IfNoneMatch::parse(Some(header));
    assert_eq!(if_match.is_some(), if_none_match.is_some());
    let (Some(if_match), Some(if_none_match)) = (if_match, if_none_match) else {
        return;
    };
    match &if_match {
        IfMatch::Any => assert_eq!(header.trim(), "*"),
        IfMatch::Versions(versions) => {
            let tags: Vec<String> = versions.iter().map(|v| EntityTag(*v).to_string()).collect();
            for (version, tag) in versions.iter().zip(&tags) {
                // No version is allowed that the client has not named, as it was given out.
                assert!(header.contains(tag.as_str()), "{tag}");
                // A strong comparison that holds is a weak one that does.
                assert!(if_none_match.has(*version));
            }
            if !tags.is_empty() {
                assert_eq!(IfMatch::parse(Some(&tags.join(", "))), Some(if_match));
            }
        }
    }
});

//! What search and the order of titles compare.

#![no_main]

use libfuzzer_sys::fuzz_target;
use todoward::primitives::folded::{Words, fold};

fuzz_target!(|texts: (&str, &str)| {
    let (one, other) = texts;
    let folded = fold(one);
    assert_eq!(fold(&folded), folded, "folding is done once");
    assert_eq!(folded.trim(), folded);
    assert!(!folded.contains("  "));
    assert!(
        folded.chars().all(|c| c == ' ' || !c.is_whitespace()),
        "{folded:?}"
    );
    // Words are folded apart.
    let apart = [folded.clone(), fold(other)].join(" ");
    assert_eq!(fold(&format!("{one} {other}")), apart.trim());
    if let Some(words) = Words::parse(one) {
        let found: Vec<&str> = words.folded.split(' ').collect();
        assert!((1..=10).contains(&found.len()), "{words:?}");
        assert!(
            found
                .iter()
                .all(|word| !word.is_empty() && folded.contains(word))
        );
        assert!(found.is_sorted());
    }
});

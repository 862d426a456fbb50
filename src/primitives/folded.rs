//! Folded text, by which search and the order of titles compare: without the differences
//! in case, marks, width and white space that people do not type consistently. Databases
//! disagree about case and do not handle the rest, so stored and searched texts are
//! folded here, and the databases compare bytes.
//!
//! Folding uses ICU4X, whose decomposition tables the URL parser includes anyway;
//! unicode-normalization with caseless would add two sets of tables, of two versions of
//! Unicode.

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_normalizer::DecomposingNormalizerBorrowed;
use icu_normalizer::properties::CanonicalCombiningClassMapBorrowed;
use icu_properties::props::GeneralCategory;
use icu_properties::{CodePointMapData, CodePointMapDataBorrowed};

/// Folds a text: compatibility decomposition (NFKD); removal of marks, except those that
/// make another letter; full case folding without context; runs of white space become
/// one space, and none is left at the ends.
///
/// The result has no line break, and no word of [`Words`] has white space. So a word
/// occurs in one of several texts exactly if it occurs in all of them joined by line
/// breaks.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        // The fast path for ASCII, which has no marks and does not decompose.
        return spaced(text.to_ascii_lowercase().into());
    }
    let decomposed = DecomposingNormalizerBorrowed::new_nfkd().normalize(text);
    let unmarked: Cow<'_, str> = match decomposed.chars().any(is_dropped) {
        true => decomposed.chars().filter(|c| !is_dropped(*c)).collect(),
        false => decomposed,
    };
    spaced(CaseMapper::new().fold_string(&unmarked))
}

/// The marks that make another kana: が is not か.
const VOICED: char = '\u{3099}';
const SEMI_VOICED: char = '\u{309a}';

/// Whether a character is a mark on another one, such as an accent. Vowels of Indic
/// scripts have combining class 0 and are kept.
fn is_dropped(c: char) -> bool {
    const CATEGORY: CodePointMapDataBorrowed<'static, GeneralCategory> =
        CodePointMapData::<GeneralCategory>::new();
    const CLASS: CanonicalCombiningClassMapBorrowed<'static> =
        CanonicalCombiningClassMapBorrowed::new();
    !c.is_ascii()
        && c != VOICED
        && c != SEMI_VOICED
        && CLASS.get_u8(c) != 0
        && CATEGORY.get(c) == GeneralCategory::NonspacingMark
}

/// Replaces each run of white space by one space, and trims.
fn spaced(text: Cow<'_, str>) -> String {
    let odd = |c: char| c != ' ' && c.is_whitespace();
    if text.trim().len() == text.len() && !text.contains("  ") && !text.contains(odd) {
        return text.into_owned();
    }
    let mut words = text.split_whitespace();
    let mut spaced = words.next().unwrap_or_default().to_owned();
    for word in words {
        spaced.push(' ');
        spaced.push_str(word);
    }
    spaced
}

/// The words of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct Words {
    /// The words as the client wrote them. Folding can make them longer.
    pub text: String,
    /// The distinct folded words, sorted by bytes and separated by spaces. Each must occur
    /// in the folded title, description or tags.
    pub folded: String,
    /// The same words, lower-cased as the previous release does, for rows that it has
    /// written.
    pub lower: String,
}

impl Words {
    /// Parses one to ten words. They are split after folding, which can make two of one.
    pub fn parse(text: &str) -> Option<Self> {
        let folded = fold(text);
        let mut folded: Vec<&str> = folded.split_whitespace().collect();
        if !(1..=10).contains(&folded.len()) {
            return None;
        }
        folded.sort_unstable();
        folded.dedup();
        let lower = spaced(text.to_lowercase().into());
        Some(Self {
            text: text.to_owned(),
            folded: folded.join(" "),
            lower,
        })
    }
}

#[cfg(test)]
#[path = "folded_tests.rs"]
mod tests;

//! What search and the order of titles compare: text without what people do not
//! type alike. Databases disagree about case and know nothing of the rest, so both
//! sides are folded here, and the databases compare bytes.
//!
//! By ICU4X, of which the URL parser brings the tables for decomposition anyway;
//! unicode-normalization with caseless would be two further sets of tables, of
//! two versions of Unicode.

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_normalizer::DecomposingNormalizerBorrowed;
use icu_normalizer::properties::CanonicalCombiningClassMapBorrowed;
use icu_properties::props::GeneralCategory;
use icu_properties::{CodePointMapData, CodePointMapDataBorrowed};

/// Compatibility decomposition (NFKD); no marks, but for those that make another
/// letter; full case folding without context; one space for all white space, none
/// at the ends.
///
/// It never has a line break, and none of the [`Words`] has white space: so a word
/// stands in one of some texts if it stands in all of them, each on a line.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        // Most text is. What decomposes or is a mark is not ASCII.
        return spaced(text.to_ascii_lowercase().into());
    }
    let decomposed = DecomposingNormalizerBorrowed::new_nfkd().normalize(text);
    let unmarked: Cow<'_, str> = match decomposed.chars().any(is_dropped) {
        true => decomposed.chars().filter(|c| !is_dropped(*c)).collect(),
        false => decomposed,
    };
    spaced(CaseMapper::new().fold_string(&unmarked))
}

/// The marks that change what a kana is: が is no か.
const VOICED: char = '\u{3099}';
const SEMI_VOICED: char = '\u{309a}';

/// A mark that stands on another character, as an accent does. Vowels of Indic
/// scripts are of class 0, and stay.
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

/// With one space for all white space, and none at the ends.
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

/// What a search looks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Words {
    /// Words with a space between them. Each of them stands in the title, the
    /// description or a tag, all folded. In the order of their bytes, none twice.
    pub folded: String,
    /// What rows are searched for that the previous release has written: words as
    /// that release lower-cases them, likewise.
    pub lower: String,
}

impl Words {
    /// One to ten words; they are split after folding, which can make two of one.
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
            folded: folded.join(" "),
            lower,
        })
    }
}

#[cfg(test)]
#[path = "folded_tests.rs"]
mod tests;

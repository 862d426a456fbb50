//! The texts of a task, folded for search and sorting.

use super::tags::Tags;
use crate::primitives::folded::fold;

/// The texts of a task with their lower-cased forms. For most texts the folded form
/// equals the lower-cased one.
pub struct Texts<'a> {
    pub title: &'a str,
    pub title_lower: &'a str,
    pub description: Option<&'a str>,
    pub description_lower: Option<&'a str>,
    /// The tags as stored in their column.
    pub tags: &'a str,
}

/// The folded texts of a task, as stored in their columns.
#[derive(Debug, PartialEq, Eq)]
pub struct FoldedTexts {
    /// The folded title, if it differs from the lower-cased one.
    pub title: Option<String>,
    /// The folded description, if it differs from the lower-cased one, and every
    /// folded tag, one a line; none if there is neither.
    pub rest: Option<String>,
}

impl FoldedTexts {
    /// Folds these texts.
    pub fn of(texts: &Texts<'_>) -> Self {
        let unless = |lower: Option<&str>, text: &str| {
            let folded = fold(text);
            (lower != Some(folded.as_str())).then_some(folded)
        };
        let description = texts.description;
        let description = description.and_then(|text| unless(texts.description_lower, text));
        let rest = Tags::texts(texts.tags)
            .iter()
            .fold(description, |rest, tag| {
                let tag = fold(tag);
                Some(match rest {
                    Some(rest) => rest + "\n" + &tag,
                    None => tag,
                })
            });
        Self {
            title: unless(Some(texts.title_lower), texts.title),
            rest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folded_text_is_stored_where_it_differs_from_the_lower_cased_one() {
        let of = |description: Option<&str>, tags: &str| {
            let lower = description.map(str::to_lowercase);
            FoldedTexts::of(&Texts {
                title: "Get Milk",
                title_lower: "get milk",
                description,
                description_lower: lower.as_deref(),
                tags,
            })
        };
        let folded = of(Some("a\nB"), "[\n\"Ç d\",\n\"x\\ny\"]");
        assert_eq!(folded.title, None);
        assert_eq!(folded.rest.as_deref(), Some("a b\nc d\nx y"));
        let folded = of(Some("Plain"), "[]");
        assert_eq!(folded.rest, None);
        assert_eq!(of(Some("Plain"), "[\n\"E\"]").rest.as_deref(), Some("e"));
    }
}

//! The texts of a task, folded for the search.

use super::tags::Tags;
use crate::primitives::folded::fold;

/// The texts of a task, and how they are lower-cased, which most differ in nothing
/// from when they are folded.
pub struct Texts<'a> {
    pub title: &'a str,
    pub title_lower: &'a str,
    pub description: Option<&'a str>,
    pub description_lower: Option<&'a str>,
    /// As their column has them.
    pub tags: &'a str,
}

/// The texts of a task, folded, as their columns have them.
#[derive(Debug, PartialEq, Eq)]
pub struct FoldedTexts {
    /// The title, if it is another than when it is lower-cased.
    pub title: Option<String>,
    /// The same of the description, and each tag, each on a line, if there is one.
    pub rest: Option<String>,
}

impl FoldedTexts {
    /// Those of these texts.
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
    fn what_is_folded_is_kept_where_it_is_another_than_what_is_lower_cased() {
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

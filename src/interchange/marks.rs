//! Marks of todo.txt, and words that look like them.
//!
//! A word of a title that would be read as a mark is written with a backslash: before the
//! sign of `\+project`, before the colon of `due\:2026-01-01`. Words that have backslashes
//! there already get one more, so that taking one off gives back what was written.

use std::borrow::Cow;

use crate::tasks::fields::day;

/// The sign and the name of a project or a context.
pub fn sign(token: &str) -> Option<(char, &str)> {
    let sign = token
        .chars()
        .next()
        .filter(|sign| matches!(sign, '+' | '@'))?;
    let name = token.strip_prefix(sign)?;
    (!name.is_empty()).then_some((sign, name))
}

/// The letter of a priority at the begin of a text, and the text behind it.
pub fn priority(text: &str) -> Option<(char, &str)> {
    let (token, rest) = text.split_once(' ')?;
    let letter = token.strip_prefix('(')?.strip_suffix(')')?;
    letter_of(letter).map(|letter| (letter, rest))
}

/// The letter of a priority.
pub fn letter(text: &str) -> Option<char> {
    letter_of(text)
}

fn letter_of(text: &str) -> Option<char> {
    let mut chars = text.chars();
    let letter = chars.next().filter(char::is_ascii_uppercase)?;
    chars.next().is_none().then_some(letter)
}

/// Where in a word the backslashes are that protect it; none if it looks like no mark.
fn place(word: &str, is_first: bool) -> Option<usize> {
    let bare = word.trim_start_matches('\\');
    let leads = is_first
        && (matches!(bare, "x" | "X")
            || day(bare).is_some()
            || priority(&format!("{bare} ")).is_some());
    if leads || sign(bare).is_some() {
        return Some(0);
    }
    let (key, value) = word.split_once(':')?;
    let name = key.trim_end_matches('\\');
    let is_key = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    // A URL is a mark to nobody.
    (is_key && !value.is_empty() && !value.starts_with("//")).then_some(name.len())
}

/// A word as it is written, so that no program takes it for a mark.
pub fn protected(word: &str, is_first: bool) -> Cow<'_, str> {
    let split = place(word, is_first).and_then(|at| word.split_at_checked(at));
    match split {
        Some((before, behind)) => Cow::Owned(format!("{before}\\{behind}")),
        None => Cow::Borrowed(word),
    }
}

/// A word as it was before it was protected.
pub fn unprotected(word: &str, is_first: bool) -> String {
    let split = place(word, is_first).and_then(|at| word.split_at_checked(at));
    match split {
        Some((before, behind)) => {
            let behind = behind.strip_prefix('\\').unwrap_or(behind);
            format!("{before}{behind}")
        }
        None => word.to_owned(),
    }
}

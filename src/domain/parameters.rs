//! The query of an address. A parameter that the address does not have, or that
//! stands too often, is an error: a misspelt filter must not list everything.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use super::fault::Fault;

/// The decoded parameters of a query, in their order.
#[derive(Debug, Default)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Decodes `a=1&b=2` as forms are (`+` is a space, `%XX` a byte of UTF-8).
    pub fn parse(query: &str) -> Result<Self, Vec<Fault>> {
        let mut parameters = Vec::new();
        let mut faults = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match (decode(name), decode(value)) {
                (Some(name), Some(value)) => parameters.push((name, value)),
                (decoded, _) => {
                    let name = decoded.unwrap_or_else(|| name.to_owned());
                    faults.push(Fault::parameter(name, "must be UTF-8, percent-encoded"));
                }
            }
        }
        if faults.is_empty() {
            Ok(Self(parameters))
        } else {
            Err(faults)
        }
    }

    /// Every value of a parameter.
    pub(super) fn all<'p>(&'p self, name: &'p str) -> impl Iterator<Item = &'p str> {
        let named = self.0.iter().filter(move |(known, _)| known == name);
        named.map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that may stand once, parsed.
    pub(super) fn one<T>(
        &self,
        name: &'static str,
        faults: &mut Vec<Fault>,
        why: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let mut values = self.all(name);
        let value = values.next()?;
        if values.next().is_some() {
            faults.push(Fault::parameter(name, "must stand only once"));
            return None;
        }
        let parsed = parse(value);
        if parsed.is_none() {
            faults.push(Fault::parameter(name, why));
        }
        parsed
    }

    /// A fault for each parameter that is not among the known ones.
    pub(super) fn unknown(&self, known: &[&str]) -> Vec<Fault> {
        let mut names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names.retain(|name| !known.contains(name));
        names.into_iter().map(Fault::unknown_parameter).collect()
    }
}

fn decode(text: &str) -> Option<String> {
    let spaced: Cow<'_, str> = if text.contains('+') {
        text.replace('+', " ").into()
    } else {
        text.into()
    };
    let decoded = percent_decode(spaced.as_bytes()).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

/// The query of an address that has no parameters.
pub fn none(query: &str) -> Result<(), Vec<Fault>> {
    let faults = Parameters::parse(query)?.unknown(&[]);
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
    }
}

/// The query of "clear completed": exactly `completed=true`, said aloud, because
/// nothing but the query stands between a client and an empty list.
pub fn clear_completed(query: &str) -> Result<(), Vec<Fault>> {
    const WHY: &str = "must be true: only completed tasks can be cleared";
    let parameters = Parameters::parse(query)?;
    let mut faults = Vec::new();
    let given = parameters.one("completed", &mut faults, WHY, |text| {
        (text == "true").then_some(())
    });
    if given.is_none() && faults.is_empty() {
        faults.push(Fault::parameter("completed", WHY));
    }
    faults.extend(parameters.unknown(&["completed"]));
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
    }
}

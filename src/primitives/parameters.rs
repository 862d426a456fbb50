//! Query parameters. Unknown and wrongly repeated ones are errors: a misspelt filter must
//! not list everything.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use super::field_error::FieldError;

/// The decoded parameters of a query, in order.
#[derive(Debug, Default)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Decodes `a=1&b=2` like a form (`+` is a space, `%XX` a byte of UTF-8).
    pub fn parse(query: &str) -> Result<Self, Vec<FieldError>> {
        let mut parameters = Vec::new();
        let mut errors = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match (decode(name), decode(value)) {
                (Some(name), Some(value)) => parameters.push((name, value)),
                (decoded, _) => {
                    let name = decoded.unwrap_or_else(|| name.to_owned());
                    errors.push(FieldError::parameter(
                        name,
                        "must be UTF-8, percent-encoded",
                    ));
                }
            }
        }
        if errors.is_empty() {
            Ok(Self(parameters))
        } else {
            Err(errors)
        }
    }

    /// All values of a parameter.
    pub fn all<'p>(&'p self, name: &'p str) -> impl Iterator<Item = &'p str> {
        let named = self.0.iter().filter(move |(known, _)| known == name);
        named.map(|(_, value)| value.as_str())
    }

    /// The parsed value of a parameter that must not be repeated. Adds an error with the
    /// detail `why` if it cannot be parsed.
    pub fn one<T>(
        &self,
        name: &'static str,
        errors: &mut Vec<FieldError>,
        why: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let mut values = self.all(name);
        let value = values.next()?;
        if values.next().is_some() {
            errors.push(FieldError::parameter(name, "must stand only once"));
            return None;
        }
        let parsed = parse(value);
        if parsed.is_none() {
            errors.push(FieldError::parameter(name, why));
        }
        parsed
    }

    /// An error for each parameter that is not known.
    pub fn unknown(&self, known: &[&str]) -> Vec<FieldError> {
        let mut names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names.retain(|name| !known.contains(name));
        names
            .into_iter()
            .map(FieldError::unknown_parameter)
            .collect()
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

/// Checks the query of an endpoint without parameters.
pub fn no_parameters(query: &str) -> Result<(), Vec<FieldError>> {
    let errors = Parameters::parse(query)?.unknown(&[]);
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}

/// The query of a DELETE of one row: whether it is for good.
pub fn is_permanent(query: &str) -> Result<bool, Vec<FieldError>> {
    let parameters = Parameters::parse(query)?;
    let mut errors = Vec::new();
    let permanent =
        parameters.one(
            "permanent",
            &mut errors,
            "must be true or false",
            |text| match text {
                "true" => Some(true),
                "false" => Some(false),
                _ => None,
            },
        );
    errors.extend(parameters.unknown(&["permanent"]));
    if errors.is_empty() {
        Ok(permanent.unwrap_or(false))
    } else {
        Err(errors)
    }
}

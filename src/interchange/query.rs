//! What a request says of the file: its format, and whether to write.

use actix_web::HttpMessage as _;
use actix_web::HttpRequest;
use actix_web::http::header::{self, Accept, CONTENT_TYPE, Header as _, Quality};

use super::format::Format;
use super::media;
use crate::http::errors::invalid_query;
use crate::primitives::parameters::Parameters;
use crate::primitives::problem::{ApiError, Code};

const TO_READ: &str = "must be ndjson, csv, icalendar, todotxt, google, todoist or microsoft";
const TO_WRITE: &str = "must be ndjson, csv, icalendar or todotxt";

/// What an import should do.
#[derive(Debug, PartialEq, Eq)]
pub struct ImportQuery {
    /// The formats that the file can have, by its media type, or the one that is named.
    pub formats: Vec<Format>,
    /// Only to say what it would do.
    pub dry_run: bool,
}

impl ImportQuery {
    /// Reads query and headers.
    ///
    /// # Errors
    ///
    /// An invalid parameter, or a type that is none of a format's.
    pub fn parse(request: &HttpRequest) -> Result<Self, ApiError> {
        let given = Parameters::parse(request.query_string()).map_err(invalid_query)?;
        let mut errors = Vec::new();
        let format = given.one("format", &mut errors, TO_READ, media::by_name);
        let dry_run = given.one("dry_run", &mut errors, "must be true or false", flag);
        errors.extend(given.unknown(&["format", "dry_run"]));
        if !errors.is_empty() {
            return Err(invalid_query(errors));
        }
        let formats = match format {
            Some(format) => vec![format],
            None => by_content_type(request)?,
        };
        Ok(Self {
            formats,
            dry_run: dry_run.unwrap_or(false),
        })
    }
}

fn flag(text: &str) -> Option<bool> {
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn by_content_type(request: &HttpRequest) -> Result<Vec<Format>, ApiError> {
    let mut values = request.headers().get_all(CONTENT_TYPE);
    let is_single = values.next().is_some() && values.next().is_none();
    let mime = request.mime_type().ok().flatten().filter(|_| is_single);
    let Some(mime) = mime else {
        return Err(unsupported());
    };
    let mut charsets = mime.params().filter(|(name, _)| *name == "charset");

    if charsets.any(|(_, charset)| charset != "utf-8" && charset != "utf8") {
        return Err(ApiError::new(
            Code::UnsupportedMediaType,
            "send the file in UTF-8, with charset=utf-8 or no charset",
        ));
    }
    match media::by_essence(mime.essence_str()) {
        none if none.is_empty() => Err(unsupported()),
        formats => Ok(formats),
    }
}

fn unsupported() -> ApiError {
    let types = media::essences(false).join(", ");
    ApiError::new(
        Code::UnsupportedMediaType,
        format!(
            "send Content-Type as one of {types}; or say ?format= and one of ndjson, csv, icalendar, todotxt, google, todoist, microsoft"
        ),
    )
}

/// The format of an export: that of the query, or the first one of `Accept` that can be
/// written.
///
/// # Errors
///
/// An invalid parameter, or no format that is accepted.
pub fn export_format(request: &HttpRequest) -> Result<Format, ApiError> {
    let given = Parameters::parse(request.query_string()).map_err(invalid_query)?;
    let mut errors = Vec::new();
    let by_name = |name: &str| media::by_name(name).filter(|it| media::written(*it).is_some());
    let format = given.one("format", &mut errors, TO_WRITE, by_name);
    errors.extend(given.unknown(&["format"]));
    if !errors.is_empty() {
        return Err(invalid_query(errors));
    }
    match format {
        Some(format) => Ok(format),
        None => by_accept(request),
    }
}

fn by_accept(request: &HttpRequest) -> Result<Format, ApiError> {
    // Without the header, and with one that is none, anything is accepted.
    let accept = match Accept::parse(request) {
        Ok(accept) if request.headers().contains_key(header::ACCEPT) => accept,
        Ok(_) | Err(_) => return Ok(Format::Ndjson),
    };
    // What has a quality of 0 is not accepted, though a wildcard allows it (RFC 9110
    // section 12.4.2).
    let (refused, allowed): (Vec<_>, Vec<_>) = accept
        .0
        .into_iter()
        .partition(|item| item.quality == Quality::ZERO);
    let is_refused = |essence: &str| {
        refused
            .iter()
            .any(|item| item.item.essence_str() == essence)
    };
    for mime in Accept(allowed).ranked() {
        let (kind, sub) = (mime.type_(), mime.subtype());
        let mut written = media::essences(true).into_iter();
        let accepted = written.find(|essence| {
            let (of_kind, rest) = essence.split_once('/').unwrap_or_default();
            let is_wild = (kind == "*" || kind == of_kind) && sub == "*";
            let is_ndjson = mime.essence_str() == "application/ndjson" && rest == "x-ndjson";
            let is_named = mime.essence_str() == *essence || is_ndjson;
            is_named || is_wild && !is_refused(essence)
        });
        if let Some(format) = accepted.and_then(|it| media::by_essence(it).first().copied()) {
            return Ok(format);
        }
    }
    let types = media::essences(true).join(", ");
    Err(ApiError::new(
        Code::NotAcceptable,
        format!("Accept must allow one of {types}; or say ?format="),
    ))
}

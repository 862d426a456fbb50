//! The body of a batch: its operations, each of which must describe a request that single
//! clients could send.

use actix_web::http::header::{HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use actix_web::http::{Method, Uri};
use actix_web::web::Bytes;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::RESOURCES;
use crate::http::conditions::IDEMPOTENCY_KEY;
use crate::primitives::field_error::{FieldError, object};
use crate::primitives::json::{Map, Value};

/// The max number of operations.
pub(super) const MAX_OPERATIONS: usize = 100;

/// The methods of operations. A batch only writes.
pub(super) const METHODS: [Method; 4] = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// The headers that an operation may have, as the document writes them.
pub(super) static HEADERS: [(&str, HeaderName); 3] = [
    ("If-Match", IF_MATCH),
    ("If-None-Match", IF_NONE_MATCH),
    ("Idempotency-Key", IDEMPOTENCY_KEY),
];

const MANY: &str = "must be an array of 1 to 100 operations";
const METHOD: &str = "must be POST, PUT, PATCH or DELETE";
const PATH: &str = "must begin with /tasks, /lists or /tags";
const DOTS: &str = "must not have the segments . and ..";
const CHARACTERS: &str = "must be a path, and a query if there is one, percent-encoded";
const HEADER: &str =
    "is not a header of operations; they are If-Match, If-None-Match and Idempotency-Key";
const TWICE: &str = "must stand only once, whatever its case";
const VALUE: &str = "must be a string without control characters";

/// A batch.
pub(super) struct Batch {
    /// Whether all of it is done, or nothing.
    pub atomic: bool,
    pub operations: Vec<Operation>,
}

/// A request of a batch.
pub(super) struct Operation {
    pub method: Method,
    /// The path below the mount, and the query.
    pub uri: Uri,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The bytes of the body, as they stand in the batch.
    pub body: Option<Bytes>,
}

/// How many operations a body has, if it could be a batch.
pub(super) fn count(document: &Value) -> Option<usize> {
    let operations = document.get("operations")?.as_array()?;
    (1..=MAX_OPERATIONS)
        .contains(&operations.len())
        .then_some(operations.len())
}

impl Batch {
    /// Reads a batch; the error names everything that is wrong with its envelope. `bytes`
    /// are those of the document.
    pub fn parse(document: &Value, bytes: &[u8]) -> Result<Self, Vec<FieldError>> {
        let mut errors = Errors::default();
        let mut atomic = true;
        let mut operations = Vec::new();
        for (name, value) in object(document)? {
            match (name.as_str(), value) {
                ("atomic", Value::Bool(value)) => atomic = *value,
                ("atomic", _) => errors.add("/atomic", "must be true or false"),
                ("operations", Value::Array(items)) if count(document).is_some() => {
                    operations = items
                        .iter()
                        .enumerate()
                        .filter_map(|(at, item)| operation(at, item, &mut errors))
                        .collect();
                }
                ("operations", _) => errors.add("/operations", MANY),
                (name, _) => errors.0.push(FieldError::unknown_field(name)),
            }
        }
        if document.get("operations").is_none() {
            errors.add("/operations", "is required");
        }
        errors.0.sort_by_key(|error| error.unknown);
        if !errors.0.is_empty() {
            return Err(errors.0);
        }
        for (operation, raw) in operations.iter_mut().zip(bodies(bytes)) {
            operation.body = raw;
        }
        Ok(Self { atomic, operations })
    }
}

/// The errors of a body.
#[derive(Default)]
struct Errors(Vec<FieldError>);

impl Errors {
    fn add(&mut self, pointer: impl Into<String>, detail: &'static str) {
        self.0.push(FieldError::in_body(pointer, detail));
    }
}

/// Reads an operation without its body; none if something is wrong with it.
fn operation(at: usize, item: &Value, errors: &mut Errors) -> Option<Operation> {
    let pointer = format!("/operations/{at}");
    let Value::Object(members) = item else {
        errors.add(pointer, "must be a JSON object");
        return None;
    };
    let headers = members.get("headers");
    let headers = headers.map_or(Some(Vec::new()), |headers| {
        self::headers(&format!("{pointer}/headers"), headers, errors)
    });
    let method = read(members, &pointer, "method", errors, |method| {
        let mut methods = METHODS.iter();
        methods.find(|known| known.as_str() == method).ok_or(METHOD)
    });
    let uri = read(members, &pointer, "path", errors, path);
    for name in members.keys() {
        if !["method", "path", "headers", "body"].contains(&name.as_str()) {
            errors.0.push(FieldError::unknown_field_in(&pointer, name));
        }
    }
    Some(Operation {
        method: method?.clone(),
        uri: uri?,
        headers: headers?,
        body: None,
    })
}

/// Reads a required string.
fn read<T>(
    members: &Map<String, Value>,
    pointer: &str,
    name: &str,
    errors: &mut Errors,
    parse: impl Fn(&str) -> Result<T, &'static str>,
) -> Option<T> {
    let value = match members.get(name) {
        None => Err("is required"),
        Some(Value::String(text)) => parse(text),
        Some(_) => Err("must be a string"),
    };
    value
        .map_err(|why| errors.add(format!("{pointer}/{name}"), why))
        .ok()
}

/// Reads a path with its query: one that a request line could have, below a mount.
fn path(text: &str) -> Result<Uri, &'static str> {
    let path = text.split('?').next().unwrap_or_default();
    let mut segments = path.split('/');
    let is_rooted = segments.next() == Some("");
    let resource = segments.next().unwrap_or_default();
    if !is_rooted || !RESOURCES.contains(&resource) {
        return Err(PATH);
    }
    // Clients and proxies resolve these before they send a request, in any form.
    let is_dots = |segment: &str| {
        let decoded: Vec<u8> = percent_decode_str(segment).collect();
        decoded == b"." || decoded == b".."
    };
    if segments.any(is_dots) {
        return Err(DOTS);
    }
    // A fragment would be cut off.
    let uri = Uri::try_from(text).ok().filter(|_| !text.contains('#'));
    uri.ok_or(CHARACTERS)
}

fn headers(
    pointer: &str,
    value: &Value,
    errors: &mut Errors,
) -> Option<Vec<(HeaderName, HeaderValue)>> {
    let Value::Object(members) = value else {
        errors.add(pointer, "must be a JSON object");
        return None;
    };
    let mut headers: Vec<(HeaderName, HeaderValue)> = Vec::new();
    for (given, value) in members {
        let at = || format!("{pointer}{}", FieldError::pointer_to(given));
        let known = HEADERS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(given));
        let Some((_, name)) = known else {
            errors.add(at(), HEADER);
            continue;
        };
        // A client's HTTP library, and each server, takes off the white space around it.
        let value = value.as_str().map(|text| text.trim_matches([' ', '\t']));
        match value.map(HeaderValue::from_str) {
            _ if headers.iter().any(|(other, _)| other == name) => errors.add(at(), TWICE),
            Some(Ok(value)) => headers.push((name.clone(), value)),
            Some(Err(_)) | None => errors.add(at(), VALUE),
        }
    }
    Some(headers)
}

/// The bodies of the operations, byte for byte: the same JSON has the same
/// Idempotency-Key's hash in a batch as alone.
fn bodies(document: &[u8]) -> Vec<Option<Bytes>> {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow)]
        operations: Vec<OnlyBody<'a>>,
    }

    #[derive(Deserialize)]
    struct OnlyBody<'a> {
        #[serde(borrow, default, deserialize_with = "present")]
        body: Option<&'a RawValue>,
    }

    /// `null` is a body.
    fn present<'de: 'a, 'a, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<&'a RawValue>, D::Error> {
        <&RawValue>::deserialize(deserializer).map(Some)
    }

    let envelope = serde_json::from_slice::<Envelope<'_>>(document);
    let operations = envelope.map_or(Vec::new(), |envelope| envelope.operations);
    let bytes = |raw: &RawValue| Bytes::copy_from_slice(raw.get().as_bytes());
    operations
        .into_iter()
        .map(|operation| operation.body.map(bytes))
        .collect()
}

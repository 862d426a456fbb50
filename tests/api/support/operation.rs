//! The whole suite through batches of one: with `TODOWARD_TEST_BATCH=atomic` or `single`
//! the test client sends every write that can be an operation in a batch, and takes the
//! response out of the batch's. So an operation is tested to be the request that it
//! describes by all the tests of that request (`make batch-suite`).

use std::sync::OnceLock;

use reqwest::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use todoward::primitives::json;

use super::client::{JSON, Request, Response};

/// The name of the variable.
const MODE: &str = "TODOWARD_TEST_BATCH";

const METHODS: [&str; 4] = ["POST", "PUT", "PATCH", "DELETE"];
const HEADERS: [&str; 3] = ["if-match", "if-none-match", "idempotency-key"];

/// Whether batches are atomic; none if requests go alone.
fn mode() -> Option<bool> {
    static ATOMIC: OnceLock<Option<bool>> = OnceLock::new();
    *ATOMIC.get_or_init(|| match std::env::var(MODE) {
        Ok(mode) if mode == "atomic" => Some(true),
        Ok(mode) if mode == "single" => Some(false),
        Ok(other) => panic!("{MODE} is atomic or single, not {other}"),
        Err(_) => None,
    })
}

/// The batch of this one request; none if there is none.
pub fn wrap(request: &Request) -> Option<Request> {
    let client = &request.client;
    let atomic = mode().filter(|_| !client.is_plain && client.has_token())?;
    let method = METHODS.iter().find(|method| **method == request.method)?;
    // As reqwest would send it.
    let url = reqwest::Url::parse(&format!("http://test{}", request.path)).ok()?;
    let path = url[url::Position::BeforePath..url::Position::AfterQuery].to_owned();
    let (mount, path) = split(&path)?;
    let (mut types, mut headers) = (Vec::new(), serde_json::Map::new());
    for (name, value) in &request.headers {
        let name = name.to_ascii_lowercase();
        let value = std::str::from_utf8(value).ok()?;
        let is_legal = value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        match name.as_str() {
            "content-type" => types.push(value),
            known if HEADERS.contains(&known) && is_legal => {
                if headers.insert(name, value.into()).is_some() {
                    return None;
                }
            }
            _ => return None,
        }
    }
    let body = match (&request.body, types.as_slice()) {
        (None, []) => String::new(),
        (Some(body), [JSON]) if is_one_document(body) => {
            format!(r#","body":{}"#, std::str::from_utf8(body).ok()?)
        }
        _ => return None,
    };
    let (path, headers) = (Value::from(path), Value::from(headers));
    let operation = format!(r#"{{"method":"{method}","path":{path},"headers":{headers}{body}}}"#);
    let batch = format!(r#"{{"atomic":{atomic},"operations":[{operation}]}}"#);
    let batched = request.client.request("POST", &format!("{mount}/batch"));
    json::parse(batch.as_bytes())
        .is_ok()
        .then(|| batched.body(JSON, batch))
}

/// The mount, and the path below it if it is that of a resource which batches take.
fn split(path: &str) -> Option<(&str, &str)> {
    let below = path.strip_prefix("/api/v1")?;
    let of_user = below.strip_prefix("/users/");
    let below = of_user.map_or(below, |rest| &rest[rest.find('/').unwrap_or(rest.len())..]);
    let resource = below.strip_prefix('/')?.split(['/', '?']).next()?;
    let mount = &path[..path.len() - below.len()];
    ["tasks", "lists", "tags"]
        .contains(&resource)
        .then_some((mount, below))
}

/// Whether it is JSON that the envelope can contain byte for byte.
fn is_one_document(body: &[u8]) -> bool {
    body.trim_ascii() == body && json::parse(body).is_ok()
}

#[derive(Deserialize)]
struct Results<'a> {
    #[serde(borrow)]
    results: [Outcome<'a>; 1],
}

#[derive(Deserialize)]
struct Outcome<'a> {
    status: u16,
    headers: serde_json::Map<String, Value>,
    #[serde(borrow)]
    body: &'a RawValue,
}

#[derive(Deserialize)]
struct Refused<'a> {
    code: String,
    failed: usize,
    headers: serde_json::Map<String, Value>,
    #[serde(borrow)]
    problem: &'a RawValue,
}

/// The response of the operation in that of its batch. What refuses a batch before its
/// operations stands for itself.
pub fn unwrap(response: Response) -> Response {
    let body = response.body.as_slice();
    if response.status == 200 {
        let Results { results: [outcome] } = serde_json::from_slice(body).unwrap();
        let Outcome {
            status,
            headers,
            body,
        } = outcome;
        return of(response.headers.clone(), status, &headers, body);
    }
    match serde_json::from_slice::<Refused<'_>>(body) {
        Ok(refused) if refused.code == "batch_refused" => {
            assert_eq!(refused.failed, 0);
            let problem: Value = serde_json::from_str(refused.problem.get()).unwrap();
            let status = problem["status"].as_u64().unwrap() as u16;
            of(
                response.headers.clone(),
                status,
                &refused.headers,
                refused.problem,
            )
        }
        _ => response,
    }
}

fn of(
    mut headers: HeaderMap,
    status: u16,
    own: &serde_json::Map<String, Value>,
    body: &RawValue,
) -> Response {
    // It follows the status of a whole response, which a result is not.
    if status >= 400 {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    headers.remove(CONTENT_LENGTH);
    headers.remove(CONTENT_TYPE);
    for (name, value) in own {
        let name = HeaderName::try_from(name.to_ascii_lowercase()).unwrap();
        headers.insert(
            name,
            HeaderValue::from_str(value.as_str().unwrap()).unwrap(),
        );
    }
    let body = match body.get() {
        "null" => "",
        body => {
            let kind = if status < 400 {
                JSON
            } else {
                "application/problem+json"
            };
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            body
        }
    };
    Response {
        status,
        headers,
        body: body.as_bytes().to_vec(),
    }
}

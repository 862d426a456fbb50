//! The results of operations, and the response of a batch.

use std::io::Write as _;

use actix_web::HttpResponse;
use actix_web::body::MessageBody as _;
use actix_web::http::header::{ALLOW, ContentType, ETAG, HeaderName, LOCATION, RETRY_AFTER};
use actix_web::web::Bytes;
use serde_json::value::RawValue;

use super::endpoints::{Caller, internal};
use super::input::Operation;
use crate::auth::OwnerId;
use crate::http::edge::problem_of;
use crate::http::resource::REPLAYED;
use crate::http::response_budget::{BudgetedBody, Held, ResponseBudget};
use crate::primitives::problem::{ApiError, Code, FailedOperation};

/// The headers of results: what the client of a single request would look at.
pub(super) static HEADERS: [(&str, HeaderName); 5] = [
    ("ETag", ETAG),
    ("Location", LOCATION),
    ("Idempotency-Replayed", REPLAYED),
    ("Retry-After", RETRY_AFTER),
    ("Allow", ALLOW),
];

/// As many bytes of results are reserved in the budget at a time.
const STEP: usize = 1024 * 1024;

/// The result of one operation.
pub(super) struct Outcome {
    pub status: u16,
    /// As a JSON object.
    headers: String,
    /// JSON, or nothing.
    body: Bytes,
    /// The code of its problem.
    code: Option<Code>,
}

impl Outcome {
    /// What a client of this operation would get as a response.
    pub fn of(caller: &Caller, operation: &Operation, response: HttpResponse) -> Self {
        let instance = format!("{}{}", caller.mount, operation.uri.path());
        let problem = problem_of(&response, &instance, &caller.id);
        let mut headers = String::from("{");
        for (name, header) in &HEADERS {
            let value = response.headers().get(header);
            if let Some(value) = value.and_then(|value| value.to_str().ok()) {
                let separator = if headers.len() == 1 { "" } else { "," };
                let value = serde_json::Value::from(value);
                headers.push_str(&format!("{separator}\"{name}\":{value}"));
            }
        }
        headers.push('}');
        let status = response.status().as_u16();
        let (code, body) = match problem {
            Some((code, body)) => (Some(code), Bytes::from(body)),
            // Responses to writes are never streamed.
            None => {
                let body = response.into_body().try_into_bytes();
                (None, body.unwrap_or_default())
            }
        };
        Self {
            status,
            headers,
            body,
            code,
        }
    }

    /// What a batch is whose operation at this index has this result.
    pub fn refused(self, index: usize) -> ApiError {
        match self.code {
            Some(Code::Overloaded) => {
                let detail = "the server is overloaded; try again later";
                ApiError::new(Code::Overloaded, detail).with_header("retry-after", "1")
            }
            Some(code) if code.status() < 500 => {
                let problem = String::from_utf8(self.body.into()).unwrap_or_default();
                let raw = |json: String| RawValue::from_string(json).ok();
                match (raw(self.headers), raw(problem)) {
                    (Some(headers), Some(problem)) => ApiError::new(
                        Code::BatchRefused,
                        format!("operation {index} was refused, so none was done; see problem"),
                    )
                    .with_failed(FailedOperation {
                        index,
                        headers,
                        problem,
                    }),
                    _ => internal(),
                }
            }
            // Its cause is in the log.
            Some(_) | None => internal(),
        }
    }
}

/// The results of a batch, as JSON, counted in the budget of large bodies.
pub(super) struct Results {
    owner: OwnerId,
    budget: ResponseBudget,
    json: Vec<u8>,
    held: Held,
    reserved: usize,
}

impl Results {
    pub fn new(owner: &OwnerId, budget: &ResponseBudget) -> Self {
        Self {
            owner: owner.clone(),
            budget: budget.clone(),
            json: b"{\"results\":[".to_vec(),
            held: Held::default(),
            // Smaller bodies are not counted.
            reserved: 64 * 1024,
        }
    }

    /// Reserves what the results so far take up. To be called before an operation, which
    /// can still be left out.
    ///
    /// # Errors
    ///
    /// 503 `overloaded`: the budget is used up.
    pub fn make_room(&mut self) -> Result<(), ApiError> {
        if self.json.len() > self.reserved {
            self.held.add(self.budget.hold(&self.owner, STEP)?);
            self.reserved += STEP;
            self.json.reserve_exact(STEP);
        }
        Ok(())
    }

    pub fn push(&mut self, outcome: &Outcome) {
        let separator = if self.json.ends_with(b"[") { "" } else { "," };
        let Outcome {
            status, headers, ..
        } = outcome;
        // Writing to memory cannot fail.
        let _ = write!(
            self.json,
            "{separator}{{\"status\":{status},\"headers\":{headers},\"body\":"
        );
        self.json.extend_from_slice(match outcome.body.is_empty() {
            true => b"null",
            false => &outcome.body,
        });
        self.json.push(b'}');
    }

    /// The response of the batch.
    pub fn response(mut self) -> HttpResponse {
        self.json.extend_from_slice(b"]}");
        HttpResponse::Ok()
            .content_type(ContentType::json())
            .body(BudgetedBody::new(self.json, self.held))
    }
}

//! A client and its responses.

use std::net::SocketAddr;

use reqwest::header::HeaderMap;
use serde_json::Value;

use super::events::EventStream;

/// The type of JSON.
pub const JSON: &str = "application/json";

/// Sends requests as one user, or without a token.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    authorization: Option<String>,
    pub is_plain: bool,
}

impl Client {
    pub fn new(http: reqwest::Client, address: SocketAddr, authorization: Option<String>) -> Self {
        Self {
            http,
            base: format!("http://{address}"),
            authorization,
            is_plain: false,
        }
    }

    /// The same, and no request of it goes through a batch (see `operation`): for tests of
    /// the way that a single request takes.
    pub fn plain(mut self) -> Self {
        self.is_plain = true;
        self
    }

    /// Whether it has a token. Without one a batch is refused before its operations.
    pub fn has_token(&self) -> bool {
        self.authorization.is_some()
    }

    pub fn request(&self, method: &str, path: &str) -> Request {
        Request {
            client: self.clone(),
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: None,
        }
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request("GET", path).send().await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Response {
        self.request("POST", path).json(body).send().await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Response {
        self.request("PUT", path).json(body).send().await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Response {
        self.request("PATCH", path).json(body).send().await
    }

    pub async fn delete(&self, path: &str) -> Response {
        self.request("DELETE", path).send().await
    }

    /// Creates a task and returns it.
    pub async fn create(&self, body: Value) -> Value {
        self.post("/api/v1/tasks", &body).await.expect(201).json()
    }

    /// Creates a task with a title and returns its path.
    pub async fn create_path(&self, title: &str) -> String {
        let task = self.create(serde_json::json!({ "title": title })).await;
        format!("/api/v1/tasks/{}", task["id"].as_str().unwrap())
    }

    /// The titles of a list, in its order.
    pub async fn titles(&self, query: &str) -> Vec<String> {
        let list = self
            .get(&format!("/api/v1/tasks{query}"))
            .await
            .expect(200)
            .json();
        let items = list["items"].as_array().unwrap();
        items
            .iter()
            .map(|task| task["title"].as_str().unwrap().to_owned())
            .collect()
    }
}

pub struct Request {
    pub client: Client,
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Option<Vec<u8>>,
}

impl Request {
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers
            .push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.body(JSON, body.to_string())
    }

    pub fn body(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.header("Content-Type", content_type).bare_body(body)
    }

    /// A body without a Content-Type.
    pub fn bare_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    pub async fn send(self) -> Response {
        self.try_send().await.expect("no answer")
    }

    /// A stream of events.
    pub async fn events(self) -> EventStream {
        EventStream::new(self.open().await.expect("no response"))
    }

    /// A response that is read in pieces.
    pub async fn stream(self) -> reqwest::Response {
        let response = self.open().await.expect("no response");
        assert_eq!(response.status(), 200);
        response
    }

    /// A stream of events, or the status of a refusal.
    pub async fn try_events(self) -> Result<EventStream, u16> {
        let response = self.open().await.expect("no response");
        match response.status().as_u16() {
            200 => Ok(EventStream::new(response)),
            status => Err(status),
        }
    }

    /// The response, if there is one.
    pub async fn try_send(self) -> Result<Response, reqwest::Error> {
        match super::operation::wrap(&self) {
            Some(batch) => batch.send_alone().await.map(super::operation::unwrap),
            None => self.send_alone().await,
        }
    }

    async fn send_alone(self) -> Result<Response, reqwest::Error> {
        let response = self.open().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let kind = headers.get("content-type");
        Ok(Response {
            status,
            body: match kind.is_some_and(|kind| kind == "text/event-stream") {
                // It has no end.
                true => Vec::new(),
                false => response.bytes().await?.to_vec(),
            },
            headers,
        })
    }

    /// Sends it, and reads the head of the response.
    async fn open(self) -> Result<reqwest::Response, reqwest::Error> {
        let url = format!("{}{}", self.client.base, self.path);
        let http = &self.client.http;
        let mut request = http.request(self.method.parse().unwrap(), url);
        if let Some(authorization) = &self.client.authorization {
            request = request.header("Authorization", authorization);
        }
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = self.body {
            request = request.body(body);
        }
        request.send().await
    }
}

#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Response {
    /// Asserts the status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// Asserts status and code of a problem, and what all problems have in common.
    #[track_caller]
    pub fn expect_problem(self, status: u16, code: &str) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["type"], "about:blank");
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        assert!(!problem["detail"].as_str().unwrap().is_empty(), "{problem}");
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The code of a problem; empty if it is none.
    pub fn code(&self) -> String {
        let problem: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        problem["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The value of a header; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

//! A stream of Server-Sent Events, as a client reads it.

use std::time::Duration;

use serde_json::Value;

/// A stream that is read event by event.
pub struct EventStream {
    response: reqwest::Response,
    unread: String,
}

#[derive(Debug, PartialEq)]
pub struct Event {
    pub name: String,
    pub id: String,
    pub data: Value,
}

impl EventStream {
    pub fn new(response: reqwest::Response) -> Self {
        assert_eq!(response.status(), 200);
        Self {
            response,
            unread: String::new(),
        }
    }

    pub fn header(&self, name: &str) -> &str {
        let value = self.response.headers().get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    /// The next block that an empty line ends; none at the end of the stream.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.unread.split_once("\n\n") {
                let block = block.to_owned();
                self.unread = rest.to_owned();
                return Some(block);
            }
            // Not a measure of speed: an event that never comes must fail the test.
            let chunk = tokio::time::timeout(Duration::from_secs(30), self.response.chunk());
            let chunk = chunk.await.expect("no event and no end").ok()??;
            self.unread.push_str(str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next event; none at the end of the stream. Comments and `retry` are skipped.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            let block = self.block().await?;
            let field = |name: &str| {
                let mut lines = block.lines();
                lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            };
            if let Some(name) = field("event") {
                return Some(Event {
                    name: name.to_owned(),
                    id: field("id").unwrap_or_default().to_owned(),
                    data: serde_json::from_str(field("data").unwrap()).unwrap(),
                });
            }
        }
    }

    /// Waits for the end.
    pub async fn ended(&mut self) {
        while self.next().await.is_some() {}
    }

    /// The next event, which must be that something has changed: its id.
    pub async fn changed(&mut self) -> String {
        let event = self.next().await.expect("the stream has ended");
        assert_eq!(event.name, "changed");
        assert_eq!(event.data["next"], event.id);
        event.id
    }
}

//! A client's copy of everything, kept by following the changes.

use std::collections::BTreeMap;

use serde_json::Value;

use super::client::{Client, Response};

const CHANGES: &str = "/api/v1/changes";
const TASKS: &str = "/api/v1/tasks";
const LISTS: &str = "/api/v1/lists";

/// A client's copy of everything, kept by following the changes.
#[derive(Clone, Default)]
pub struct Copy {
    pub rows: BTreeMap<(String, String), Value>,
    /// The cursor of the next pull.
    pub next: Option<String>,
}

impl Copy {
    pub async fn of(client: &Client) -> Self {
        let mut copy = Self::default();
        copy.follow(client, 500).await;
        copy
    }

    /// Applies one page; whether there is more, and how many items came.
    pub async fn page(&mut self, client: &Client, limit: usize) -> (bool, usize) {
        let page = self.pull(client, limit).await.expect("no response");
        self.apply(&page.expect(200), limit)
    }

    /// The next page, which is not applied yet.
    pub async fn pull(&self, client: &Client, limit: usize) -> Result<Response, reqwest::Error> {
        let since = match &self.next {
            Some(next) => format!("&since={next}"),
            None => String::new(),
        };
        let path = format!("{CHANGES}?limit={limit}{since}");
        client.request("GET", &path).try_send().await
    }

    /// Applies a page; whether there is more, and how many items it has.
    pub fn apply(&mut self, page: &Response, limit: usize) -> (bool, usize) {
        let page = page.json();
        let mut items = 0;
        for (kind, name) in [("task", "tasks"), ("list", "lists")] {
            for row in page[name].as_array().unwrap() {
                let id = row["id"].as_str().unwrap().to_owned();
                self.rows.insert((kind.to_owned(), id), row.clone());
                items += 1;
            }
        }
        for gone in page["gone"].as_array().unwrap() {
            let text = |name: &str| gone[name].as_str().unwrap().to_owned();
            self.rows.remove(&(text("kind"), text("id")));
            items += 1;
        }
        assert!(items <= limit, "{items} items of at most {limit}");
        self.next = Some(page["next"].as_str().unwrap().to_owned());
        (page["more"].as_bool().unwrap(), items)
    }

    /// Follows until there is no more; how many items came.
    pub async fn follow(&mut self, client: &Client, limit: usize) -> usize {
        let mut all = 0;
        loop {
            let (more, items) = self.page(client, limit).await;
            all += items;
            if !more {
                return all;
            }
        }
    }
}

/// Everything the server has, read page by page from the lists.
pub async fn everything(client: &Client) -> BTreeMap<(String, String), Value> {
    let mut all = BTreeMap::new();
    for (kind, path) in [("task", TASKS), ("list", LISTS)] {
        for trash in ["false", "true"] {
            let mut cursor = String::new();
            loop {
                let page = format!("{path}?limit=200&trash={trash}{cursor}");
                let page = client.get(&page).await.expect(200).json();
                for row in page["items"].as_array().unwrap() {
                    let id = row["id"].as_str().unwrap().to_owned();
                    all.insert((kind.to_owned(), id), row.clone());
                }
                match page["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
        }
    }
    all
}

//! Carries the notices between replicas, by LISTEN and NOTIFY on a connection that does
//! nothing else: within a write a NOTIFY would make all commits of the server wait for each
//! other.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;
use uuid::Uuid;

use super::Pipelines;
use crate::db::connection::Sessions;
use crate::db::notices::Notices;

/// The channel, of one database.
const CHANNEL: &str = "todoward_changes";

/// The max number of owners in a notice: PostgreSQL takes less than 8,000 bytes.
const MAX_OWNERS: usize = 400;

/// The pause before it is tried again to listen; longer if the pool was refused a
/// connection.
const PAUSE: Duration = Duration::from_secs(2);
const GIVE_WAY: Duration = Duration::from_secs(10);

/// How often it is asked whether the connection is alive, and how long an answer and a
/// notice may take.
const CHECK: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(5);

impl Pipelines {
    /// Sends and hears notices until that ends; it may not even begin. Returns how long to
    /// wait before the next attempt.
    ///
    /// Sessions that a pooler shares would listen for whoever has them next.
    pub async fn carry(&self, notices: &Notices) -> Duration {
        let mut refusals = self.generation.refusals();
        if self.generation.sessions() != Some(Sessions::Own) {
            return PAUSE;
        }
        // A process hears its own notices, too.
        let own = Uuid::new_v4().simple().to_string();
        let (ending, mut ended) = oneshot::channel::<()>();
        let hear = {
            let (notices, own) = (notices.clone(), own.clone());
            move |text: &str| {
                // Dropped with the connection.
                let _ = &ending;
                match text.strip_prefix(&own) {
                    Some(_) => {}
                    None => notices.hear(text.get(own.len()..).unwrap_or_default()),
                }
            }
        };
        let Ok(opened) = self.opener.listen(CHANNEL, hear).await else {
            return PAUSE;
        };
        let says = async |sql: &str| timeout(TIMEOUT, opened.session.batch(sql)).await == Ok(true);
        log::debug!("listens for the changes of other replicas");
        notices.listens(true);
        let pause = loop {
            let is_alive = tokio::select! {
                () = notices.has_to_send() => {
                    let mut is_sent = true;
                    for text in notices.take_texts(MAX_OWNERS) {
                        is_sent = is_sent && says(&format!("NOTIFY {CHANNEL}, '{own}{text}'")).await;
                    }
                    is_sent
                }
                () = tokio::time::sleep(CHECK) => says("").await,
                _ = &mut ended => false,
                _ = refusals.changed() => break GIVE_WAY,
            };
            if !is_alive || self.generation.sessions() != Some(Sessions::Own) {
                break PAUSE;
            }
        };
        notices.listens(false);
        pause
    }
}

//! Clients that follow changes, while servers and databases are killed and others write.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use diesel::Connection as _;
use futures_util::future::{join_all, join3};
use serde_json::Value;

use crate::binary::SOON;
use crate::folding::Database;
use crate::following_writes::{LONG_AGO, LateCommit, OWNERS, Writes, random};
use crate::server::{Server, eventually};
use crate::storage::Storage;
use crate::support::copy::{Copy, everything};
use crate::support::postgres::Cluster;
use crate::support::{Client, Engine, on_both_databases};

on_both_databases! {
    readers_have_what_the_server_has_whatever_is_killed_again_and_again,
}

const WRITERS: usize = 6;

/// Who reads, in pages of how many items.
const READERS: [(&str, usize); 5] = [
    ("alice", 7),
    ("alice", 20),
    ("alice", 500),
    ("guest", 2),
    ("guest", 500),
];

/// The reader that begins anew in each round, while others write.
const BEGINNER: usize = 1;

/// How often something is killed; FOLLOW_ROUNDS for longer.
fn rounds() -> usize {
    let rounds = std::env::var("FOLLOW_ROUNDS").ok();
    rounds.map_or(4, |rounds| rounds.parse().unwrap())
}

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Server,
    Database,
    Both,
}

impl Victim {
    fn of_round(round: usize, engine: Engine) -> Self {
        match (engine, round % 4) {
            (Engine::Sqlite, _) | (Engine::Postgres, 0) => Self::Server,
            (Engine::Postgres, 3) => Self::Both,
            (Engine::Postgres, _) => Self::Database,
        }
    }
}

/// The database, and its process if it has one.
struct Place {
    engine: Engine,
    storage: Storage,
    cluster: Option<Cluster>,
}

impl Place {
    fn new(engine: Engine) -> Self {
        let mut cluster = (engine == Engine::Postgres).then(Cluster::create);
        let storage = match &mut cluster {
            Some(cluster) => {
                cluster.start();
                Storage::of_cluster(cluster)
            }
            None => Storage::new(engine),
        };
        Self {
            engine,
            storage,
            cluster,
        }
    }

    async fn start(&self) -> Server {
        Server::start(self.storage.path(), &self.storage.url, &[]).await
    }

    /// Kills the database and starts it; clients go on meanwhile.
    async fn crash(&mut self, round: usize) {
        let Some(mut cluster) = self.cluster.take() else {
            return;
        };
        let crash = move || {
            match round.is_multiple_of(2) {
                true => cluster.kill(),
                false => cluster.stop("QUIT"),
            }
            cluster.start();
            cluster
        };
        self.cluster = Some(tokio::task::spawn_blocking(crash).await.unwrap());
    }

    /// As if everything had been in the trash for long. It ends after the next start.
    fn age(&self) {
        let mut database = Database::open(&self.storage, self.engine);
        for table in ["tasks", "lists"] {
            database.execute(&format!(
                "UPDATE {table} SET change = 0, version = version + 1, deleted_at = '{LONG_AGO}' \
                 WHERE deleted_at IS NOT NULL"
            ));
        }
    }

    fn has_aged(&self) -> bool {
        let mut database = Database::open(&self.storage, self.engine);
        let aged = format!("deleted_at = '{LONG_AGO}'");
        let count = |table| database.count_of(table, &aged);
        ["tasks", "lists"].map(count).iter().sum::<i64>() > 0
    }

    /// Commits late what another program writes, if nothing is killed meanwhile.
    async fn commit_late(&self, writes: &Writes) {
        let (engine, url, file) = (self.engine, self.storage.url.clone(), self.storage.file());
        let (owner, changed) = (OWNERS[random(2)], writes.any_id());
        // On SQLite all other writers wait.
        let late = Duration::from_millis(match engine {
            Engine::Sqlite => random(20) as u64,
            Engine::Postgres => random(200) as u64,
        });
        let transaction = move || {
            let database = match engine {
                Engine::Sqlite => {
                    let file = file.to_str().unwrap_or_default();
                    let mut database = Database::Sqlite(diesel::SqliteConnection::establish(file)?);
                    database.try_execute("PRAGMA busy_timeout = 5000")?;
                    database
                }
                Engine::Postgres => Database::Postgres(diesel::PgConnection::establish(&url)?),
            };
            let transaction = LateCommit::begin(database, owner, &changed)?;
            std::thread::sleep(late);
            transaction.commit()?;
            Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
        };
        if tokio::task::spawn_blocking(transaction)
            .await
            .unwrap()
            .is_ok()
        {
            writes.note("late commit");
        }
    }
}

/// One pull. Whether there is more, or None if there was no page.
async fn pull(client: &Client, owner: &str, copy: &mut Copy, limit: usize) -> Option<bool> {
    // A page that did not arrive is not applied.
    let page = copy.pull(client, limit).await.ok()?;
    match page.status {
        200 => return Some(copy.apply(&page, limit).0),
        // Nothing may take the changes away from whoever adopts.
        410 if owner == "guest" => *copy = Copy::default(),
        503 | 504 => tokio::time::sleep(Duration::from_millis(10)).await,
        _ => panic!("{owner}: {}", page.text()),
    }
    None
}

/// Pulls until there is no more.
async fn follow(server: &Server, owner: &str, copy: &mut Copy, limit: usize) {
    let client = server.user(owner);
    eventually("there is no more", SOON, async || {
        loop {
            match pull(&client, owner, copy, limit).await {
                Some(true) => {}
                end => return end.map(drop),
            }
        }
    })
    .await;
}

type Rows = BTreeMap<(String, String), Value>;

/// Asserts that they are equal. All of both would be too much to read.
fn are_equal(copy: &Rows, server: &Rows, what: &str) {
    let ids: BTreeSet<_> = copy.keys().chain(server.keys()).collect();
    let all = ids.into_iter().map(|id| (id, copy.get(id), server.get(id)));
    let others: Vec<_> = all.filter(|(_, copy, server)| copy != server).collect();
    assert!(others.is_empty(), "{what}: id, copy, server: {others:#?}");
}

async fn readers_have_what_the_server_has_whatever_is_killed_again_and_again(engine: Engine) {
    let mut place = Place::new(engine);
    let writes = Writes::default();
    let mut copies = READERS.map(|_| Copy::default());
    let mut server = place.start().await;
    // Whoever has nothing begins anew when somebody else is adopted.
    server.user("alice").create_path("first").await;
    for round in 0..rounds() {
        let victim = Victim::of_round(round, engine);
        copies[BEGINNER] = Copy::default();
        server = live(server, &mut place, victim, &writes, &mut copies, round).await;
        let mut readers: Vec<_> = READERS.iter().zip(&mut copies).collect();
        eventually("the trash has ended", SOON, async || {
            for ((owner, limit), copy) in &mut readers {
                pull(&server.user(owner), owner, copy, *limit).await;
            }
            (!place.has_aged()).then_some(())
        })
        .await;
        writes.ids.borrow_mut().clear();
        for owner in OWNERS {
            for ((reader, limit), copy) in &mut readers {
                if *reader == owner {
                    follow(&server, owner, copy, *limit).await;
                }
            }
            let now = everything(&server.user(owner)).await;
            for ((reader, limit), copy) in &readers {
                if *reader == owner {
                    let what = format!("round {round}, {victim:?}, {owner}, by {limit}");
                    are_equal(&copy.rows, &now, &what);
                }
            }
            let tasks = now.into_keys().filter(|(kind, _)| kind == "task");
            writes.ids.borrow_mut().extend(tasks.map(|(_, id)| id));
        }
        if round % 50 == 49 {
            println!(
                "{engine:?}: {} rounds, {} writes",
                round + 1,
                writes.count()
            );
        }
    }
    println!(
        "{engine:?}: {} rounds, {} writes: {:?}",
        rounds(),
        writes.count(),
        writes.done.borrow()
    );
    server.stop().await;
}

/// Lets clients write and read until something is killed, and returns the server after that.
async fn live(
    server: Server,
    place: &mut Place,
    victim: Victim,
    writes: &Writes,
    copies: &mut [Copy],
    round: usize,
) -> Server {
    let killed = Cell::new(false);
    let writers = join_all((0..WRITERS).map(async |_| {
        while !killed.get() {
            let Some(response) = writes.write(&server).await else {
                return;
            };
            let text = || response.text();
            assert!(
                [503, 504].contains(&response.status) || response.status < 500,
                "{}",
                text()
            );
            if response.status >= 500 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }));
    let readers = join_all(
        READERS
            .iter()
            .zip(copies)
            .map(async |((owner, limit), copy)| {
                let client = server.user(owner);
                while !killed.get() {
                    pull(&client, owner, copy, *limit).await;
                }
            }),
    );
    let has_written = async |more: usize| {
        let until = writes.count() + more;
        eventually("it has written", SOON, async || {
            (writes.count() >= until).then_some(())
        })
        .await;
    };
    let kill = async {
        has_written(10 + random(10)).await;
        place.commit_late(writes).await;
        has_written(10 + random(40)).await;
        if victim == Victim::Database {
            place.crash(round).await;
            has_written(10).await;
        }
        killed.set(true);
        if victim != Victim::Database {
            server.signal("KILL");
        }
    };
    join3(writers, readers, kill).await;
    if victim == Victim::Database {
        return server;
    }
    server.kill();
    if victim == Victim::Both {
        place.crash(round).await;
    }
    if round.is_multiple_of(3) {
        place.age();
    }
    place.start().await
}

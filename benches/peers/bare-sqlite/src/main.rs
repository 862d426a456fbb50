//! The max throughput of SQLite through Diesel: one loop inserts the task that the
//! benchmark creates, each in its own transaction, with Todoward's pragmas. Prints the
//! number of inserts a second.
//!
//!   bare-sqlite <a file with Todoward's tables> <seconds>

use std::error::Error;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
// Ensures that SQLite is the one that Todoward compiles in.
use libsqlite3_sys as _;
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const WARM_UP: u32 = 500;

diesel::table! {
    tasks (owner_id, id) {
        owner_id -> Text,
        id -> Binary,
        title -> Text,
        title_lower -> Text,
        description -> Nullable<Text>,
        description_lower -> Nullable<Text>,
        completed -> Bool,
        completed_at -> Nullable<Timestamp>,
        priority -> SmallInt,
        due_date -> Nullable<Date>,
        tags -> Text,
        version -> BigInt,
        updated_at -> Timestamp,
    }
}

#[derive(Insertable)]
#[diesel(table_name = tasks, treat_none_as_default_value = false)]
struct NewTask<'a> {
    owner_id: &'a str,
    id: &'a [u8],
    title: &'a str,
    title_lower: &'a str,
    description: Option<&'a str>,
    description_lower: Option<&'a str>,
    completed: bool,
    completed_at: Option<chrono::NaiveDateTime>,
    priority: i16,
    due_date: Option<chrono::NaiveDate>,
    tags: &'a str,
    version: i64,
    updated_at: chrono::NaiveDateTime,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(file), Some(seconds)) = (arguments.next(), arguments.next()) else {
        return Err("bare-sqlite <file> <seconds>".into());
    };
    let mut connection = SqliteConnection::establish(&file)?;
    connection.batch_execute(
        "PRAGMA busy_timeout = 2000;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;",
    )?;
    // Until its first checkpoint the write-ahead log grows, which makes inserts
    // several times as slow; from then on it is overwritten.
    for number in 0..WARM_UP {
        insert(&mut connection, number)?;
    }
    let (begun, limit) = (Instant::now(), Duration::from_secs_f64(seconds.parse()?));
    let mut inserts = 0_u32;
    while begun.elapsed() < limit {
        insert(&mut connection, inserts)?;
        inserts += 1;
    }
    println!("{:.1}", f64::from(inserts) / begun.elapsed().as_secs_f64());
    Ok(())
}

fn insert(connection: &mut SqliteConnection, number: u32) -> QueryResult<usize> {
    let owner = format!("Yq3Yq3Yq3Yq3Yq3Yq3Yq3Yq3{:08}", 10_000_000 + number % 1_000);
    diesel::insert_into(tasks::table)
        .values(NewTask {
            owner_id: &owner,
            id: Uuid::now_v7().as_bytes(),
            title: "Buy milk",
            title_lower: "buy milk",
            description: None,
            description_lower: None,
            completed: false,
            completed_at: None,
            priority: 0,
            due_date: None,
            tags: "[\n\"home\"]",
            version: 1,
            updated_at: chrono::Utc::now().naive_utc(),
        })
        .execute(connection)
}

//! What surrounds every request: its id, its deadline, its headers, its log line,
//! the body of its error; and what handlers read a request and write a response with.

pub mod app_state;
pub mod body;
pub mod conditions;
pub mod cors;
pub mod edge;
pub mod errors;
pub mod fallback;
pub mod prefix;
pub mod response_budget;
mod unread;

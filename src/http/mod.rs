//! What surrounds every request (id, deadline, headers, access log, error bodies), and
//! what handlers use to read requests and write responses.

pub mod app_state;
pub mod body;
pub mod conditions;
pub mod cors;
pub mod edge;
pub mod errors;
pub mod fallback;
pub mod prefix;
pub mod resource;
pub mod response_budget;
mod unread;

//! What surrounds every request: its id, its headers, its log line, and the
//! body of its error.

mod cors;
mod edge;
mod prefix;
mod unread;

pub use cors::{Cors, cors};
pub use edge::{Edge, Pattern, RequestId, api_headers, deadline, edge, known_method};
pub use prefix::prefix;

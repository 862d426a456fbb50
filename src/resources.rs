//! The table of resources: a line for each. The router and the OpenAPI document take their
//! endpoints from it, accounts and `migrate --from` their tables.

use crate::batch;
use crate::changes;
use crate::db::any_table::AnyTable;
use crate::interchange;
use crate::lists;
use crate::openapi::endpoint::Resource;
use crate::tags;
use crate::tasks;

/// The resources. All of them need a token.
pub const RESOURCES: &[Resource] = &[
    tasks::RESOURCE,
    lists::RESOURCE,
    tags::RESOURCE,
    changes::RESOURCE,
    batch::RESOURCE,
    interchange::RESOURCE,
];

/// The tables of all resources.
pub fn tables() -> impl Iterator<Item = &'static AnyTable> {
    RESOURCES.iter().flat_map(|resource| resource.tables)
}

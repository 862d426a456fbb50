//! The table of resources: a line for each. The router and the OpenAPI document take their
//! endpoints from it, accounts and `migrate --from` their tables.

use crate::db::any_table::AnyTable;
use crate::openapi::endpoint::Resource;

/// The resources. All of them need a token.
pub const RESOURCES: &[Resource] = &[
    crate::tasks::RESOURCE,
    crate::lists::RESOURCE,
    crate::tags::RESOURCE,
    crate::changes::RESOURCE,
    crate::batch::RESOURCE,
    crate::interchange::RESOURCE,
];

/// The tables of all resources.
pub fn tables() -> impl Iterator<Item = &'static AnyTable> {
    RESOURCES.iter().flat_map(|resource| resource.tables)
}

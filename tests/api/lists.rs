//! Lists: filters, order, pages.

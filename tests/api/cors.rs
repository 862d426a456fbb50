//! Browsers of other origins.

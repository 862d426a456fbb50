//! Bodies: what is JSON and what is not.

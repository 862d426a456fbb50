//! The denial table: every address and method, against every way a token can be wrong.

//! The protocol: malformed, odd and hostile HTTP.

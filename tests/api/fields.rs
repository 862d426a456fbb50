//! Fields and parameters: what they take, and what they refuse.

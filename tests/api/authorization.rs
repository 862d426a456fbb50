//! How the token is carried: the Authorization header and nothing else.

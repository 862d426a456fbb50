//! The token itself: structure, algorithm, header, times, claims.

//! What answers and logs must never say.

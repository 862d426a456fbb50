//! The isolation table: nothing of one owner's is seen or changed by another.

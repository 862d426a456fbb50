//! Thousands of random operations against a model in memory.

//! Properties of the verifier: what is not exactly one of our tokens never verifies.

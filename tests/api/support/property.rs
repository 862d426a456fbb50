//! Properties as plain functions, which rustfmt formats; it leaves the inside of
//! `proptest!` alone. Shared with the unit tests.

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestRunner};

/// Runs a test on many values. A value for which it panics is made as small as can
/// be, and shown.
pub fn for_all<S: Strategy>(values: S, test: impl Fn(S::Value)) {
    let config = Config {
        cases: 512,
        failure_persistence: None,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&values, |value| {
        test(value);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

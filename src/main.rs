//! The binary: arguments, then the command they name.

use std::process::ExitCode;

/// Smaller and steadier under load than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    todoward::cli::main()
}

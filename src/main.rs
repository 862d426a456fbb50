//! The binary.

use std::process::ExitCode;

/// Uses less memory, and more constantly under load, than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    todoward::cli::main()
}

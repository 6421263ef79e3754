//! The command line: arguments, clock and environment once; call; print; exit code.

fn main() {}

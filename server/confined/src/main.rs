//! This crate is the hidden subcommands of `tantu` by themselves, for the crate's own tests.
//!
//! Deliberately absent: everything else; it is not shipped.

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some(confined::ENTER) => confined::enter_main(),
        Some(confined::WORKER) => confined::worker_main(std::env::args().any(|it| it == "--warden")),
        _ => {
            eprintln!("this is started by tests: confined-worker or confined-enter");
            std::process::exit(2)
        }
    }
}

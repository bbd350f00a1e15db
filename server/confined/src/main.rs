//! The hidden subcommands of `tantu` that this crate consists of, by themselves: what its own tests start.

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

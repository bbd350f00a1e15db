//! The worker process by itself, for tests of the process.

fn main() {
    sandbox_wasi::worker_main()
}

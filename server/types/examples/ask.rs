//! `ask < questions`: asks a worker, the same program again, one question for each line of JSON, and prints what came of it and
//! how long it took. With `--fresh`, each question has a process of its own.

use std::error::Error;
use std::io::BufRead;
use std::time::Instant;

use serde_json::json;
use types::{Question, Worker};

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args().nth(1).as_deref() == Some("worker") {
        types::worker_main();
    }
    let is_fresh = std::env::args().any(|argument| argument == "--fresh");
    let program = std::env::current_exe()?;
    let mut worker = Worker::new(&program, ["worker"]);
    for line in std::io::stdin().lock().lines() {
        let question: Question = serde_json::from_str(&line?)?;
        if is_fresh {
            worker = Worker::new(&program, ["worker"]);
        }
        let start = Instant::now();
        let answer = worker.ask(&question);
        let millis = start.elapsed().as_secs_f64() * 1000.0;
        match answer {
            Ok(answer) => println!("{}", json!({ "millis": millis, "answer": answer })),
            Err(error) => println!("{}", json!({ "millis": millis, "error": error.to_string() })),
        }
    }
    Ok(())
}

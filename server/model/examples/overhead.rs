//! What our layers add to a request, measured on the loopback: `cargo run -p model --example overhead [REQUESTS]`.
//!
//! The same streamed answer is read by a bare socket and through everything that [`model::connect`] puts around a model,
//! the journal included. The answer comes from this process, so that one clock tells when a byte was sent and when it was
//! reported.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use model::{Progress, Prompt, Request, State, collect, config, connect};
use store::Journal;

const SETTINGS: &str = "[propose]\nmodels = [\"m\"]\n[limits]\ncost-per-day = 1000\n[models.m]\nprovider = \
                        \"openai-compatible\"\nmodel = \"x\"\nprice = { input = 1.0, output = 2.0 }\n";

/// Streams answers: 100 words, or as many bytes of text as the question asks for.
fn serve(listener: &TcpListener, first_byte: &Mutex<Instant>) {
    for mut stream in listener.incoming().flatten() {
        // Without it the kernel waits for more to send.
        let _ = stream.set_nodelay(true);
        let mut request = Vec::new();
        let mut buffer = [0; 65_536];
        while !request.windows(4).any(|end| end == b"\r\n\r\n") || !request.ends_with(b"}") {
            match stream.read(&mut buffer) {
                Ok(read) if read > 0 => request.extend_from_slice(&buffer[..read]),
                _ => break,
            }
        }
        let large = String::from_utf8_lossy(&request).contains("a megabyte");
        let (pieces, piece) = if large { (1000, "x".repeat(1000)) } else { (100, "word ".to_owned()) };
        let mut answer = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n".to_vec();
        *first_byte.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        for index in 0..pieces {
            let event = format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{piece}\"}}}}]}}\n\n");
            answer.extend_from_slice(event.as_bytes());
            if index == 0 || answer.len() > 16_384 {
                let _ = stream.write_all(&answer);
                answer.clear();
            }
        }
        answer.extend_from_slice(
            b"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}\n\ndata: [DONE]\n\n",
        );
        let _ = stream.write_all(&answer);
    }
}

fn bare(address: &str) -> std::io::Result<Duration> {
    let start = Instant::now();
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(start.elapsed())
}

fn median(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() * 95 / 100])
}

/// The most memory that this process has had since it was last asked, in KiB (Linux).
fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    // What cannot be reset only makes the next figure larger.
    let _ = fs::write("/proc/self/clear_refs", "5");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let requests: usize = std::env::args().nth(1).map_or(Ok(500), |text| text.parse())?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let first_byte = Arc::new(Mutex::new(Instant::now()));
    std::thread::spawn({
        let first_byte = first_byte.clone();
        move || serve(&listener, &first_byte)
    });
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("config.toml");
    fs::write(&file, format!("{SETTINGS}base-url = \"http://{address}/v1\"\n"))?;
    let settings = config::load(&file)?;
    let state = State::new(Some(Arc::new(Journal::open(&folder.path().join("models.sqlite"))?)));

    let (mut sockets, mut layers, mut reports, mut redactions) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    // A prompt as long as those of the assists.
    let code = "def total(items):\n    return sum(item.price for item in items)\n".repeat(400);
    for number in 0..requests {
        sockets.push(bare(&address)?);
        let user = format!("{code}# question {number}\n");
        let start = Instant::now();
        let (request, _) = Request::redacted(Prompt { system: "be brief".into(), user });
        redactions.push(start.elapsed());
        let start = Instant::now();
        let model = connect(&settings, &settings.propose.models, None, &state)?;
        let mut reported = None;
        collect(&*model, request, |progress| {
            if matches!(progress, Progress::Text(_)) && reported.is_none() {
                reported = Some(Instant::now());
            }
        })
        .await?;
        layers.push(start.elapsed());
        let sent = *first_byte.lock().unwrap_or_else(PoisonError::into_inner);
        reports.extend(reported.map(|reported| reported - sent));
    }
    println!("{requests} requests with a prompt of {} KB; p50, p95", code.len() / 1000);
    for (what, times) in [
        ("bare socket, whole answer", sockets),
        ("all layers, whole answer", layers),
        ("first byte sent to first progress", reports),
        ("redaction of the prompt", redactions),
    ] {
        let (p50, p95) = median(times);
        println!("{what:<34} {p50:>10.3?} {p95:>10.3?}");
    }

    let (request, _) = Request::redacted(Prompt { user: "a megabyte".into(), ..Prompt::default() });
    peak();
    let before = peak();
    let model = connect(&settings, &settings.propose.models, None, &state)?;
    let reply = collect(&*model, request, |_| {}).await?;
    let after = peak();
    if let (Some(before), Some(after)) = (before, after) {
        let more = after.saturating_sub(before);
        println!("an answer of {} bytes                {more} KiB more at most, of {after}", reply.text.len());
    }
    Ok(())
}

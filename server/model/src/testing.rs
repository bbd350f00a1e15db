//! A server on the loopback that plays scripts byte for byte, and records what it was asked.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep};

/// What the server does on a connection once it has read the request. At the end it closes the connection.
pub(crate) enum Step {
    Send(Vec<u8>),
    Wait(Duration),
    /// Says nothing until the client has closed the connection.
    Hang,
    /// Breaks the connection, so that the client sees an error and not an end.
    Reset,
}

pub(crate) struct Server {
    /// `http://127.0.0.1:PORT`
    pub(crate) url: String,
    requests: UnboundedReceiver<String>,
    hang_ups: UnboundedReceiver<Instant>,
}

impl Server {
    /// Plays one script for each connection, in order.
    pub(crate) async fn start(scripts: Vec<Vec<Step>>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (heard, requests) = unbounded_channel();
        let (closed, hang_ups) = unbounded_channel();
        tokio::spawn(async move {
            for script in scripts {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(play(stream, script, heard.clone(), closed.clone()));
            }
        });
        Server { url, requests, hang_ups }
    }

    /// The head and body of the next request.
    pub(crate) async fn request(&mut self) -> String {
        self.requests.recv().await.unwrap()
    }

    /// When the client closed the next connection on which the server hangs.
    pub(crate) async fn hang_up(&mut self) -> Instant {
        self.hang_ups.recv().await.unwrap()
    }
}

async fn play(
    mut stream: TcpStream,
    script: Vec<Step>,
    heard: UnboundedSender<String>,
    closed: UnboundedSender<Instant>,
) {
    stream.set_nodelay(true).unwrap();
    // A test that is over no longer listens, and a client that has gone no longer reads: neither is a failure here.
    let _ = heard.send(read_request(&mut stream).await);
    for step in script {
        match step {
            Step::Send(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Step::Wait(pause) => sleep(pause).await,
            Step::Hang => {
                let mut rest = Vec::new();
                let _ = stream.read_to_end(&mut rest).await;
                let _ = closed.send(Instant::now());
            }
            Step::Reset => return stream.set_zero_linger().unwrap(),
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return text.into_owned();
            }
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return String::from_utf8_lossy(&bytes).into_owned();
        }
    }
}

/// A whole response; its body ends with the connection.
pub(crate) fn response(status: &str, headers: &[&str], body: &str) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status}\r\nconnection: close\r\n");
    for header in headers {
        head += header;
        head += "\r\n";
    }
    (head + "\r\n" + body).into_bytes()
}

/// A response that streams `events`, one line of data each.
pub(crate) fn stream(events: &[&str]) -> Vec<u8> {
    let body: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    response("200 OK", &["content-type: text/event-stream"], &body)
}

//! Where the guest's output goes.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError};

/// Why a run is stopped from within one of the guest's own calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Overflow {
    #[error("more than the allowed output")]
    Output,
    #[error("/tmp is full")]
    Tmp,
}

/// Keeps the first `limit` bytes, and stops the guest at the next one.
#[derive(Clone)]
pub(super) struct Capture {
    kept: Arc<Mutex<Kept>>,
    limit: usize,
}

#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    /// How many of them [`Capture::news`] has told.
    told: usize,
}

impl Capture {
    pub(super) fn new(limit: u64) -> Self {
        Self { kept: Arc::default(), limit: usize::try_from(limit).unwrap_or(usize::MAX) }
    }

    /// Forgets everything, for the next cell of a session.
    pub(super) fn clear(&self) {
        *self.kept() = Kept::default();
    }

    /// What was written, with bytes that are not UTF-8 replaced and without the guest's name of the workspace.
    pub(super) fn text(&self) -> String {
        relative(&String::from_utf8_lossy(&self.kept().bytes), true)
    }

    /// What was written since the last call; together this is [`Self::text`]. A character that is not complete waits for
    /// the next call, unless this is the last.
    pub(super) fn news(&self, is_last: bool) -> Option<String> {
        let mut kept = self.kept();
        let at_line = kept.told == 0 || kept.bytes.get(kept.told - 1) == Some(&b'\n');
        let new = &kept.bytes[kept.told..];
        let whole = match std::str::from_utf8(new) {
            Err(error) if !is_last && error.error_len().is_none() => error.valid_up_to(),
            _ => new.len(),
        };
        let text = (whole > 0).then(|| relative(&String::from_utf8_lossy(&new[..whole]), at_line));
        kept.told += whole;
        text
    }

    fn push(&self, bytes: &[u8]) -> Result<(), Overflow> {
        let mut kept = self.kept();
        let room = self.limit - kept.bytes.len();
        kept.bytes.extend_from_slice(&bytes[..room.min(bytes.len())]);
        if bytes.len() > room { Err(Overflow::Output) } else { Ok(()) }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tracebacks and warnings name the guest's paths; the reader's are relative to the workspace. Only where the interpreter
/// and pytest write them: what the code itself prints is left alone.
fn relative(text: &str, at_line: bool) -> String {
    let text =
        text.replace("File \"/ws/", "File \"").replace("test module '/ws/", "test module '").replace("\n/ws/", "\n");
    let first = if at_line { text.strip_prefix("/ws/") } else { None };
    first.map(str::to_owned).unwrap_or(text)
}

impl IsTerminal for Capture {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Capture {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Capture {
    async fn ready(&mut self) {}
}

impl OutputStream for Capture {
    fn write(&mut self, bytes: Bytes) -> Result<(), StreamError> {
        self.push(&bytes).map_err(|overflow| StreamError::Trap(wasmtime::Error::new(overflow)))
    }

    fn flush(&mut self) -> Result<(), StreamError> {
        Ok(())
    }

    fn check_write(&mut self) -> Result<usize, StreamError> {
        Ok(64 * 1024)
    }
}

/// Asked for by [`StdoutStream`]; the guest uses the other form.
impl AsyncWrite for Capture {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.push(bytes).map(|()| bytes.len()).map_err(io::Error::other))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_fits_and_refuses_the_rest() {
        let capture = Capture::new(5);
        assert_eq!(capture.push(b"abc"), Ok(()));
        assert_eq!(capture.push(b"de"), Ok(()));
        assert_eq!(capture.push(b""), Ok(()));
        assert_eq!(capture.push(b"f"), Err(Overflow::Output));
        assert_eq!(capture.text(), "abcde");
    }

    #[test]
    fn a_character_cut_in_two_is_replaced() {
        let capture = Capture::new(4);
        assert_eq!(capture.push("naïve €".as_bytes()), Err(Overflow::Output));
        assert_eq!(capture.text(), "naï");
        let capture = Capture::new(3);
        assert_eq!(capture.push("naïve".as_bytes()), Err(Overflow::Output));
        assert_eq!(capture.text(), "na\u{fffd}");
    }

    #[test]
    fn news_are_told_once_and_in_whole_characters() {
        let capture = Capture::new(1000);
        assert_eq!(capture.news(false), None);
        let text = "/ws/a.py:1: é\n/ws/b.py: at /ws/c.py\n".as_bytes();
        capture.push(&text[..13]).unwrap();
        assert_eq!(capture.news(false).unwrap(), "a.py:1: ");
        capture.push(&text[13..]).unwrap();
        assert_eq!(capture.news(false).unwrap(), "é\nb.py: at /ws/c.py\n");
        assert_eq!(capture.news(true), None);
        capture.push(b"/ws/d.py \xc3").unwrap();
        assert_eq!(capture.news(false).unwrap(), "d.py ");
        assert_eq!(capture.news(true).unwrap(), "\u{fffd}");
        assert_eq!(capture.text(), "a.py:1: é\nb.py: at /ws/c.py\nd.py \u{fffd}");
    }
}

//! Where the guest's output goes.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
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
    kept: Arc<Mutex<Vec<u8>>>,
    limit: usize,
}

impl Capture {
    pub(super) fn new(limit: u64) -> Self {
        Self { kept: Arc::default(), limit: usize::try_from(limit).unwrap_or(usize::MAX) }
    }

    /// What was written, with bytes that are not UTF-8 replaced.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.kept.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    fn push(&self, bytes: &[u8]) -> Result<(), Overflow> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let room = self.limit - kept.len();
        kept.extend_from_slice(&bytes[..room.min(bytes.len())]);
        if bytes.len() > room { Err(Overflow::Output) } else { Ok(()) }
    }
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
}

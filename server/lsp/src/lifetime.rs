//! When the server has to end: the editor's `exit`, the end of its stream, or its death.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::sync::CancellationToken;

/// An editor that crashed leaves its server behind for at most this long.
const PARENT_CHECK: Duration = Duration::from_secs(3);

/// Shared knowledge about the end of the session.
#[derive(Clone, Default)]
pub(crate) struct Lifetime {
    end: CancellationToken,
    shut_down: Arc<AtomicBool>,
}

impl Lifetime {
    /// Resolves when the editor is gone.
    pub(crate) async fn ended(&self) {
        self.end.cancelled().await;
    }

    /// A token that trips when the editor is gone; background work derives its own from it.
    pub(crate) fn token(&self) -> &CancellationToken {
        &self.end
    }

    pub(crate) fn note_shutdown(&self) {
        self.shut_down.store(true, Ordering::Relaxed);
    }

    pub(crate) fn was_shut_down(&self) -> bool {
        self.shut_down.load(Ordering::Relaxed)
    }

    /// Ends the session when the process `pid` dies. An editor in another process namespace is invisible from the
    /// start; then only the end of its stream tells.
    pub(crate) fn watch_parent(&self, pid: u32) {
        if !is_alive(pid) {
            return;
        }
        let lifetime = self.clone();
        tokio::spawn(async move {
            while is_alive(pid) {
                tokio::time::sleep(PARENT_CHECK).await;
            }
            lifetime.end.cancel();
        });
    }
}

/// Whether the process runs. A zombie does not: nobody will write to us from there.
fn is_alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        // The name, in parentheses, may itself hold parentheses and spaces.
        .is_ok_and(|stat| stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X'])))
}

/// A reader that notes the end of its stream in the [`Lifetime`].
pub(crate) struct UntilClosed<R> {
    inner: R,
    lifetime: Lifetime,
}

impl<R> UntilClosed<R> {
    pub(crate) fn new(inner: R, lifetime: Lifetime) -> Self {
        UntilClosed { inner, lifetime }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for UntilClosed<R> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let filled = buffer.filled().len();
        let poll = Pin::new(&mut self.inner).poll_read(cx, buffer);
        let closed = match &poll {
            Poll::Ready(Ok(())) => buffer.filled().len() == filled && buffer.remaining() > 0,
            Poll::Ready(Err(_)) => true,
            Poll::Pending => false,
        };
        if closed {
            self.lifetime.end.cancel();
        }
        poll
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[test]
    fn knows_the_living_from_the_dead() {
        assert!(is_alive(std::process::id()));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        assert!(!is_alive(pid));
    }

    #[tokio::test]
    async fn the_end_of_the_stream_ends_the_session() {
        let lifetime = Lifetime::default();
        let mut reader = UntilClosed::new(&b"ab"[..], lifetime.clone());
        let mut text = String::new();
        reader.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "ab");
        lifetime.ended().await;
    }
}

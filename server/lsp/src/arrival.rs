//! The order of arrival.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures::future::Either;
use tower_lsp_server::jsonrpc::Request;
use tower_service::Service;

/// Begins to handle each message the moment it has arrived.
///
/// The transport by itself puts messages from the editor into a queue, but hands answers to the server's own questions
/// over at once: a "yes" could overtake the edit before it. Here each handler runs up to its first `await` before the
/// next message is looked at, and until then it has told the [mailbox](crate::mailbox::Mailbox).
pub(crate) struct InOrder<S>(pub(crate) S);

impl<S> Service<Request> for InOrder<S>
where
    S: Service<Request>,
    S::Future: Unpin,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<Ready<Result<S::Response, S::Error>>, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let mut handler = self.0.call(request);
        // Whoever is given a pending handler polls it again, with a waker of its own.
        match Pin::new(&mut handler).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => Either::Left(ready(result)),
            Poll::Pending => Either::Right(handler),
        }
    }
}

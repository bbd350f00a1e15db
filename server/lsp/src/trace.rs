//! What each request's time was spent on, as a span for whoever subscribes to `lsp::trace`; nothing is measured for nobody.
//!
//! A span is closed when the answer is ready to be written. Its fields are the stages: `queue`, until the writer came to the request;
//! `edit`, what edits took that it had to wait for, and of that `parse`, `summarise`, `compare` and `link`; `query`, the feature itself.
//! What is left is handing over from thread to thread.

use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tower_lsp_server::jsonrpc::Request;
use tower_service::Service;
use tracing::field::{Empty, debug};
use tracing::instrument::{Instrument, Instrumented};
use tracing::{Span, info_span};

use crate::snapshot::Snapshot;

/// Opens the span of each request.
pub(crate) struct Traced<S>(pub(crate) S);

impl<S: Service<Request>> Service<Request> for Traced<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = Instrumented<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let span = match request.id() {
            Some(id) => info_span!(
                target: "lsp::trace", "request", method = request.method(), %id, queue = Empty, edit = Empty, parse = Empty,
                summarise = Empty, compare = Empty, link = Empty, query = Empty
            ),
            None => Span::none(),
        };
        let handler = span.in_scope(|| self.0.call(request));
        handler.instrument(span)
    }
}

/// A snapshot has come that was asked for at `asked`.
pub(crate) fn waited(asked: Instant, snapshot: &Snapshot) {
    let span = Span::current();
    if span.is_disabled() {
        return;
    }
    let waited = asked.elapsed();
    let Some(applied) = snapshot.applied.filter(|applied| applied.ended > asked) else {
        return record(&span, &[("queue", waited)]);
    };
    let edit = applied.ended - applied.begun.max(asked);
    let taken = applied.timings;
    record(&span, &[("queue", waited.saturating_sub(edit)), ("edit", edit), ("parse", taken.parse)]);
    record(&span, &[("summarise", taken.summarise), ("compare", taken.compare), ("link", taken.link)]);
}

/// The feature has answered.
pub(crate) fn queried(took: Duration) {
    record(&Span::current(), &[("query", took)]);
}

fn record(span: &Span, stages: &[(&str, Duration)]) {
    for &(stage, took) in stages {
        span.record(stage, debug(took));
    }
}

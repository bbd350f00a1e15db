//! What we promise the editor beside what the protocol's types can say.

use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::{Either, Map};
use serde_json::json;
use tower_lsp_server::jsonrpc::{Request, Response};
use tower_service::Service;

/// Adds the type hierarchy to the server's capabilities: the protocol's types know its requests, but have no field for it.
pub(crate) struct Promises<S>(pub(crate) S);

type Answer<E> = Result<Option<Response>, E>;

impl<S> Service<Request> for Promises<S>
where
    S: Service<Request, Response = Option<Response>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<S::Future, Map<S::Future, fn(Answer<S::Error>) -> Answer<S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let is_first = request.method() == "initialize";
        let answer = self.0.call(request);
        if is_first { Either::Right(answer.map(promise::<S::Error>)) } else { Either::Left(answer) }
    }
}

fn promise<E>(answer: Answer<E>) -> Answer<E> {
    let Ok(Some(response)) = answer else { return answer };
    let (id, mut body) = response.into_parts();
    if let Ok(result) = &mut body
        && let Some(capabilities) = result.get_mut("capabilities").and_then(|it| it.as_object_mut())
    {
        capabilities.insert("typeHierarchyProvider".to_owned(), json!(true));
    }
    Ok(Some(Response::from_parts(id, body)))
}

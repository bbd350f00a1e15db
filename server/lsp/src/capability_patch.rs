//! What we tell the editor beside what the protocol's types can say: they know the requests of type hierarchies, but have
//! no field to promise them, and no tags on code actions.

use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::{Either, Map};
use serde_json::{Value, json};
use tower_lsp_server::jsonrpc::{Request, Response};
use tower_service::Service;

use crate::commands::Command;

/// `CodeActionTag.LLMGenerated` of LSP 3.18.
const LLM_GENERATED: u32 = 1;

/// Adds the type hierarchy to the server's capabilities, and marks the code actions that ask a model, for an editor that
/// knows the mark.
pub(crate) struct CapabilityPatch<S> {
    service: S,
    knows_tag: bool,
}

impl<S> CapabilityPatch<S> {
    pub(crate) fn new(service: S) -> Self {
        CapabilityPatch { service, knows_tag: false }
    }
}

type Answer<E> = Result<Option<Response>, E>;

impl<S> Service<Request> for CapabilityPatch<S>
where
    S: Service<Request, Response = Option<Response>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<S::Future, Map<S::Future, fn(Answer<S::Error>) -> Answer<S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let add: fn(Answer<S::Error>) -> Answer<S::Error> = match request.method() {
            "initialize" => {
                self.knows_tag = request.params().is_some_and(knows_tag);
                |answer| with(answer, capability_patch)
            }
            "textDocument/codeAction" if self.knows_tag => |answer| with(answer, mark),
            _ => return Either::Left(self.service.call(request)),
        };
        Either::Right(self.service.call(request).map(add))
    }
}

/// What `initialize` says of the tags that the editor knows.
fn knows_tag(params: &Value) -> bool {
    let known = params.pointer("/capabilities/textDocument/codeAction/tagSupport/valueSet");
    known.and_then(Value::as_array).is_some_and(|tags| tags.contains(&json!(LLM_GENERATED)))
}

fn with<E>(answer: Answer<E>, add: fn(&mut Value)) -> Answer<E> {
    let Ok(Some(response)) = answer else { return answer };
    let (id, mut body) = response.into_parts();
    if let Ok(result) = &mut body {
        add(result);
    }
    Ok(Some(Response::from_parts(id, body)))
}

fn capability_patch(initialized: &mut Value) {
    if let Some(capabilities) = initialized.get_mut("capabilities").and_then(Value::as_object_mut) {
        capabilities.insert("typeHierarchyProvider".to_owned(), json!(true));
    }
}

fn mark(actions: &mut Value) {
    let asks_model = |action: &Value| {
        let command = action.pointer("/command/command").and_then(Value::as_str);
        command.is_some_and(|command| Command::ASKING_MODELS.contains(&command))
    };
    for action in actions.as_array_mut().into_iter().flatten().filter(|action| asks_model(action)) {
        action["tags"] = json!([LLM_GENERATED]);
    }
}

//! Where data comes in.

use std::rc::Rc;

use graph::ParamKind;

use super::code::{FunctionIndex, Node, NodeIndex};
use super::program::{File, Program};

/// Data from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// Ends the sentence "data from outside …: WHAT".
    pub what: String,
    /// Whoever starts the program gives it: the command line, the environment, the terminal.
    pub is_own: bool,
    /// One part of the path of a URL, without slashes.
    pub is_segment: bool,
}

impl Source {
    fn outside(what: impl Into<String>) -> Self {
        Source { what: what.into(), is_own: false, is_segment: false }
    }

    fn own(what: impl Into<String>) -> Self {
        Source { what: what.into(), is_own: true, is_segment: false }
    }
}

/// How a function is called from outside of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    None,
    /// Answers requests; with the rule for their URLs, where it is known.
    Route(Option<String>),
    /// Its parameters are arguments of the command line.
    Command,
}

/// What a parameter holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Given {
    Data(Source),
    /// The request itself, of which some attributes are data from outside.
    Request(Source),
    /// Nothing that could do harm.
    Nothing,
    /// What callers say.
    ByCallers,
}

/// The objects that web frameworks keep the current request in.
const REQUESTS: &[&str] = &[
    "flask.request",
    "flask.globals.request",
    "quart.request",
    "quart.globals.request",
    "bottle.request",
    "sanic.request",
    "flask_restful.request",
];

/// Attributes and methods of a request that whoever sends it decides.
const DATA: &[&str] = &[
    "GET",
    "POST",
    "FILES",
    "COOKIES",
    "META",
    "args",
    "form",
    "forms",
    "values",
    "json",
    "data",
    "files",
    "headers",
    "cookies",
    "body",
    "query_params",
    "path_params",
    "query",
    "match_info",
    "params",
    "query_string",
    "view_args",
    "get_json",
    "get_data",
    "text",
    "post",
    "stream",
    "read",
    "content",
    "multipart",
    "query_args",
    "raw_post_data",
    "url",
    "full_path",
    "path",
    "path_info",
];

/// Base classes of views, by the end of their names.
const VIEWS: &[&str] = &[
    "View",
    "ViewSet",
    "Resource",
    "RequestHandler",
    "HTTPEndpoint",
    "ViewSetMixin",
    "ViewMixin",
    "HTTPRequestHandler",
];

/// Methods of views that answer requests.
const ANSWERS: &[&str] = &[
    "get",
    "post",
    "put",
    "patch",
    "delete",
    "head",
    "options",
    "dispatch",
    "list",
    "create",
    "retrieve",
    "update",
    "partial_update",
    "destroy",
];

/// Calls that say what to do with a URL.
const ROUTING: &[&str] = &[
    "path",
    "re_path",
    "url",
    "Route",
    "WebSocketRoute",
    "APIRoute",
    "add_url_rule",
    "add_route",
    "add_api_route",
    "add_get",
    "add_post",
    "add_put",
    "add_delete",
    "add_patch",
    "add_view",
];

/// Decorators of views that say nothing of the URL.
const OF_VIEWS: &[&str] = &[
    "api_view",
    "csrf_exempt",
    "require_http_methods",
    "require_GET",
    "require_POST",
    "require_safe",
    "view_config",
    "login_required",
    "permission_required",
    "staff_member_required",
];

/// The value of something outside the workspace.
pub(super) fn of_value(dotted: &str) -> Option<Source> {
    match dotted {
        "sys.argv" => Some(Source::own("the command line")),
        "os.environ" | "os.environb" => Some(Source::own("the environment")),
        "sys.stdin" | "sys.stdin.buffer" => Some(Source::own("standard input")),
        _ => None,
    }
}

/// What a call gives, by the dotted name of what is called.
pub(super) fn of_call(outside: &str) -> Option<Source> {
    let method = outside.rsplit('.').next().unwrap_or(outside);
    match outside {
        "input" | "raw_input" | "getpass.getpass" | "click.prompt" | "typer.prompt" | "fileinput.input" => {
            return Some(Source::own("what is typed"));
        }
        "os.getenv" | "os.getenvb" => return Some(Source::own("the environment")),
        _ => {}
    }
    if !outside.contains('.') {
        return None;
    }
    match method {
        "parse_args" | "parse_known_args" => Some(Source::own("the command line")),
        "recv" | "recvfrom" | "recv_string" | "recv_json" => Some(Source::outside("what a connection receives")),
        "receive_text" | "receive_json" | "receive_bytes" => Some(Source::outside("what a web socket receives")),
        "get_argument" | "get_arguments" | "get_query_argument" | "get_body_argument" => {
            Some(Source::outside("an argument of the request"))
        }
        _ => None,
    }
}

/// Whether an attribute or method of a request is what the sender says.
pub(super) fn is_data(attribute: &str) -> bool {
    DATA.contains(&attribute)
}

impl File<'_> {
    /// Whether `node` is the current request, whoever asks.
    pub fn is_request(&self, function: FunctionIndex, node: NodeIndex) -> bool {
        if let Node::Attribute { value, name } = self.code.node(node)
            && name.as_str() == "request"
            && let Some(class) = self.code.receiver(function, *value)
        {
            return self.is_view(class);
        }
        self.dotted(function, node).is_some_and(|dotted| REQUESTS.contains(&&*dotted))
    }

    /// Whether `node` may be a request by its name.
    pub fn is_called_request(&self, function: FunctionIndex, node: NodeIndex) -> bool {
        matches!(self.code.node(node), Node::Name(name) if is_request_name(name)) || self.is_request(function, node)
    }

    /// Attributes of a view that hold what a URL says, and those of `http.server`'s handlers.
    pub fn is_view_data(&self, class: usize, attribute: &str) -> bool {
        let is_handler = self.code.classes[class].bases.iter().any(|base| base.ends_with("HTTPRequestHandler"));
        attribute == "kwargs" && self.is_view(class) || is_handler && matches!(attribute, "path" | "headers" | "rfile")
    }

    fn is_view(&self, class: usize) -> bool {
        let bases = &self.code.classes[class].bases;
        bases.iter().any(|base| VIEWS.iter().any(|view| base.ends_with(view)))
    }
}

fn is_request_name(name: &str) -> bool {
    matches!(name, "request" | "req" | "_request" | "http_request")
}

impl Program<'_> {
    /// How `function` is called from outside.
    pub fn entry(&mut self, file: &File<'_>, function: FunctionIndex) -> Rc<Entry> {
        if let Some(known) = self.entries.get(&(file.id, function)) {
            return known.clone();
        }
        let entry = decorated(file, function);
        let entry = if entry == Entry::None { self.registered(file, function) } else { entry };
        let entry = Rc::new(entry);
        self.entries.insert((file.id, function), entry.clone());
        entry
    }

    /// Views that a table of URLs names.
    fn registered(&mut self, file: &File<'_>, function: FunctionIndex) -> Entry {
        let Some(symbol) = file.symbol(function) else { return Entry::None };
        let facts = file.code.function(function);
        let takes_request = facts.params.first().is_some_and(|param| is_request_name(&param.name));
        let is_candidate = facts.class.is_none() && !facts.name.starts_with('<');
        if !is_candidate || !takes_request && !self.analysis.callers(symbol).is_empty() {
            return Entry::None;
        }
        for site in self.analysis.references(symbol) {
            let Some(user) = self.file(site.file) else { continue };
            let is_argument = |call: &super::code::Call| {
                let keywords = call.keywords.iter().map(|(_, value)| *value);
                let mut arguments = call.positional.iter().copied().chain(keywords);
                arguments.any(|argument| {
                    let range = user.code.range(argument);
                    let is_name = matches!(user.code.node(argument), Node::Name(_) | Node::Attribute { .. });
                    is_name && range.contains_range(site.range)
                })
            };
            let mut calls = user.code.calls.values().filter_map(|(_, call)| user.code.call(*call));
            let routing = calls.find(|call| ROUTING.contains(&user.slice(call.token)) && is_argument(call));
            if let Some(call) = routing {
                let mut rules = call.positional.iter().filter_map(|&argument| user.code.literal(argument));
                return Entry::Route(rules.next().map(str::to_owned));
            }
        }
        Entry::None
    }

    /// What the parameter at `index` of `function` holds.
    pub fn given(&mut self, file: &File<'_>, function: FunctionIndex, index: usize) -> Given {
        let facts = file.code.function(function);
        let param = &facts.params[index];
        if index == 0 && facts.class.is_some() && !facts.is_static {
            return Given::Nothing;
        }
        let annotation = param.annotation.map(|range| file.slice(range));
        match &*self.entry(file, function) {
            Entry::None => Given::ByCallers,
            Entry::Command => match annotation.is_none_or(|text| may_hold_text(text) == Some(true)) {
                true if !matches!(param.name.as_str(), "ctx" | "context") => {
                    Given::Data(Source::own(format!("the argument `{}` of the command `{}`", param.name, facts.name)))
                }
                _ => Given::Nothing,
            },
            Entry::Route(rule) => {
                if is_request_name(&param.name) && annotation.is_none_or(|text| text.contains("Request")) {
                    let what = format!("the request that `{}` answers", facts.name);
                    return Given::Request(Source::outside(what));
                }
                if param.default.is_some_and(|default| is_injected(file, default)) {
                    return Given::Nothing;
                }
                let is_open = match (annotation, param.annotation) {
                    (Some(text), Some(range)) => {
                        may_hold_text(text).unwrap_or_else(|| self.is_open_class(file.id, range))
                    }
                    _ => true,
                };
                let part = rule.as_deref().and_then(|rule| part(rule, &param.name));
                if !is_open || part == Some(Part::Harmless) {
                    return Given::Nothing;
                }
                let what = format!("the parameter `{}` of `{}`, which answers requests", param.name, facts.name);
                let is_plain = matches!(param.kind, ParamKind::Positional | ParamKind::PositionalOnly);
                let is_segment = part == Some(Part::Segment) || rule.is_none() && is_plain;
                Given::Data(Source { what, is_own: false, is_segment })
            }
        }
    }
}

/// What decorators and the class say.
fn decorated(file: &File<'_>, function: FunctionIndex) -> Entry {
    let code = &file.code;
    let facts = code.function(function);
    let takes_request = facts.params.iter().take(2).any(|param| is_request_name(&param.name));
    for &decorator in &facts.decorators {
        let (callee, call) = match code.node(decorator) {
            Node::Call(call) => (call.callee, Some(call)),
            _ => (decorator, None),
        };
        let name = match code.node(callee) {
            Node::Attribute { name, .. } | Node::Name(name) => name.as_str(),
            _ => continue,
        };
        let outer = facts.parent.unwrap_or(FunctionIndex::MODULE);
        let dotted = file.dotted(outer, callee).unwrap_or_default();
        if dotted.starts_with("click.") || dotted.starts_with("typer.") || call.is_some() && name == "command" {
            return Entry::Command;
        }
        if dotted == "cherrypy.expose" {
            return Entry::Route(None);
        }
        if OF_VIEWS.contains(&name) && takes_request {
            return Entry::Route(None);
        }
        let is_method = matches!(code.node(callee), Node::Attribute { .. });
        let routes = ANSWERS.contains(&name) || matches!(name, "route" | "websocket" | "api_route" | "view");
        if let (Some(call), true, true) = (call, is_method, routes) {
            let first = call.positional.first().copied();
            let rule = first.or_else(|| call.keyword("path")).or_else(|| call.keyword("rule"));
            if let Some(rule) = rule.and_then(|rule| code.literal(rule))
                && (rule.is_empty() || rule.starts_with(['/', '<', '{']))
            {
                return Entry::Route(Some(rule.to_owned()));
            }
        }
    }
    match facts.class {
        Some(class) if ANSWERS.contains(&&*facts.name) && file.is_view(class) => Entry::Route(None),
        _ => Entry::None,
    }
}

/// `Depends(…)` and the like: the framework makes the value.
fn is_injected(file: &File<'_>, default: NodeIndex) -> bool {
    let Some(call) = file.code.call(default) else { return false };
    matches!(file.slice(call.token), "Depends" | "Security" | "Inject" | "Provide" | "Context")
}

/// Whether an annotation admits texts; `None` where it names something else.
fn may_hold_text(annotation: &str) -> Option<bool> {
    let mut words = annotation.split(|it: char| !it.is_alphanumeric() && it != '_').filter(|word| !word.is_empty());
    if ["Depends", "Security", "Literal", "Request", "Session"].iter().any(|word| annotation.contains(word)) {
        return Some(false);
    }
    let texts = ["str", "bytes", "dict", "Dict", "Any", "UploadFile", "Mapping", "HttpUrl", "AnyUrl", "Path", "object"];
    if words.clone().any(|word| texts.contains(&word)) {
        return Some(true);
    }
    let numbers = [
        "int",
        "float",
        "bool",
        "complex",
        "UUID",
        "UUID4",
        "Decimal",
        "date",
        "datetime",
        "time",
        "timedelta",
        "Optional",
        "Union",
        "None",
        "list",
        "List",
        "set",
        "Set",
        "tuple",
        "Tuple",
        "typing",
        "uuid",
        "decimal",
        "t",
    ];
    if words.all(|word| numbers.contains(&word)) { Some(false) } else { None }
}

/// What a rule for URLs says of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// A number, or letters and digits.
    Harmless,
    /// Without slashes.
    Segment,
    Anything,
}

/// `<int:name>`, `<name:int>`, `{name:path}`, `(?P<name>[0-9]+)`.
fn part(rule: &str, name: &str) -> Option<Part> {
    let group = format!("(?P<{name}>");
    if let Some(start) = rule.find(&group) {
        let pattern = rule[start + group.len()..].split(')').next().unwrap_or_default();
        let admits_more = pattern.contains('.') || pattern.contains("[^") || pattern.contains('/');
        return Some(if admits_more { Part::Anything } else { Part::Harmless });
    }
    let inner = rule.split(['<', '{']).skip(1).filter_map(|rest| rest.split(['>', '}']).next());
    for inner in inner {
        let mut parts = inner.split(':').map(str::trim);
        if !parts.clone().any(|part| part == name) {
            continue;
        }
        let kind = parts.find(|part| *part != name).map(|kind| kind.split('(').next().unwrap_or(kind));
        return Some(match kind {
            Some("int" | "float" | "uuid" | "slug" | "date" | "bool" | "any" | "number") => Part::Harmless,
            Some("path" | "re" | "regex") => Part::Anything,
            _ => Part::Segment,
        });
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::tainted::tests::check;

    #[test]
    fn handlers_of_flask() {
        check(
            "\
import os, flask
from flask import Flask, Blueprint, request as r
from flask.views import MethodView
app = Flask(__name__)
bp = Blueprint('x', __name__)
@app.route('/<name>/<int:number>/<path:rest>')
def f(name, number, rest):
    os.system(name)  #! high
    os.system(number)
    open(name)  #! low
    open(rest)  #! high
@bp.post('/')
def g():
    os.system(r.form['x'])  #! high
    os.system(flask.request.get_json()['x'])  #! high
    os.system(r.cookies.get('x'))  #! high
    os.system(r.method + r.remote_addr)
    os.system(flask.session['x'])
class V(MethodView):
    def get(self, name):
        os.system(name)  #! high
    def helper(self, name):
        os.system(name)
def plain(name):
    os.system(name)
@cache.get('key')
def cached(name):
    os.system(name)
",
        );
    }

    #[test]
    fn handlers_of_fastapi_and_others() {
        check(
            "\
#- /main.py
import os, bottle
from fastapi import FastAPI, Depends, Request, UploadFile
from pydantic import BaseModel
from enum import Enum
from aiohttp import web
app = FastAPI()
class Item(BaseModel):
    name: str
class Color(Enum):
    RED = 1
@app.post('/{name}')
async def f(name, number: int, text: str | None, item: Item, color: Color, db=Depends(get), numbers: list[int] = []):
    os.system(name)  #! high
    os.system(number)
    os.system(text)  #! high
    os.system(item.name)  #! high
    os.system(color)
    os.system(db.name)
    os.system(numbers)
@app.get('/')
async def g(request: Request, file: UploadFile):
    os.system(await request.body())  #! high
    os.system(request.query_params['x'])  #! high
    os.system(request.state.user)
    os.system(file.filename)  #! high
async def h(request):
    os.system(request.match_info['x'])  #! high
    os.system((await request.post())['x'])  #! high
a = web.Application()
a.router.add_get('/{x}', h)
@bottle.route('/<name>')
def b(name):
    os.system(name)  #! high
    os.system(bottle.request.query.x)  #! high
@app.websocket('/ws')
async def ws(socket):
    os.system(await socket.receive_text())  #! high
",
        );
    }

    #[test]
    fn views_of_django() {
        check(
            "\
#- /app/urls.py
from django.urls import path, re_path
from . import views
urlpatterns = [
    path('a/<int:pk>/<str:name>', views.a),
    re_path(r'^b/(?P<slug>[-a-z]+)/(?P<rest>.*)$', views.b),
]
#- /app/__init__.py
#- /app/views.py
import os
from django.views import View
from rest_framework.decorators import api_view
from . import work
def a(request, pk, name):
    os.system(request.GET['x'])  #! high
    os.system(request.user.name)
    os.system(pk)
    os.system(name)  #! high
    work.run(request)
def b(request, slug, rest):
    os.system(slug)
    os.system(rest)  #! high
def no_view(request):
    os.system(request.GET['x'])
@api_view(['POST'])
def c(request):
    os.system(request.data['x'])  #! high
class Page(View):
    def get(self, request, name):
        os.system(request.GET.get('x'))  #! high
        os.system(name)  #! high
    def render(self):
        os.system(self.request.POST['x'])  #! high
        os.system(self.kwargs['x'])  #! high
        os.system(self.name)
#- /app/work.py
import os
def run(request):
    os.system(request.POST['x'])  #! high
",
        );
    }

    #[test]
    fn what_users_say_themselves() {
        check(
            "\
import os, sys, argparse, click, pickle, socket, subprocess
from os import environ
args = argparse.ArgumentParser().parse_args()
eval(args.code)  #! medium
os.system(sys.argv[1])  #! medium
os.system(environ['X'])  #! medium
os.system(os.environ.get('X', ''))  #! medium
os.system(os.getenv('X'))  #! medium
os.system(input('? '))  #! medium
pickle.loads(sys.stdin.buffer.read())  #! medium
connection.execute('select ' + sys.argv[1])  #! low
open(args.path)
subprocess.run([os.environ['EDITOR'], 'x'])
os.system(socket.socket().recv(10))  #! high
os.system(sys.executable)
@click.command()
@click.argument('name')
@click.option('--count', type=int)
def main(name, count: int):
    os.system(name)  #! medium
    os.system(count)
    open(name)
",
        );
    }

    #[test]
    fn handlers_of_the_standard_library() {
        check(
            "\
import os
from http.server import BaseHTTPRequestHandler
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        open('/data' + self.path)  #! high
        os.system(self.headers['x'])  #! high
        os.system(self.rfile.read(3))  #! high
        os.system(self.command)
class Other:
    def do_GET(self):
        open(self.path)
",
        );
    }

    #[test]
    fn rules() {
        let cases = [
            ("/<name>", Some(Part::Segment)),
            ("/<int:name>/<path:x>", Some(Part::Harmless)),
            ("/<path:name>", Some(Part::Anything)),
            ("/<name:int>", Some(Part::Harmless)),
            ("/{name}", Some(Part::Segment)),
            ("/{name:path}", Some(Part::Anything)),
            ("^(?P<name>\\d+)/$", Some(Part::Harmless)),
            ("^(?P<name>.+)$", Some(Part::Anything)),
            ("/<other>", None),
        ];
        for (rule, expected) in cases {
            assert_eq!(part(rule, "name"), expected, "{rule}");
        }
    }
}

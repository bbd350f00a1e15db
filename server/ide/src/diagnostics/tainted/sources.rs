//! Where data comes in.

use super::code::{FunctionIndex, Node, NodeIndex};
use super::program::File;

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
    pub fn outside(what: impl Into<String>) -> Self {
        Source { what: what.into(), is_own: false, is_segment: false }
    }

    pub fn own(what: impl Into<String>) -> Self {
        Source { what: what.into(), is_own: true, is_segment: false }
    }
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

    pub fn is_view(&self, class: usize) -> bool {
        let bases = &self.code.classes[class].bases;
        bases.iter().any(|base| VIEWS.iter().any(|view| base.ends_with(view)))
    }
}

/// How requests are called where they are passed on.
pub(super) fn is_request_name(name: &str) -> bool {
    matches!(name, "request" | "req" | "_request" | "http_request")
}

#[cfg(test)]
mod tests {
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
    def post(self, name, service):
        os.system(service.lookup('x').command())
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
}

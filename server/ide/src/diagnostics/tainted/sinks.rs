//! Calls that are dangerous with data from outside: those of the table that the gate for proposals uses as well ([`Danger`]),
//! and methods whose receiver decides.

use graph::Name;
use lint::{Danger, DangerKind, Input};
use rustc_hash::FxHashSet;

use super::code::{Call, FunctionIndex, Node, NodeIndex, Reaching};
use super::program::File;

/// Expressions that are looked at to tell what a value is made of.
const MAX_PARTS: usize = 200;

/// What may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Code,
    Shell,
    Program,
    Pickle,
    Sql,
    Url,
    Unverified,
    Path,
    Template,
    Redirect,
}

/// Which part of a value matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Part {
    Whole,
    /// The first element of a list: a command line's program.
    First,
    /// The beginning of a text up to the server's name.
    Server,
    /// The value has to be a request, of which data is taken.
    Request,
    /// The value of `**values` under a name.
    Named(Name),
}

/// A dangerous call.
#[derive(Debug)]
pub(super) struct Sink {
    pub kind: Kind,
    pub inputs: Vec<(NodeIndex, Part)>,
}

impl Kind {
    /// What is said of a call whose callee is written `callee`.
    pub fn sentence(self, callee: &str) -> String {
        match self {
            Kind::Code => format!("`{callee}` runs data from outside as code"),
            Kind::Shell => format!("`{callee}` hands data from outside to a shell"),
            Kind::Program => format!("`{callee}` starts a program that data from outside names"),
            Kind::Pickle => format!("`{callee}` loads data from outside, which can run code"),
            Kind::Sql => format!("`{callee}` runs SQL that data from outside is part of"),
            Kind::Url => format!("`{callee}` asks a server that data from outside names"),
            Kind::Unverified => {
                format!("`{callee}` sends data from outside to a server whose certificate is not verified")
            }
            Kind::Path => format!("`{callee}` takes a path that data from outside is part of"),
            Kind::Template => format!("`{callee}` takes data from outside for a template or for safe markup"),
            Kind::Redirect => format!("`{callee}` sends browsers to a server that data from outside names"),
        }
    }

    /// Whether whoever gets data there runs what they like.
    pub fn is_grave(self) -> bool {
        matches!(self, Kind::Code | Kind::Shell | Kind::Pickle | Kind::Sql)
    }
}

/// A call of a method whose receiver says what it does.
struct MethodCall<'a, 'f> {
    file: &'a File<'f>,
    function: FunctionIndex,
    call: &'a Call,
    /// The dotted name of what is called.
    outside: &'a str,
    receiver: NodeIndex,
}

/// What is dangerous in a call of a method, if it is.
type Judge = fn(&MethodCall<'_, '_>) -> Option<Sink>;

/// Methods that the table of names cannot tell, because what they are called on decides.
const METHODS: &[(&[&str], Judge)] = &[
    (&["execute", "executemany", "executescript"], query),
    (&["raw"], raw_query),
    (&["from_string"], template),
    // What nothing but paths has.
    (&["read_text", "read_bytes", "write_text", "write_bytes", "iterdir"], receiver),
    (&["open", "unlink", "rmdir", "mkdir", "touch"], path),
    (&["save"], upload),
];

fn judge_of(method: &str) -> Option<Judge> {
    METHODS.iter().find(|(names, _)| names.contains(&method)).map(|(_, judge)| *judge)
}

/// Whether a callee's last name is one of a dangerous call; the others are not looked into.
pub(super) fn may_be_dangerous(name: &str) -> bool {
    Danger::is_last_name(name) || judge_of(name).is_some()
}

/// What is dangerous in a call, if it is.
pub(super) fn sink(file: &File<'_>, function: FunctionIndex, call: &Call) -> Option<Sink> {
    let outside = file.outside(function, call)?;
    let listed = Danger::of(&outside).and_then(|danger| listed(file, call, danger));
    listed.or_else(|| {
        let (receiver, name) = file.method(call)?;
        judge_of(name)?(&MethodCall { file, function, call, outside: &outside, receiver })
    })
}

/// What a row of the table says of a call.
fn listed(file: &File<'_>, call: &Call, danger: Danger) -> Option<Sink> {
    let kind = match danger.kind {
        DangerKind::Code => Kind::Code,
        DangerKind::Shell => Kind::Shell,
        DangerKind::Program => Kind::Program,
        DangerKind::Deserialisation => Kind::Pickle,
        DangerKind::Network => Kind::Url,
        DangerKind::Reading | DangerKind::Writing | DangerKind::Removal => Kind::Path,
        DangerKind::Sql => Kind::Sql,
        DangerKind::Template => Kind::Template,
        DangerKind::Redirect => Kind::Redirect,
        DangerKind::Import | DangerKind::Reflection | DangerKind::TemporaryName => return None,
    };
    let argument = |index: usize, name: &str| call.positional.get(index).copied().or_else(|| call.keyword(name));
    let whole = |inputs: &[Option<NodeIndex>]| {
        let inputs: Vec<_> = inputs.iter().flatten().map(|&input| (input, Part::Whole)).collect();
        (!inputs.is_empty()).then_some(Sink { kind, inputs })
    };
    match danger.input {
        Input::Nothing => None,
        Input::Document if has_safe_loader(file, call) => None,
        Input::Document => whole(&[argument(0, "stream")]),
        Input::Argument(index, name) | Input::Text(index, name) => whole(&[argument(index, name)]),
        Input::Both((one, first), (other, second)) => whole(&[argument(one, first), argument(other, second)]),
        Input::Page(..)
            if ["content_type", "mimetype", "media_type"].iter().any(|name| call.keyword(name).is_some()) =>
        {
            None
        }
        Input::Page(index, name) => whole(&[argument(index, name)]),
        Input::Url(index, name) if kind == Kind::Redirect => {
            Some(Sink { kind, inputs: vec![(argument(index, name)?, Part::Server)] })
        }
        Input::Url(index, name) => requested(file, call, argument(index, name)),
        Input::Command => {
            let command = argument(0, "args")?;
            let is_shell = call.keyword("shell").is_some_and(|flag| matches!(file.code.node(flag), Node::Flag(true)));
            let (kind, part) = if is_shell { (Kind::Shell, Part::Whole) } else { (Kind::Program, Part::First) };
            Some(Sink { kind, inputs: vec![(command, part)] })
        }
    }
}

fn query(it: &MethodCall<'_, '_>) -> Option<Sink> {
    let MethodCall { file, function, call, outside, receiver } = *it;
    let first = call.positional.first().copied();
    let query = first.or_else(|| call.keyword("sql")).or_else(|| call.keyword("query"))?;
    let is_sql = is_database(outside) || is_cursor(file, receiver) || holds_sql(file, function, query);
    is_sql.then(|| Sink { kind: Kind::Sql, inputs: vec![(query, Part::Whole)] })
}

fn raw_query(it: &MethodCall<'_, '_>) -> Option<Sink> {
    let of_manager =
        matches!(it.file.code.node(it.receiver), Node::Attribute { name, .. } if name.as_str() == "objects");
    let query = it.call.positional.first().copied().or_else(|| it.call.keyword("raw_query"))?;
    of_manager.then(|| Sink { kind: Kind::Sql, inputs: vec![(query, Part::Whole)] })
}

fn template(it: &MethodCall<'_, '_>) -> Option<Sink> {
    let is_environment = |name: &str| name.ends_with("env");
    let of_jinja = it.outside.starts_with("jinja2.") || last_name(it.file, it.receiver).is_some_and(is_environment);
    let first = it.call.positional.first().map(|&first| (first, Part::Whole));
    of_jinja.then(|| Sink { kind: Kind::Template, inputs: first.into_iter().collect() })
}

fn receiver(it: &MethodCall<'_, '_>) -> Option<Sink> {
    Some(Sink { kind: Kind::Path, inputs: vec![(it.receiver, Part::Whole)] })
}

fn path(it: &MethodCall<'_, '_>) -> Option<Sink> {
    receiver(it).filter(|_| it.outside.starts_with("pathlib."))
}

/// An uploaded file that is saved under the name that it came with.
fn upload(it: &MethodCall<'_, '_>) -> Option<Sink> {
    let path = it.call.positional.first().copied().filter(|&path| names_upload(it.file, it.function, path))?;
    Some(Sink { kind: Kind::Path, inputs: vec![(path, Part::Whole)] })
}

fn requested(file: &File<'_>, call: &Call, url: Option<NodeIndex>) -> Option<Sink> {
    let is_unverified = call.keyword("verify").is_some_and(|flag| matches!(file.code.node(flag), Node::Flag(false)));
    if !is_unverified {
        return Some(Sink { kind: Kind::Url, inputs: vec![(url?, Part::Server)] });
    }
    let sent = ["data", "json", "params", "headers", "files", "auth", "content"];
    let sent = sent.iter().filter_map(|name| call.keyword(name));
    let inputs = url.into_iter().chain(sent).map(|input| (input, Part::Whole)).collect();
    Some(Sink { kind: Kind::Unverified, inputs })
}

fn has_safe_loader(file: &File<'_>, call: &Call) -> bool {
    let loader = call.positional.get(1).copied().or_else(|| call.keyword("Loader"));
    loader.is_some_and(|loader| {
        let text = file.slice(file.code.range(loader));
        text.contains("Safe") || text.contains("BaseLoader")
    })
}

/// Packages whose `execute` takes SQL.
fn is_database(outside: &str) -> bool {
    let packages = [
        "sqlite3.",
        "psycopg",
        "MySQLdb.",
        "pymysql.",
        "mysql.",
        "asyncpg.",
        "aiosqlite.",
        "sqlalchemy.",
        "django.db.",
        "duckdb.",
        "oracledb.",
        "cx_Oracle.",
        "pyodbc.",
        "databases.",
        "flask_sqlalchemy.",
    ];
    packages.iter().any(|package| outside.starts_with(package))
}

/// Whether something is called as what runs SQL is called.
fn is_cursor(file: &File<'_>, receiver: NodeIndex) -> bool {
    let Some(name) = last_name(file, receiver) else { return false };
    let name = name.to_lowercase();
    let exact = ["c", "cur", "db", "conn", "con", "engine", "session", "database", "connection", "cursor"];
    exact.contains(&&*name)
        || ["cursor", "_cur", "conn", "connection", "_db", "get_db", "session"].iter().any(|end| name.ends_with(end))
}

/// `c` of `c`, `a.b.c` and `a.b.c()`.
fn last_name(file: &File<'_>, node: NodeIndex) -> Option<&'static str> {
    match file.code.node(node) {
        Node::Name(name) | Node::Attribute { name, .. } => Some(name.as_str()),
        Node::Call(call) => last_name_of_callee(file, call),
        _ => None,
    }
}

fn last_name_of_callee(file: &File<'_>, call: &Call) -> Option<&'static str> {
    match file.code.node(call.callee) {
        Node::Name(name) | Node::Attribute { name, .. } => Some(name.as_str()),
        _ => None,
    }
}

/// Whether a statement of SQL is written in what a value is made of.
fn holds_sql(file: &File<'_>, function: FunctionIndex, node: NodeIndex) -> bool {
    made_of(file, function, node, |node| {
        let Some(text) = file.code.literal(node) else { return false };
        let first = text.trim_start().split([' ', '\n', '\t']).next().unwrap_or_default().to_uppercase();
        matches!(&*first, "SELECT" | "INSERT" | "UPDATE" | "DELETE" | "CREATE" | "DROP" | "ALTER" | "REPLACE" | "WITH")
    })
}

/// Whether the name that an upload came with is in what a value is made of.
fn names_upload(file: &File<'_>, function: FunctionIndex, node: NodeIndex) -> bool {
    made_of(
        file,
        function,
        node,
        |node| matches!(file.code.node(node), Node::Attribute { name, .. } if name.as_str() == "filename"),
    )
}

/// Whether something holds for one of the expressions that a value is made of in its own file.
fn made_of(file: &File<'_>, function: FunctionIndex, node: NodeIndex, is: impl Fn(NodeIndex) -> bool) -> bool {
    let code = &file.code;
    let mut seen = FxHashSet::default();
    let mut pending = vec![(function, node)];
    while let Some((function, node)) = pending.pop() {
        if !seen.insert(node) || seen.len() > MAX_PARTS {
            continue;
        }
        if is(node) {
            return true;
        }
        let mut add = |nodes: &[NodeIndex]| pending.extend(nodes.iter().map(|&node| (function, node)));
        match code.node(node) {
            Node::Text(parts) | Node::Container(parts) | Node::Choice(parts) => add(parts),
            Node::Item(value) | Node::Element(value) | Node::Starred(value) => add(&[*value]),
            Node::Call(call) => {
                add(&call.positional);
                file.method(call).iter().for_each(|(receiver, _)| add(&[*receiver]));
            }
            Node::Name(name) => {
                let values = code.reaching(function, *name, code.range(node)).into_iter();
                pending.extend(values.filter_map(|value| match value {
                    Reaching::Value(function, value, _) => Some((function, value)),
                    Reaching::Parameter(..) => None,
                }));
            }
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use lint::Danger;

    use super::may_be_dangerous;
    use crate::diagnostics::tainted::tests::{check, handler};

    #[test]
    fn what_is_in_the_table_is_looked_into() {
        for name in Danger::names().filter(|name| !name.ends_with(".*")) {
            let last = name.rsplit('.').next().unwrap();
            assert!(may_be_dangerous(last), "{name}");
        }
    }

    #[test]
    fn code() {
        check(&handler("eval(data)  #! high\nexec(data)  #! high\ncompile(data, '', 'exec')  #! high"));
        check(&handler("frame.eval(data)\neval('1', {'x': data})\ncompile('1', data, 'exec')"));
        check(&handler("def eval(x): ...\neval(data)\nimport re\nre.compile(data)"));
    }

    #[test]
    fn shells_and_programs() {
        check(&handler(
            "\
import os, subprocess, asyncio
from subprocess import check_output as output
os.system(data)  #! high
os.popen('ls ' + data)  #! high
subprocess.getoutput(cmd=data)  #! high
subprocess.run(data, shell=True)  #! high
subprocess.run(['sh', '-c', data], shell=True)  #! medium
subprocess.run(args=data)  #! high
subprocess.Popen([data, 'x'])  #! high
output(data.split())  #! high
command = [data]
command.append('x')
subprocess.call(command)  #! high
subprocess.call(command + ['x'])  #! high
os.execvp(data, [data])  #! high
os.execlpe(data, data, {})  #! high
os.spawnle(os.P_WAIT, data, data, {})  #! high
os.spawnlpe(os.P_WAIT, data, data, {})  #! high
os.spawnve(os.P_WAIT, data, [data], {})  #! high
os.spawnvpe(os.P_WAIT, data, [data], {})  #! high
asyncio.create_subprocess_shell(data)  #! high",
        ));
        check(&handler(
            "\
import os, subprocess
subprocess.run(['ls', data])
subprocess.run(['ls', data], shell=False)
command = ['ls']
command.append(data)
command += [data]
subprocess.run(command + [data])
subprocess.run('ls', shell=True, cwd=data, env={'a': data})
os.system('ls')
os.getenv(data)
os.execvp('ls', [data])",
        ));
    }

    #[test]
    fn pickles() {
        check(&handler(
            "\
import pickle, marshal, shelve, yaml, base64, json
pickle.loads(base64.b64decode(data))  #! high
pickle.load(request.files['x'])  #! high
marshal.loads(data)  #! high
shelve.open(data)  #! high
yaml.load(data)  #! high
yaml.load(data, Loader=yaml.Loader)  #! high
yaml.unsafe_load(data)  #! high",
        ));
        check(&handler(
            "\
import pickle, yaml, json
json.loads(data)
yaml.load(data, Loader=yaml.SafeLoader)
yaml.load(data, yaml.CSafeLoader)
yaml.safe_load(data)
pickle.dumps(data)
pickle.loads(b'')
config.load(data)",
        ));
    }

    #[test]
    fn sql() {
        check(&handler(
            "\
import sqlite3
db = sqlite3.connect('x')
db.execute('select ' + data)  #! high
db.cursor().executemany(f'select {data}', [])  #! high
cur.executescript('select %s' % data)  #! high
anything.execute(f'SELECT * FROM {data}')  #! high
query = 'SELECT * FROM '
query += data
anything.execute(query)  #! high
User.objects.raw('select {}'.format(data))  #! high
from sqlalchemy import text
session.execute(text(f'SELECT {data}'))  #! high",
        ));
        check(&handler(
            "\
import sqlite3
from sqlalchemy import select
db = sqlite3.connect('x')
db.execute('select ?', (data,))
db.execute('select :x', {'x': data})
db.execute('select %s' % int(data))
cursor.execute('select %s', [data])
pool.execute(data)
task.execute('run ' + data)
session.execute(select(User).where(User.name == data))
User.objects.raw('select %s', [data])",
        ));
    }

    #[test]
    fn servers() {
        check(&handler(
            "\
import requests, httpx
from urllib.request import urlopen
from urllib.parse import urljoin
requests.get(data)  #! high
requests.request('GET', data)  #! high
httpx.post(url=data)  #! high
requests.Session().get(data)  #! high
urlopen('http://' + data)  #! high
urlopen(f'https://{data}/x')  #! high
urlopen('https://%s/x' % data)  #! high
urlopen('https://{}/x'.format(data))  #! high
requests.get(urljoin('https://a.com', data))  #! high
requests.post('https://a.com', json={'x': data}, verify=False)  #! medium",
        ));
        check(&handler(
            "\
import requests
from urllib.request import urlopen
requests.get('https://a.com/' + data)
requests.get(f'https://a.com/{data}')
requests.get(f'{BASE}/{data}')
requests.get(BASE + data)
requests.get('https://a.com/%s' % data)
requests.get('https://a.com/{}'.format(data))
requests.get('https://a.com', params={'x': data})
requests.post('https://a.com', json={'x': data}, verify=True)
requests.get('https://a.com', verify=False)
cache.get(data)
urlopen('https://a.com', data)",
        ));
    }

    #[test]
    fn paths() {
        check(&handler(
            "\
import os, shutil
from pathlib import Path
from flask import send_file
open(data)  #! high
open(os.path.join('/data', data))  #! high
open(f'/data/{data}.txt', 'w')  #! high
os.remove(data)  #! high
shutil.rmtree('/data/' + data)  #! high
shutil.copy('x', data)  #! high
send_file(data)  #! high
Path(data).read_text()  #! high
(Path('/data') / data).write_bytes(b'')  #! high
path = Path('/data').joinpath(data)
path.read_bytes()  #! high
path.unlink()  #! high
f = request.files['x']
f.save(os.path.join('/data', f.filename))  #! high",
        ));
        check(&handler(
            "\
import os
from werkzeug.utils import secure_filename
from flask import send_from_directory
open('/data')
open('/data', data)
open(os.path.join('/data', secure_filename(data)))
open(os.path.basename(data))
open(f'/data/{int(data)}')
send_from_directory('/data', data)
model.save(data)
f = request.files['x']
f.save(secure_filename(f.filename))
os.path.exists(data)
open(PATHS[data])",
        ));
    }

    #[test]
    fn templates() {
        check(&handler(
            "\
from flask import render_template_string
from jinja2 import Template, Environment
from markupsafe import Markup
from django.utils.safestring import mark_safe
render_template_string('<p>' + data)  #! high
Template(data)  #! high
Environment().from_string(data)  #! high
Markup(f'<p>{data}</p>')  #! high
mark_safe(data)  #! high",
        ));
        check(&handler(
            "\
import html
from flask import render_template, render_template_string
from markupsafe import Markup, escape
render_template('index.html', data=data)
render_template_string('<p>{{ data }}</p>', data=data)
Markup('<p>') + data
Markup(escape(data))
Markup(html.escape(data))
Markup('<p>{}</p>').format(data)
uuid.from_string(data)",
        ));
    }

    #[test]
    fn pages() {
        check(&handler(
            "\
from django.http import HttpResponse
from fastapi.responses import HTMLResponse
from flask import Response, make_response
HttpResponse('<p>' + data)  #! high
HTMLResponse(content=f'<p>{data}</p>', status_code=404)  #! high
Response(data)  #! high
make_response('<p>%s</p>' % data)  #! high",
        ));
        check(&handler(
            "\
import html
from django.http import HttpResponse
from flask import Response, jsonify, make_response, render_template
HttpResponse(data, content_type='text/plain')
HttpResponse(html.escape(data))
HttpResponse(status=404, headers={'x': data})
Response(data, mimetype='text/csv')
make_response(jsonify(data))
make_response(render_template('a.html', x=data))",
        ));
    }

    #[test]
    fn redirects() {
        check(&handler(
            "\
from django.http import HttpResponseRedirect
from django.shortcuts import redirect as go
from flask import redirect
from starlette.responses import RedirectResponse
redirect(data)  #! high
redirect('//' + data)  #! high
go(to=data)  #! high
HttpResponseRedirect(data)  #! high
RedirectResponse(url=f'{data}/home')  #! high",
        ));
        check(&handler(
            "\
from django.utils.http import url_has_allowed_host_and_scheme
from flask import redirect, url_for
redirect('/users/' + data)
redirect(f'https://shop.test/{data}')
redirect(url_for('user', name=data))
redirect(url_for(data))
if not url_has_allowed_host_and_scheme(data, None):
    return
redirect(data)",
        ));
    }
}

//! What a value is made of, within one file: from an expression backwards to where data comes in, to parameters, and to
//! calls of the workspace.

use graph::Name;
use rustc_hash::FxHashSet;
use syntax::TextRange;

use super::code::{Call, Code, FunctionIndex, Node, NodeIndex, Reaching};
use super::program::File;
use super::sinks::Part;
use super::sources::{Source, is_data, of_call, of_value};

/// Expressions that are looked at for one argument.
const MAX_NODES: usize = 2000;

/// Expressions that are made of each other so deep are not followed.
const MAX_DEPTH: u32 = 120;

/// Where a value may come from.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    pub origin: Origin,
    pub part: Part,
    /// Through a container: other elements of it may have been meant.
    pub is_loose: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Origin {
    Source(Source, TextRange),
    /// Read at the range.
    Parameter(FunctionIndex, usize, TextRange),
    /// An attribute of the instance: the class, the attribute.
    Attribute(usize, Name),
    /// What a function of the workspace returns.
    Result(FunctionIndex, NodeIndex),
}

/// What `node` in the code of `function` is made of, as far as `part` of it matters; and how many
/// expressions were looked at.
pub(super) fn trace(file: &File<'_>, function: FunctionIndex, node: NodeIndex, part: Part) -> (Vec<Flow>, usize) {
    let mut trace = Trace { file, seen: FxHashSet::default(), flows: Vec::new() };
    trace.node(Place { function, node, part, is_loose: false, depth: 0 });
    (trace.flows, trace.seen.len())
}

#[derive(Clone, Copy)]
struct Place {
    function: FunctionIndex,
    node: NodeIndex,
    part: Part,
    is_loose: bool,
    depth: u32,
}

impl Place {
    fn at(self, node: NodeIndex) -> Self {
        Place { node, depth: self.depth + 1, ..self }
    }

    fn whole(self, node: NodeIndex) -> Self {
        Place { part: Part::Whole, ..self.at(node) }
    }

    fn loose(self, node: NodeIndex) -> Self {
        Place { is_loose: true, ..self.at(node) }
    }
}

struct Trace<'f, 'a> {
    file: &'f File<'a>,
    seen: FxHashSet<(FunctionIndex, NodeIndex, Part, bool)>,
    flows: Vec<Flow>,
}

impl Trace<'_, '_> {
    fn code(&self) -> &Code {
        &self.file.code
    }

    fn flow(&mut self, place: Place, origin: Origin) {
        self.flows.push(Flow { origin, part: place.part, is_loose: place.is_loose });
    }

    fn node(&mut self, place: Place) {
        let is_new = self.seen.insert((place.function, place.node, place.part, place.is_loose));
        if !is_new || self.seen.len() > MAX_NODES || place.depth > MAX_DEPTH {
            return;
        }
        let file = self.file;
        let range = file.code.range(place.node);
        match file.code.node(place.node) {
            Node::Plain | Node::Literal(_) | Node::Flag(_) => {}
            Node::Imported(name) => {
                if place.part == Part::Request {
                    if file.is_request(place.function, place.node) {
                        self.flow(place, Origin::Source(request(), range));
                    }
                } else if let Some(source) = of_value(name) {
                    self.flow(place, Origin::Source(source, range));
                }
            }
            Node::Name(name) => self.name(place, *name, range),
            Node::Attribute { value, name } => self.attribute(place, *value, *name, range),
            // An element of a command line that somebody took out of it matters as a whole.
            Node::Item(value) | Node::Element(value) | Node::Starred(value) => self.node(place.whole(*value)),
            Node::Call(call) => self.call(place, call, range),
            Node::Text(parts) => self.text(place, parts),
            Node::Container(parts) => match place.part {
                Part::First => parts.iter().take(1).for_each(|&part| self.node(place.whole(part))),
                Part::Request => {}
                Part::Whole | Part::Server | Part::Named(_) => {
                    parts.iter().for_each(|&part| self.node(place.loose(part)))
                }
            },
            Node::Choice(parts) => parts.iter().for_each(|&part| self.node(place.at(part))),
        }
    }

    fn name(&mut self, place: Place, name: Name, range: TextRange) {
        let code = self.code();
        if code.function(place.function).is_guarded(name, range) {
            return;
        }
        for reaching in code.reaching(place.function, name, range) {
            match reaching {
                // What is added to a list does not become its first element.
                Reaching::Value(_, _, true) if place.part == Part::First => {}
                Reaching::Value(function, value, _) => self.node(Place { function, ..place.at(value) }),
                Reaching::Parameter(function, index) => {
                    if !self.code().function(function).is_guarded(name, range) {
                        self.flow(place, Origin::Parameter(function, index, range));
                    }
                }
            }
        }
    }

    fn attribute(&mut self, place: Place, value: NodeIndex, name: Name, range: TextRange) {
        let (file, function) = (self.file, place.function);
        if file.is_request(function, value) {
            if is_data(&name) {
                let what = format!("`{}`", file.slice(range).split_whitespace().collect::<String>());
                self.flow(place, Origin::Source(Source { what, ..request() }, range));
            }
            return;
        }
        if place.part == Part::Request {
            if file.is_request(function, place.node) {
                self.flow(place, Origin::Source(request(), range));
            }
            return;
        }
        if file.is_called_request(function, value) {
            if is_data(&name) {
                self.node(Place { part: Part::Request, ..place.at(value) });
            }
            return;
        }
        if let Some(class) = self.code().receiver(function, value) {
            if file.is_view_data(class, &name) {
                let source = Source { what: format!("`{}`", file.slice(range)), ..request() };
                self.flow(place, Origin::Source(source, range));
            } else {
                self.flow(place, Origin::Attribute(class, name));
            }
            return;
        }
        match file.dotted(function, place.node).and_then(|dotted| of_value(&dotted)) {
            Some(source) => self.flow(place, Origin::Source(source, range)),
            None => self.node(place.whole(value)),
        }
    }

    fn text(&mut self, place: Place, parts: &[NodeIndex]) {
        match place.part {
            Part::Request | Part::Named(_) => {}
            Part::Whole => parts.iter().for_each(|&part| self.node(place.at(part))),
            Part::First => parts.iter().take(1).for_each(|&part| self.node(place.at(part))),
            Part::Server => {
                for &part in parts {
                    match self.code().node(part) {
                        // Behind the scheme comes the server, unless its name begins there.
                        Node::Literal(text) if text.is_empty() || text.ends_with("//") => {}
                        // `"%s/path" % server`
                        Node::Literal(text) if text.starts_with('%') => {}
                        Node::Literal(text) if text.find("//").is_some_and(|at| text[at + 2..].starts_with('%')) => {}
                        Node::Literal(_) => return,
                        _ => return self.node(place.at(part)),
                    }
                }
            }
        }
    }

    fn call(&mut self, place: Place, call: &Call, range: TextRange) {
        let (file, function) = (self.file, place.function);
        if matches!(place.part, Part::Request | Part::Named(_)) {
            return;
        }
        let method = file.method(call);
        if let Some((receiver, name)) = method
            && file.is_called_request(function, receiver)
        {
            // `request.get_json()`: data as any attribute.
            if is_data(name) {
                self.node(place.at(call.callee));
            }
            return;
        }
        let Some(outside) = file.outside(function, call) else {
            if is_cleaning(file.slice(call.token)) {
                return;
            }
            self.flow(place, Origin::Result(function, place.node));
            return;
        };
        if let Some(source) = of_call(&outside) {
            self.flow(place, Origin::Source(source, range));
            return;
        }
        if let Some(passed) = passed_on(&outside) {
            let arguments = match passed {
                Passed::First => call.positional.get(..1).unwrap_or_default().to_vec(),
                Passed::Second => call.positional.get(1..2).unwrap_or_default().to_vec(),
                Passed::All => all(call),
            };
            let keeps_part =
                matches!(outside.as_str(), "str" | "list" | "tuple" | "shlex.split" | "urllib.parse.urljoin");
            for argument in arguments {
                self.node(if keeps_part { place.at(argument) } else { place.whole(argument) });
            }
            return;
        }
        if outside == "re.sub" {
            // A pattern that says what may stay leaves nothing else.
            let pattern = call.positional.first().and_then(|&pattern| self.code().literal(pattern));
            let is_list = pattern.is_none_or(|it| it.contains("[^") || it.contains("\\W") || it.contains("\\D"));
            if let (false, Some(&text)) = (is_list, call.positional.get(2)) {
                self.node(place.whole(text));
            }
            return;
        }
        let Some((receiver, name)) = method else { return };
        if !KEEPING.contains(&name) {
            return;
        }
        let is_text = matches!(self.code().node(receiver), Node::Literal(_) | Node::Text(_) | Node::Name(_))
            || outside.starts_with("str.");
        match name {
            // `", ".join(values)`, `"…".format(values)`
            "join" if is_text => all(call).into_iter().for_each(|argument| self.node(place.whole(argument))),
            "joinpath" | "with_name" => all(call).into_iter().for_each(|argument| self.node(place.whole(argument))),
            "format" | "format_map" | "substitute" | "safe_substitute" if is_text => {
                self.formatted(place, receiver, call);
                return;
            }
            _ => {}
        }
        self.node(place.at(receiver));
    }

    fn formatted(&mut self, place: Place, receiver: NodeIndex, call: &Call) {
        let template = self.code().literal(receiver);
        if place.part == Part::Server && template.is_some_and(|text| !text.starts_with('{') && !text.contains("//{")) {
            return;
        }
        all(call).into_iter().for_each(|argument| self.node(place.whole(argument)));
        self.node(place.at(receiver));
    }
}

fn request() -> Source {
    Source { what: "the request".to_owned(), is_own: false, is_segment: false }
}

fn all(call: &Call) -> Vec<NodeIndex> {
    call.positional.iter().copied().chain(call.keywords.iter().map(|(_, value)| *value)).collect()
}

/// Which arguments a function of a library gives back in its result.
enum Passed {
    First,
    Second,
    All,
}

fn passed_on(outside: &str) -> Option<Passed> {
    if let Some(function) = outside.strip_prefix("os.path.").or_else(|| outside.strip_prefix("posixpath.")) {
        return match function {
            "join" => Some(Passed::All),
            "abspath" | "normpath" | "realpath" | "expanduser" | "expandvars" | "dirname" | "splitext" | "split" => {
                Some(Passed::First)
            }
            _ => None,
        };
    }
    match outside {
        "str" | "bytes" | "bytearray" | "repr" | "ascii" | "format" | "list" | "tuple" | "set" | "frozenset"
        | "dict" | "sorted" | "reversed" | "iter" | "next" | "enumerate" | "getattr" | "vars" | "memoryview" => {
            Some(Passed::First)
        }
        "os.fspath" | "os.fsdecode" | "os.fsencode" | "copy.copy" | "copy.deepcopy" | "dataclasses.asdict" => {
            Some(Passed::First)
        }
        "json.loads" | "json.load" | "json.dumps" | "shlex.split" | "textwrap.dedent" | "io.BytesIO"
        | "io.StringIO" => Some(Passed::First),
        "urllib.parse.unquote"
        | "urllib.parse.unquote_plus"
        | "urllib.parse.parse_qs"
        | "urllib.parse.parse_qsl"
        | "urllib.parse.urlparse"
        | "urllib.parse.urlsplit"
        | "urllib.parse.urlunparse"
        | "urllib.request.Request"
        | "sqlalchemy.text"
        | "sqlalchemy.sql.text"
        | "sqlalchemy.sql.expression.text" => Some(Passed::First),
        "base64.b64decode"
        | "base64.urlsafe_b64decode"
        | "base64.standard_b64decode"
        | "base64.b32decode"
        | "base64.b16decode"
        | "base64.decodebytes"
        | "binascii.unhexlify"
        | "binascii.a2b_base64"
        | "codecs.decode"
        | "codecs.encode"
        | "zlib.decompress"
        | "gzip.decompress"
        | "bz2.decompress"
        | "lzma.decompress"
        | "urllib.parse.unquote_to_bytes" => Some(Passed::First),
        "urllib.parse.urljoin"
        | "zip"
        | "itertools.chain"
        | "max"
        | "min"
        | "pathlib.Path"
        | "pathlib.PurePath"
        | "pathlib.PosixPath"
        | "pathlib.PurePosixPath"
        | "pathlib.WindowsPath" => Some(Passed::All),
        "typing.cast" | "filter" => Some(Passed::Second),
        _ => None,
    }
}

/// Functions of the workspace that say in their name that what they return is safe.
fn is_cleaning(name: &str) -> bool {
    let name = name.to_lowercase();
    ["safe", "secure", "sanitize", "sanitise", "escape", "quote", "validate", "clean"]
        .iter()
        .any(|word| name.contains(word) && !name.contains("unsafe") && !name.contains("unescape"))
}

/// Methods of texts, containers, files and paths whose result holds what the receiver holds. Whatever has other methods is
/// an object that a framework has made, and what it gives is its own.
const KEEPING: &[&str] = &[
    "strip",
    "lstrip",
    "rstrip",
    "lower",
    "upper",
    "title",
    "capitalize",
    "casefold",
    "swapcase",
    "replace",
    "translate",
    "split",
    "rsplit",
    "splitlines",
    "partition",
    "rpartition",
    "removeprefix",
    "removesuffix",
    "zfill",
    "ljust",
    "rjust",
    "center",
    "expandtabs",
    "format",
    "format_map",
    "join",
    "encode",
    "decode",
    "get",
    "getlist",
    "get_list",
    "getall",
    "getone",
    "getfirst",
    "get_all",
    "items",
    "values",
    "keys",
    "pop",
    "popitem",
    "setdefault",
    "copy",
    "to_dict",
    "dict",
    "model_dump",
    "lists",
    "read",
    "readline",
    "readlines",
    "getvalue",
    "chunks",
    "tobytes",
    "hex",
    "resolve",
    "absolute",
    "expanduser",
    "joinpath",
    "with_name",
    "with_suffix",
    "as_posix",
    "relative_to",
    "geturl",
    "json",
    "text",
    "body",
    "form",
    "substitute",
    "safe_substitute",
    "first",
    "group",
    "groups",
    "__getitem__",
    "__str__",
    "unicode_string",
];

//! Functions that are called from outside of the program: they answer requests, or are commands.

use std::rc::Rc;

use graph::ParamKind;

use super::code::{Call, FunctionIndex, Node, NodeIndex};
use super::program::{File, Program};
use super::sources::{Source, is_request_name};

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
            let is_argument = |call: &Call| {
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

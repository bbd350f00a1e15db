//! Python code that a model wrote, and the function in it that was asked for.

use syntax::ast::helpers::{body_without_leading_docstring, is_docstring_stmt};
use syntax::ast::statement_visitor::{StatementVisitor, walk_body, walk_stmt};
use syntax::ast::token::TokenKind;
use syntax::ast::{Expr, Stmt, StmtClassDef, StmtFunctionDef};
use syntax::{Parsed, Ranged, TextRange, TextSize, parse};

use super::Refusal;
use super::layout::{after_comment, line_start, own_line_indent};

/// A function and where it stands.
pub(super) struct Function<'a> {
    /// Names from the outermost definition inwards, its own last.
    pub path: Vec<&'a str>,
    /// The class whose body it is in.
    pub class: Option<&'a StmtClassDef>,
    pub node: &'a StmtFunctionDef,
}

/// All functions in `body`, nested ones included, in source order.
pub(super) fn functions(body: &[Stmt]) -> Vec<Function<'_>> {
    struct Search<'a> {
        path: Vec<&'a str>,
        class: Option<&'a StmtClassDef>,
        found: Vec<Function<'a>>,
    }
    impl<'a> StatementVisitor<'a> for Search<'a> {
        fn visit_stmt(&mut self, stmt: &'a Stmt) {
            let (name, class) = match stmt {
                Stmt::FunctionDef(node) => (node.name.as_str(), None),
                Stmt::ClassDef(node) => (node.name.as_str(), Some(node)),
                _ => return walk_stmt(self, stmt),
            };
            self.path.push(name);
            if let Stmt::FunctionDef(node) = stmt {
                self.found.push(Function { path: self.path.clone(), class: self.class, node });
            }
            let around = std::mem::replace(&mut self.class, class);
            walk_stmt(self, stmt);
            self.class = around;
            self.path.pop();
        }
    }
    let mut search = Search { path: Vec::new(), class: None, found: Vec::new() };
    walk_body(&mut search, body);
    search.found
}

/// Where the parts of a function stand.
pub(super) struct Parts<'a> {
    /// The end of the colon before the body.
    pub colon: TextSize,
    pub docstring: Option<TextRange>,
    /// The body without the docstring; may be empty.
    pub rest: &'a [Stmt],
}

impl<'a> Parts<'a> {
    pub fn of(function: &'a StmtFunctionDef, parsed: &Parsed) -> Parts<'a> {
        let head = function.returns.as_ref().map_or(function.parameters.end(), |returns| returns.end());
        // A parsed function has a colon and a body; where the parser made them up, an empty header does no harm.
        let first = function.body.first().map_or(function.end(), Ranged::start);
        let header = TextRange::new(head, first.max(head));
        let mut tokens = parsed.tokens().iter().filter(|token| header.contains_range(token.range()));
        let colon = tokens.find(|token| token.kind() == TokenKind::Colon).map_or(head, |token| token.end());
        let docstring = function.body.first().filter(|first| is_docstring_stmt(first)).map(Ranged::range);
        Parts { colon, docstring, rest: body_without_leading_docstring(&function.body) }
    }

    /// Where the docstring or, without one, the header ends.
    pub fn head_end(&self) -> TextSize {
        self.docstring.map_or(self.colon, |docstring| docstring.end())
    }
}

/// Code that a model sent, parsed.
pub(super) struct Reply {
    text: String,
    parsed: Parsed,
    /// Whether the code was indented and had to be put below an `if True:` to be Python.
    wrapped: bool,
}

/// What will become the body of a function.
pub(super) struct Body<'a> {
    pub statements: &'a [Stmt],
    /// The statements with the comments before and behind them.
    pub range: TextRange,
    /// Import statements that the reply has outside the function.
    pub imports: Vec<&'a Stmt>,
}

impl Reply {
    /// Reads `code`, which may be indented as a whole, or but for its first line.
    pub fn parse(code: &str) -> Result<Reply, Refusal> {
        let code = code.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
        let code = code.trim_matches('\n');
        if code.trim().is_empty() {
            return Err(Refusal::StillStub);
        }
        let code = without_dangling_decorators(code);
        let plain = parse(code);
        let errors = plain.errors();
        let Some(error) = errors.first() else {
            return Ok(Reply { text: format!("{code}\n"), parsed: parse(&format!("{code}\n")), wrapped: false });
        };
        let tail = code.lines().skip(1).filter(|line| !line.trim().is_empty());
        let tail_indent =
            tail.map(|line| &line[..line.len() - line.trim_start().len()]).min_by_key(|indent| indent.len());
        for indent in ["", tail_indent.unwrap_or("")] {
            let text = format!("if True:\n{indent}{code}\n");
            let parsed = parse(&text);
            if !parsed.has_errors() {
                return Ok(Reply { text, parsed, wrapped: true });
            }
        }
        let line = code[..error.range.start().to_usize().min(code.len())].matches('\n').count() as u32 + 1;
        Err(Refusal::Syntax { line, message: error.message.clone() })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn parsed(&self) -> &Parsed {
        &self.parsed
    }

    pub fn statements(&self) -> &[Stmt] {
        match self.parsed.statements() {
            [Stmt::If(wrapper)] if self.wrapped => &wrapper.body,
            statements => statements,
        }
    }

    /// The body that the reply gives to `target`: of the definition with its name, or all of the reply if it is nothing
    /// but a body. `becomes_async` says whether it may be `async` where `target` is not.
    pub fn body_for(&self, target: &Function<'_>, becomes_async: bool) -> Result<Body<'_>, Refusal> {
        let all = functions(self.statements());
        let decorators = |node: &StmtFunctionDef| -> Vec<String> {
            node.decorator_list.iter().map(|decorator| dotted(&decorator.expression)).collect()
        };
        let wanted = decorators(target.node);
        let same = all.iter().filter(|it| target.path.ends_with(&it.path) || it.path.ends_with(&target.path));
        // A property has up to three functions of one name, an overloaded function even more.
        let best = same.max_by_key(|it| {
            let own = decorators(it.node);
            (it.path.len().min(target.path.len()), own == wanted, !own.iter().any(|name| name.ends_with("overload")))
        });
        match best {
            Some(found) if found.node.is_async && !target.node.is_async && !becomes_async => Err(Refusal::Async),
            Some(found) if takes_others(found.node, target.node) => {
                let (own, wanted) = (parameters(found.node).join(", "), parameters(target.node).join(", "));
                let message = format!("the code's function takes ({own}), the one to be written ({wanted})");
                Err(Refusal::Unfit { code: "other-parameters", message })
            }
            Some(found) => self.body(&found.node.body, Parts::of(found.node, &self.parsed), Some(target.node)),
            None if all.is_empty() || returns_outside_functions(self.statements()) => {
                let statements = self.statements();
                let docstring = statements.first().filter(|first| is_docstring_stmt(first)).map(Ranged::range);
                let colon = if self.wrapped { TextSize::of("if True:") } else { TextSize::new(0) };
                let rest = body_without_leading_docstring(statements);
                self.body(statements, Parts { colon, docstring, rest }, None)
            }
            None => {
                let name = target.path.join(".");
                let found = all.iter().map(|it| it.path.join(".")).take(8).collect();
                Err(Refusal::NoSuchFunction { name, found })
            }
        }
    }

    /// `target` is the function that is meant, where the reply has it as a whole.
    fn body<'a>(
        &'a self,
        all: &'a [Stmt],
        parts: Parts<'a>,
        target: Option<&StmtFunctionDef>,
    ) -> Result<Body<'a>, Refusal> {
        let (Some(first), Some(last)) = (parts.rest.first(), parts.rest.last()) else { return Err(Refusal::StillStub) };
        if is_stub(all) && !target.is_some_and(|target| is_meant_to_do_nothing(target, first)) {
            return Err(Refusal::StillStub);
        }
        let start = if own_line_indent(&self.text, first.start()).is_none() {
            first.start()
        } else if parts.head_end() == TextSize::new(0) {
            parts.head_end()
        } else {
            let rest = &self.text[parts.head_end().to_usize()..];
            let next_line = rest.find('\n').map_or(rest.len(), |at| at + 1);
            (parts.head_end() + TextSize::of(&rest[..next_line])).min(line_start(&self.text, first.start()))
        };
        let range = TextRange::new(start, after_comment(&self.text, last.end()));
        let is_import = |stmt: &&Stmt| matches!(stmt, Stmt::Import(_) | Stmt::ImportFrom(_));
        let imports = if target.is_some() { self.statements().iter().filter(is_import).collect() } else { Vec::new() };
        Ok(Body { statements: parts.rest, range, imports })
    }
}

/// Whether a function is one whose body may stay as empty as `body` is: what others override, as its docstring or its decorators
/// say.
fn is_meant_to_do_nothing(function: &StmtFunctionDef, body: &Stmt) -> bool {
    let is_abstract = function.decorator_list.iter().any(|it| dotted(&it.expression).ends_with("abstractmethod"));
    let docstring = function.body.first().and_then(|first| first.as_expr_stmt()?.value.as_string_literal_expr());
    let docstring = docstring.map(|it| it.value.to_str().to_lowercase()).unwrap_or_default();
    let says = |words: &[&str]| words.iter().any(|word| docstring.contains(word));
    let is_overridden = says(&["overrid", "subclass", "abstract", "implementers", "hook"]);
    match body {
        Stmt::Raise(_) => is_overridden || says(&["notimplementederror", "not supported", "unsupported"]),
        _ => is_abstract || is_overridden || says(&["does nothing", "do nothing", "no-op", "noop", "placeholder"]),
    }
}

/// Whether a reply's function lacks a parameter of the one that is meant, or needs one more: its body was written for another.
fn takes_others(own: &StmtFunctionDef, wanted: &StmtFunctionDef) -> bool {
    let names = parameters(own);
    let is_receiver = |name: &String| matches!(name.as_str(), "self" | "cls");
    let lacks = parameters(wanted).iter().any(|name| !is_receiver(name) && !names.contains(name));
    let known = parameters(wanted);
    let required = own.parameters.iter_non_variadic_params().filter(|it| it.default.is_none());
    lacks || { required }.map(|it| it.name().to_string()).any(|name| !is_receiver(&name) && !known.contains(&name))
}

/// The names of parameters, in their order, with their stars.
fn parameters(function: &StmtFunctionDef) -> Vec<String> {
    let parameters = &function.parameters;
    let plain = parameters.iter_non_variadic_params().map(|it| it.name().to_string());
    let starred = parameters.vararg.iter().map(|it| format!("*{}", it.name));
    let named = parameters.kwarg.iter().map(|it| format!("**{}", it.name));
    plain.chain(starred).chain(named).collect()
}

/// Code that was cut off behind decorators of something that does not come.
fn without_dangling_decorators(code: &str) -> &str {
    let mut code = code;
    while let Some((rest, last)) = code.trim_end().rsplit_once('\n')
        && last.trim_start().starts_with('@')
        && !last.contains('(')
    {
        code = rest;
    }
    code
}

/// Whether a body does nothing yet: a docstring, `...`, `pass`, `raise NotImplementedError`.
pub(super) fn is_stub(body: &[Stmt]) -> bool {
    body_without_leading_docstring(body).iter().all(|stmt| match stmt {
        Stmt::Pass(_) => true,
        Stmt::Expr(stmt) => stmt.value.is_ellipsis_literal_expr(),
        Stmt::Raise(stmt) => stmt.exc.as_deref().is_some_and(|exception| {
            let exception = exception.as_call_expr().map_or(exception, |call| &call.func);
            // `NotImplemented` is the value that operators answer with; raised, it is meant for the other.
            matches!(dotted(exception).as_str(), "NotImplementedError" | "NotImplemented")
        }),
        _ => false,
    })
}

/// `a.b` as text; the callee for a call; nothing for what is not a name.
pub(super) fn dotted(expr: &Expr) -> String {
    match expr {
        Expr::Name(name) => name.id.to_string(),
        Expr::Attribute(attribute) => format!("{}.{}", dotted(&attribute.value), attribute.attr),
        Expr::Call(call) => dotted(&call.func),
        _ => String::new(),
    }
}

fn returns_outside_functions(body: &[Stmt]) -> bool {
    struct Search(bool);
    impl StatementVisitor<'_> for Search {
        fn visit_stmt(&mut self, stmt: &Stmt) {
            match stmt {
                Stmt::Return(_) => self.0 = true,
                Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
                _ => walk_stmt(self, stmt),
            }
        }
    }
    let mut search = Search(false);
    walk_body(&mut search, body);
    search.0
}

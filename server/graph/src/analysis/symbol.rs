//! A view of one definition.

use syntax::{TextRange, ast};

use super::Analysis;
use crate::types::{Def, Unit};
use crate::{Flags, Param, ParamKind, SymbolId, SymbolKind};

/// What is known of a definition from its own text. Ranges are in the file's current text, also for definitions that a
/// half-typed text has lost: then they are those of the last good text and only good for showing.
#[derive(Clone, Copy, Debug)]
pub struct Symbol<'a> {
    analysis: &'a Analysis,
    def: Def,
    pub id: SymbolId,
    pub kind: SymbolKind,
    /// `<lambda1>` for lambdas; a module's last part.
    pub name: &'a str,
    pub parent: Option<SymbolId>,
    /// The whole definition with its decorators; the statement for variables.
    pub range: TextRange,
    pub name_range: TextRange,
    /// The statements of a function or class, docstring included.
    pub body: Option<TextRange>,
    /// From `def` or `class` to the colon; the statement for variables.
    pub header: TextRange,
    /// Cleaned as `inspect.cleandoc` does.
    pub docstring: Option<&'a str>,
    pub docstring_range: Option<TextRange>,
    pub params: &'a [Param],
    /// The annotation of the result.
    pub returns: Option<TextRange>,
    pub decorators: &'a [TextRange],
    pub flags: Flags,
    /// Cyclomatic complexity; zero for what has no code.
    pub complexity: u32,
}

impl<'a> Symbol<'a> {
    pub(super) fn new(analysis: &'a Analysis, def: Def) -> Self {
        let facts = analysis.symbol_facts(def);
        let name = match facts.kind {
            SymbolKind::Module => {
                let name = analysis.module_name(def.unit.file);
                name.rsplit('.').next().unwrap_or(name)
            }
            _ => facts.name.as_str(),
        };
        Symbol {
            analysis,
            def,
            id: analysis.id(def),
            kind: facts.kind,
            name,
            parent: facts.parent.map(|parent| analysis.parent_id(def.unit, parent)),
            range: facts.range,
            name_range: facts.name_range,
            body: facts.body,
            header: facts.header,
            docstring: facts.docstring.as_ref().map(|docstring| &*docstring.text),
            docstring_range: facts.docstring.as_ref().map(|docstring| docstring.range),
            params: &facts.params,
            returns: facts.returns,
            decorators: &facts.decorators,
            flags: facts.flags,
            complexity: facts.complexity,
        }
    }

    /// Whether the definition is lost in a text that does not parse, and stands in from before.
    pub fn is_retained(&self) -> bool {
        self.def.unit.retained
    }

    /// `Class.method`; empty for a module.
    pub fn local_name(&self) -> String {
        self.analysis.snapshot.world().summary(self.def.unit).local_name(self.def.symbol)
    }

    /// `package.module.Class.method`.
    pub fn qualified_name(&self) -> String {
        let module = self.analysis.module_name(self.def.unit.file);
        match self.kind {
            SymbolKind::Module => module.to_owned(),
            _ => format!("{module}.{}", self.local_name()),
        }
    }

    /// What it says to those who use it though it is `@deprecated`; empty where it gives no reason.
    pub fn deprecation(&self) -> Option<String> {
        if !self.flags.is_deprecated {
            return None;
        }
        let source = self.analysis.source(self.def.unit.file);
        let texts = self.decorators.iter().map(|&decorator| source.slice(decorator));
        Some(texts.filter_map(reason).next().unwrap_or_default())
    }

    /// The header on one line, without its colon: `def f(a: int, *, b=1) -> str`.
    pub fn signature(&self) -> String {
        if self.kind == SymbolKind::Module {
            return format!("module {}", self.qualified_name());
        }
        if self.is_retained() {
            return self.lost_signature();
        }
        let text = self.analysis.source(self.def.unit.file).slice(self.header);
        let line = one_line(text);
        line.strip_suffix(':').map_or(line.clone(), |line| line.trim_end().to_owned())
    }

    /// The text is gone; names and kinds of the parameters are left.
    fn lost_signature(&self) -> String {
        if self.kind == SymbolKind::Class {
            return format!("class {}", self.name);
        }
        let params: Vec<String> = self
            .params
            .iter()
            .map(|param| match param.kind {
                ParamKind::VarArgs => format!("*{}", param.name),
                ParamKind::KwArgs => format!("**{}", param.name),
                _ if param.has_default => format!("{}=...", param.name),
                _ => param.name.to_string(),
            })
            .collect();
        format!("def {}({})", self.name, params.join(", "))
    }
}

/// The first text that `@deprecated(…)` is given.
fn reason(decorator: &str) -> Option<String> {
    let decorator = decorator.trim_start_matches('@');
    let parsed = syntax::parse(decorator);
    let [ast::Stmt::Expr(statement)] = parsed.statements() else { return None };
    let ast::Expr::Call(call) = &*statement.value else { return None };
    let name = match &*call.func {
        ast::Expr::Name(name) => &name.id,
        ast::Expr::Attribute(attribute) => &attribute.attr.id,
        _ => return None,
    };
    let arguments = call.arguments.args.iter().chain(call.arguments.keywords.iter().map(|keyword| &keyword.value));
    let mut texts = arguments.filter_map(|argument| match argument {
        ast::Expr::StringLiteral(text) => Some(text.value.to_str().split_whitespace().collect::<Vec<_>>().join(" ")),
        _ => None,
    });
    texts.next().filter(|_| name.as_str() == "deprecated")
}

impl Analysis {
    fn parent_id(&self, unit: Unit, parent: crate::summary::SymbolIndex) -> SymbolId {
        let def = Def { unit, symbol: parent };
        match self.snapshot.symbol_id(def) {
            Some(id) => id,
            // A lost method whose class is still there: the class by its path.
            None => {
                let path = self.symbol_facts(def).path;
                let live = self.facts(unit.file).and_then(|facts| {
                    let index = facts.summary.symbols.iter().position(|symbol| symbol.path == path)?;
                    let symbol = crate::summary::SymbolIndex(index as u32);
                    self.snapshot.symbol_id(Def { unit: Unit::live(unit.file), symbol })
                });
                live.unwrap_or_else(|| self.module(unit.file))
            }
        }
    }
}

/// Joins the lines of a header and drops its comments.
fn one_line(text: &str) -> String {
    if !text.contains('\n') {
        return text.trim().to_owned();
    }
    let lines = text.lines().map(|line| match line.rfind(" #") {
        Some(comment) if !line[comment..].contains(['"', '\'']) => line[..comment].trim(),
        _ => line.trim(),
    });
    let joined = lines.filter(|line| !line.is_empty() && !line.starts_with('#')).collect::<Vec<_>>().join(" ");
    joined.replace("( ", "(").replace(", )", ")").replace(" )", ")")
}

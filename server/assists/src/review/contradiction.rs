//! Claims that the graph knows to be wrong: that a name is not defined that is, that arguments do not fit that do, that
//! something is not used that is.
//!
//! Only what is said flatly is refuted. "`x` may be unbound if the list is empty" speaks of a path through the code, of which
//! the graph's look-up of names says nothing.

use std::ops::Range;

use graph::{Analysis, FileId, Meaning, SymbolId, Target};
use syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use syntax::ast::{Expr, Stmt};
use syntax::{Ranged, TextRange, TextSize};

use ide::tree::with_tree_of;
use ide::wording::{count, place};

/// A name is said not to be there.
const ABSENT: &[&str] = &[
    "is not defined",
    "isn't defined",
    "are not defined",
    "not defined anywhere",
    "is never defined",
    "is undefined",
    "undefined name",
    "undefined variable",
    "undefined function",
    "undefined class",
    "is not imported",
    "isn't imported",
    "never imported",
    "not been imported",
    "missing import",
    "import is missing",
    "is not declared",
    "is undeclared",
];

/// Arguments are said not to fit.
const MISFIT: &[&str] = &[
    "too many arguments",
    "too few arguments",
    "not enough arguments",
    "wrong number of arguments",
    "incorrect number of arguments",
    "wrong number of positional",
    "too many positional",
    "missing argument",
    "missing required argument",
    "missing a required argument",
    "missing required positional",
    "missing positional",
    "missing the required",
    "unexpected keyword",
    "unexpected argument",
    "positional argument but",
    "positional arguments but",
    "does not accept",
    "doesn't accept",
];

/// Something is said to have no use.
const UNUSED: &[&str] = &[
    "is unused",
    "is never used",
    "is not used",
    "isn't used",
    "never accessed",
    "unused variable",
    "unused import",
    "unused parameter",
    "unused argument",
    "unused function",
    "is never called",
    "is not called",
];

/// What is said of some paths only, or of the value rather than of the name.
const CONDITIONAL: &[&str] = &[
    " if ",
    " when ",
    " unless ",
    "may ",
    "might ",
    "could ",
    "possibly",
    "potentially",
    "sometimes",
    "unbound",
    "before assignment",
    "otherwise",
    "branch",
    "in case",
    "is none",
    "shadow",
];

/// What is about a result and not about who gives it.
const OF_VALUE: &[&str] = &["result", "return value", "returned", "value of", "output of", "correctly", "properly"];

/// What the graph knows that `message`, about the code at `range`, denies.
pub(super) fn find(analysis: &Analysis, file: FileId, range: TextRange, message: &str) -> Option<String> {
    let lower = message.to_lowercase();
    // Lower case has other lengths in some scripts, and then places would be wrong.
    if lower.len() != message.len() || CONDITIONAL.iter().any(|word| lower.contains(word)) {
        return None;
    }
    let said = |phrases: &[&str]| phrases.iter().filter_map(|it| Some((lower.find(it)?, it.len()))).min();
    let code = Cited { analysis, file, range: whole_lines(analysis, file, range) };
    if let Some((at, length)) = said(ABSENT)
        && let Some(fact) = code.is_there(code.subject(message, at..at + length)?)
    {
        return Some(fact);
    }
    if let Some((at, length)) = said(MISFIT)
        && let Some(fact) = code.fits(code.subject(message, at..at + length))
    {
        return Some(fact);
    }
    if let Some((at, length)) = said(UNUSED).filter(|_| !OF_VALUE.iter().any(|word| lower.contains(word))) {
        return code.is_used(code.subject(message, at..at + length)?);
    }
    None
}

/// The lines that a claim is about.
struct Cited<'a> {
    analysis: &'a Analysis,
    file: FileId,
    range: TextRange,
}

impl Cited<'_> {
    /// The name that is the subject of the phrase at `phrase`: the last one before it that the lines have, else the first
    /// behind it. Names in quotation marks come first.
    fn subject<'m>(&self, message: &'m str, phrase: Range<usize>) -> Option<&'m str> {
        let quoted = quoted_names(message);
        let words = || words(message).collect::<Vec<_>>();
        let pick = |names: &[(usize, &'m str)]| {
            let is_here = |(_, name): &&(usize, &'m str)| !self.places(name).is_empty();
            let before = names.iter().filter(|(at, _)| *at < phrase.start).rfind(is_here);
            before.or_else(|| names.iter().filter(|(at, _)| *at >= phrase.end).find(is_here)).map(|(_, name)| *name)
        };
        if quoted.is_empty() { pick(&words()) } else { pick(&quoted) }
    }

    /// Where the identifier `name` stands.
    fn places(&self, name: &str) -> Vec<TextRange> {
        let text = self.analysis.source(self.file).slice(self.range);
        let found = text.match_indices(name).filter_map(|(at, _)| {
            // An offset into a text, whose offsets fit.
            let range = TextRange::at(self.range.start() + TextSize::new(at as u32), TextSize::of(name));
            self.analysis.name_at(self.file, range.start()).filter(|it| *it == range)
        });
        found.collect()
    }

    /// That `name` is defined wherever it stands.
    fn is_there(&self, name: &str) -> Option<String> {
        let analysis = self.analysis;
        let undefined = analysis.undefined_names(self.file);
        let mut place = None;
        for range in self.places(name) {
            if undefined.iter().any(|(other, _)| *other == range) {
                return None;
            }
            place = Some(self.definition(range)?);
        }
        Some(format!("`{name}` is defined: {}", place?))
    }

    /// Where what stands at `range` is defined; `None` if that is not known.
    fn definition(&self, range: TextRange) -> Option<String> {
        let analysis = self.analysis;
        let target = analysis.targets(self.file, range.start()).into_iter().next();
        match target {
            Some(Target::Symbol(id, _)) => Some(place(analysis, id.file, analysis.symbol(id).name_range.start())),
            Some(Target::Local { file, range, .. }) => Some(place(analysis, file, range.start())),
            // What comes from outside the workspace is known by its name alone.
            Some(Target::External(_)) | None if self.is_attribute(range) => None,
            Some(Target::External(name)) => Some(format!("it is `{name}`")),
            None => match analysis.meaning_at(self.file, range.start()) {
                Some(Meaning::External(name)) => Some(format!("it is `{name}`")),
                Some(Meaning::Module(file)) => Some(place(analysis, file, TextSize::new(0))),
                _ => None,
            },
        }
    }

    fn is_attribute(&self, range: TextRange) -> bool {
        let before = self.analysis.source(self.file).slice(TextRange::up_to(range.start()));
        before.trim_end().ends_with('.')
    }

    /// That the calls of `name`, else all calls, are known to fit.
    fn fits(&self, name: Option<&str>) -> Option<String> {
        let analysis = self.analysis;
        let incompatible = analysis.incompatible_calls(self.file);
        let mut calls = self.calls();
        if let Some(name) = name
            && calls.iter().any(|call| analysis.source(self.file).slice(call.name) == name)
        {
            calls.retain(|call| analysis.source(self.file).slice(call.name) == name);
        }
        let mut signature = None;
        for call in calls {
            let callee = analysis.called_at(self.file, call.name.start()).into_iter().next();
            let is_judged = !call.is_starred && !incompatible.iter().any(|it| it.range == call.name);
            let (callee, _) = callee.filter(|_| is_judged)?;
            signature = Some(analysis.symbol(callee).signature());
        }
        Some(format!("the arguments fit `{}`", signature?))
    }

    fn calls(&self) -> Vec<Call> {
        let look = |parsed: &syntax::Parsed| {
            let mut calls = Calls { within: self.range, found: Vec::new() };
            calls.visit_body(parsed.statements());
            calls.found
        };
        with_tree_of(self.analysis, self.file, look).unwrap_or_default()
    }

    /// That `name` is read somewhere.
    fn is_used(&self, name: &str) -> Option<String> {
        let analysis = self.analysis;
        let range = *self.places(name).first()?;
        let used =
            |file: FileId, offset: TextSize| Some(format!("`{name}` is used at {}", place(analysis, file, offset)));
        let definition = analysis.targets(self.file, range.start()).into_iter().find_map(|target| match target {
            Target::Symbol(id, _) => Some(id),
            _ => None,
        });
        if let Some(id) = definition {
            let sites =
                analysis.references(id).into_iter().filter(|site| !site.write && !is_within(analysis, site.within, id));
            let imports = |file: FileId| analysis.imports(file).into_iter().map(|import| import.range);
            let site = sites.into_iter().find(|site| !imports(site.file).any(|import| import == site.range));
            if let Some(site) = site {
                return used(site.file, site.range.start());
            }
        }
        let reads: Vec<TextRange> = analysis
            .highlights(self.file, range.start())
            .into_iter()
            .filter(|(other, is_bound)| !is_bound && !self.is_import(*other))
            .map(|(other, _)| other)
            .collect();
        // Of what calls itself, that is no use.
        let read = reads.into_iter().find(|read| {
            definition.is_none_or(|id| id.file != self.file || !analysis.symbol(id).range.contains_range(*read))
        });
        let used_at = used(self.file, read?.start())?;
        let times =
            count(analysis.highlights(self.file, range.start()).iter().filter(|(_, bound)| !bound).count(), "time");
        Some(format!("{used_at} ({times} in this file)"))
    }

    fn is_import(&self, range: TextRange) -> bool {
        self.analysis.imports(self.file).iter().any(|import| import.range.contains_range(range))
    }
}

fn is_within(analysis: &Analysis, inner: SymbolId, outer: SymbolId) -> bool {
    std::iter::successors(Some(inner), |&at| analysis.symbol(at).parent).any(|at| at == outer)
}

/// A call, by the token of its callee's name.
struct Call {
    name: TextRange,
    /// What is passed on as `*args` or `**kwargs` nobody counts.
    is_starred: bool,
}

struct Calls {
    within: TextRange,
    found: Vec<Call>,
}

impl<'a> Visitor<'a> for Calls {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        if stmt.range().intersect(self.within).is_some() {
            walk_stmt(self, stmt);
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Call(call) = expr {
            let name = match &*call.func {
                Expr::Name(name) => Some(name.range),
                Expr::Attribute(attribute) => Some(attribute.attr.range),
                _ => None,
            };
            let arguments = &call.arguments;
            let is_starred = arguments.args.iter().any(Expr::is_starred_expr)
                || arguments.keywords.iter().any(|keyword| keyword.arg.is_none());
            if let Some(name) = name.filter(|name| self.within.contains_range(*name)) {
                self.found.push(Call { name, is_starred });
            }
        }
        walk_expr(self, expr);
    }
}

fn whole_lines(analysis: &Analysis, file: FileId, range: TextRange) -> TextRange {
    let source = analysis.source(file);
    let line = |offset| source.lines().line_range(source.lines().line(offset), source.text());
    line(range.start()).cover(line(range.end()))
}

/// Names in backticks or quotation marks, without what they are attributes of, and without the brackets of a call.
fn quoted_names(message: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for mark in ['`', '\'', '"'] {
        let parts: Vec<(usize, &str)> = message
            .split(mark)
            .scan(0, |at, part| {
                let start = *at;
                *at += part.len() + mark.len_utf8();
                Some((start, part))
            })
            .collect();
        // What stands between an opening and a closing one; the last part has no end.
        for &(start, part) in parts.iter().skip(1).step_by(2).take((parts.len() - 1) / 2) {
            let name = part.split('(').next().unwrap_or_default();
            let last = name.rsplit('.').next().unwrap_or_default();
            if is_identifier(last) {
                found.push((start + name.len() - last.len(), last));
            }
        }
    }
    found.sort_unstable();
    found
}

fn words(message: &str) -> impl Iterator<Item = (usize, &str)> {
    let base = message.as_ptr().addr();
    let words = message.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| is_identifier(word));
    words.map(move |word| (word.as_ptr().addr() - base, word))
}

fn is_identifier(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && characters.all(|c| c.is_alphanumeric() || c == '_')
}

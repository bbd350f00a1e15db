//! What a file uses of libraries, as far as its text alone tells what that is: the way from an import to a use.
//!
//! A way is certain: each name on it is bound once, values go through calls, attributes, annotations and `with` only.

use rustc_hash::{FxHashMap, FxHashSet};
use syntax::{TextRange, TextSize};

use super::Analysis;
use crate::eval::{Evaluator, is_builtin};
use crate::modules::ModuleRef;
use crate::summary::{
    Arguments, BindingIndex, BindingValue, CallKind, Expr, ExprIndex, ImportIndex, Occurs, ScopeIndex, ScopeKind,
    Summary, SymbolIndex,
};
use crate::types::{Def, Unit, Value};
use crate::{FileId, Name};

/// The way from a module outside the workspace to a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct OutsidePath {
    /// Dotted.
    pub module: Name,
    pub steps: Vec<Step>,
}

/// One step of a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Step {
    Member(Name),
    /// What calling it gives.
    Call,
    /// An instance of the class.
    Instance,
}

/// What in the workspace may make true what a library does not offer: what is assigned to anywhere, what tests replace, what a
/// class that derives from a library's has. Each name is looked for once, however often a file uses it.
pub(crate) struct Offers<'a> {
    analysis: &'a Analysis,
    file: FileId,
    /// Names in quotes in the file, as `setattr` and `hasattr` have them.
    quoted: FxHashSet<&'a str>,
    /// Names of attributes that the file assigns to.
    assigned: FxHashSet<Name>,
    known: FxHashMap<OutsideUse, bool>,
}

impl<'a> Offers<'a> {
    pub(crate) fn of(analysis: &'a Analysis, file: FileId) -> Self {
        let text = analysis.source(file).text();
        let assigned = analysis.facts(file).into_iter().flat_map(|facts| facts.summary.assigned_attributes());
        let known = FxHashMap::default();
        Offers { analysis, file, quoted: quoted_names(text), assigned: assigned.collect(), known }
    }

    pub(crate) fn may_be_offered(&mut self, used: &OutsideUse) -> bool {
        if let Some(&known) = self.known.get(used) {
            return known;
        }
        let is_offered = match (&used.kind, used.path.steps.last()) {
            (OutsideUseKind::Module | OutsideUseKind::Import, _) => false,
            (_, Some(Step::Member(name))) => self.analysis.may_be_more(&used.path) || self.may_be_set(*name),
            _ => self.analysis.may_be_more(&used.path),
        };
        self.known.insert(used.clone(), is_offered);
        is_offered
    }

    fn may_be_set(&self, name: Name) -> bool {
        self.quoted.contains(name.as_str())
            || self.assigned.contains(&name)
            || self.analysis.is_assigned_outside_of(name, Some(self.file))
    }
}

/// The names that stand in quotes, each between two of a kind.
fn quoted_names(text: &str) -> FxHashSet<&str> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let quotes = text.match_indices(['\'', '"']);
    let quoted = quotes.filter_map(|(at, quote)| {
        let rest = &text[at + 1..];
        let name = &rest[..rest.find(|c| !is_part(c))?];
        rest[name.len()..].starts_with(quote).then_some(name)
    });
    quoted.filter(|name| !name.is_empty()).collect()
}

/// A use of a library: a question that has the same answer wherever it is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct OutsideUse {
    pub path: OutsidePath,
    pub kind: OutsideUseKind,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum OutsideUseKind {
    /// `import a.b`, or the `a.b` of `from a.b import name`.
    Module,
    /// `from module import name`
    Import,
    Member,
    /// How many values are given, and under which names; see [`Arguments::shape`].
    Call(Arguments),
}

const BUILT_INS: &str = "builtins";

/// Longer ways are those of generated code.
const MAX_STEPS: usize = 16;

impl OutsidePath {
    /// The top-level package.
    fn package(&self) -> &str {
        first(&self.module)
    }

    fn then(mut self, step: Step) -> Option<Self> {
        self.steps.push(step);
        (self.steps.len() <= MAX_STEPS).then_some(self)
    }
}

impl Analysis {
    /// The uses of libraries in a file, each with the place of the last name of its path. Imports whose failure is expected are
    /// left out.
    pub(crate) fn outside_uses(&self, file: FileId) -> Vec<(TextRange, OutsideUse)> {
        let Some(facts) = self.facts(file) else { return Vec::new() };
        let summary = &*facts.summary;
        if !summary.errors.is_empty() {
            return Vec::new();
        }
        let mut paths = Paths::of_file(self, file, summary);
        let mut found = Vec::new();
        for import in &summary.imports {
            if import.level == 0
                && !import.is_optional
                && import.module.contains('.')
                && paths.is_outside(import.module)
            {
                let path = OutsidePath { module: import.module, steps: Vec::new() };
                found.push((import.range, OutsideUse { path, kind: OutsideUseKind::Module }));
            }
            let Some(name) = import.name.filter(|_| import.level == 0 && !import.is_star() && !import.is_optional)
            else {
                continue;
            };
            if paths.is_outside(import.module) {
                let path = OutsidePath { module: import.module, steps: vec![Step::Member(name)] };
                found.push((import.range, OutsideUse { path, kind: OutsideUseKind::Import }));
            }
        }
        for occurrence in &summary.occurrences {
            let Occurs::Load(expr) = occurrence.what() else { continue };
            let Expr::Attribute { name, .. } = *summary.expr(expr) else { continue };
            if name.is_empty() || name.starts_with("__") {
                continue;
            }
            if let Some(path) = paths.of(expr) {
                found.push((occurrence.range, OutsideUse { path, kind: OutsideUseKind::Member }));
            }
        }
        for call in &summary.calls {
            if call.kind == CallKind::Call
                && !call.arguments.unpacks()
                && let Some(path) = paths.of(call.callee)
            {
                found.push((call.range, OutsideUse { path, kind: OutsideUseKind::Call(call.arguments.shape()) }));
            }
        }
        found
    }

    /// The way to the name at a place, where it comes from outside.
    pub(crate) fn outside_path(&self, file: FileId, offset: TextSize) -> Option<OutsidePath> {
        let Occurs::Load(expr) = self.occurrence(file, offset)?.what() else { return None };
        let summary = &*self.facts(file)?.summary;
        Paths::of_file(self, file, summary).of(expr)
    }

    /// Whether what an annotation calls an instance of a library's class may be one of a class of the workspace, which derives
    /// from it and has the member that the way goes on to.
    fn may_be_more(&self, path: &OutsidePath) -> bool {
        let steps = path.steps.windows(2);
        let mut members = steps.filter_map(|pair| match pair {
            [Step::Instance, Step::Member(name)] => Some(*name),
            _ => None,
        });
        path.module.as_str() != BUILT_INS && members.any(|name| self.is_member_of_a_derived_class(name, path.package()))
    }

    /// Whether a class of the workspace that derives from one of the library `package` has a member of this name.
    fn is_member_of_a_derived_class(&self, name: Name, package: &str) -> bool {
        let mut evaluator = self.evaluator();
        let files = self.files().filter(|&file| self.facts(file).is_some_and(|it| it.summary.mentions(name)));
        files.into_iter().any(|file| {
            let unit = Unit::live(file);
            let summary = self.snapshot.world().summary(unit);
            (0..).map(SymbolIndex).zip(&summary.symbols).any(|(index, symbol)| {
                let is_bound = symbol.scope.is_some_and(|scope| summary.scope(scope).names.contains_key(&name));
                let is_set = symbol.class.as_ref().is_some_and(|class| class.attributes.contains_key(&name));
                symbol.class.is_some()
                    && (is_bound || is_set)
                    && self.derives_from_library(&mut evaluator, Def { unit, symbol: index }, package)
            })
        })
    }

    fn derives_from_library(&self, evaluator: &mut Evaluator<'_>, class: Def, package: &str) -> bool {
        evaluator.mro(class).classes.iter().any(|class| {
            let bases = self.symbol_facts(*class).class.iter().flat_map(|facts| &facts.bases);
            bases.into_iter().any(|&base| {
                let values = evaluator.eval(class.unit, base);
                values.iter().any(|typed| matches!(&typed.value, Value::External(path) if first(path) == package))
            })
        })
    }
}

/// The ways of one file.
struct Paths<'a> {
    evaluator: Evaluator<'a>,
    unit: Unit,
    summary: &'a Summary,
    hides_names: bool,
    known: FxHashMap<ExprIndex, Option<OutsidePath>>,
}

impl<'a> Paths<'a> {
    fn of_file(analysis: &'a Analysis, file: FileId, summary: &'a Summary) -> Self {
        Paths {
            evaluator: analysis.evaluator(),
            unit: Unit::live(file),
            summary,
            hides_names: analysis.hides_names(file),
            known: FxHashMap::default(),
        }
    }

    fn is_outside(&mut self, module: Name) -> bool {
        let found = self.evaluator.module(self.unit.file, module, 0);
        !module.is_empty() && matches!(found, None | Some(ModuleRef::External))
    }

    /// `None` where it is not certain, or does not begin outside.
    fn of(&mut self, expr: ExprIndex) -> Option<OutsidePath> {
        if let Some(known) = self.known.get(&expr) {
            return known.clone();
        }
        // What is asked for again on the way goes in a circle.
        self.known.insert(expr, None);
        let path = self.compute(expr);
        self.known.insert(expr, path.clone());
        path
    }

    fn compute(&mut self, expr: ExprIndex) -> Option<OutsidePath> {
        match self.summary.expr(expr) {
            Expr::Local(bindings) => match bindings[..] {
                [binding] => self.of_binding(binding),
                _ => None,
            },
            Expr::Free { scope, name } => self.of_free(*scope, *name),
            // A literal.
            Expr::Builtin(name) if name.as_str() != "None" => built_in(*name).then(Step::Instance),
            Expr::Attribute { value, name } => self.of(*value)?.then(Step::Member(*name)),
            Expr::Call(call) => self.of(self.summary.call(*call).callee)?.then(Step::Call),
            Expr::InstanceOf(class) => self.of(*class)?.then(Step::Instance),
            Expr::Recent { value, .. } => self.of(*value),
            Expr::Entered(value) => {
                let entered = self.of(*value)?.then(Step::Member(Name::new("__enter__")))?;
                entered.then(Step::Call)
            }
            _ => None,
        }
    }

    fn of_free(&mut self, scope: ScopeIndex, name: Name) -> Option<OutsidePath> {
        let facts = self.summary.visible_from(scope).find(|facts| facts.names.contains_key(&name));
        match facts {
            Some(facts) => match facts.names.get(&name)?[..] {
                // Functions see what a class or function around them binds later, too.
                [binding] => self.of_binding(binding),
                _ => None,
            },
            None => (is_builtin(&name) && !self.hides_names).then(|| built_in(name)),
        }
    }

    fn of_binding(&mut self, binding: BindingIndex) -> Option<OutsidePath> {
        let facts = self.summary.binding(binding);
        match &facts.value {
            BindingValue::Import(import) => self.of_import(*import),
            BindingValue::Value(value) => {
                let scope = self.summary.scope(facts.scope);
                // `global` may bind it once more elsewhere; a class body's names are attributes that others assign to.
                let is_plain = matches!(scope.kind, ScopeKind::Function | ScopeKind::Module | ScopeKind::Comprehension);
                if is_plain { self.of(*value) } else { None }
            }
            BindingValue::Parameter { annotation: Some(annotation), .. } => self.of(*annotation),
            BindingValue::Parameter { annotation: None, .. }
            | BindingValue::Definition(_)
            | BindingValue::Join(_)
            | BindingValue::Narrowed { .. } => None,
        }
    }

    fn of_import(&mut self, import: ImportIndex) -> Option<OutsidePath> {
        let facts = self.summary.import(import);
        if facts.level != 0 || facts.is_optional || facts.is_star() || !self.is_outside(facts.module) {
            return None;
        }
        Some(match facts.name {
            Some(name) => OutsidePath { module: facts.module, steps: vec![Step::Member(name)] },
            None if facts.renamed => OutsidePath { module: facts.module, steps: Vec::new() },
            None => OutsidePath { module: Name::new(first(&facts.module)), steps: Vec::new() },
        })
    }
}

fn first(dotted: &str) -> &str {
    dotted.split('.').next().unwrap_or_default()
}

fn built_in(name: Name) -> OutsidePath {
    OutsidePath { module: Name::new(BUILT_INS), steps: vec![Step::Member(name)] }
}

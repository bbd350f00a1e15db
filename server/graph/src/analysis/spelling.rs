//! Every place where a variable is written by its name, and what another name would collide with.

use rustc_hash::FxHashSet;
use syntax::TextRange;

use super::Analysis;
use super::meaning::Meaning;
use super::variables::{Family, Owner, Variable, scopes_from};
use crate::eval::Evaluator;
use crate::link::CallLink;
use crate::summary::{Expr, Occurrence, Occurs, ScopeIndex, ScopeKind, Summary};
use crate::types::{Def, Unit};
use crate::{FileId, Name, SymbolId};

/// A place where a name is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spelled {
    pub file: FileId,
    /// The name; empty at the end of an imported name for [`Spelling::Imported`].
    pub range: TextRange,
    pub how: Spelling,
}

/// How sure it is that a name stands for a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    Certain,
    /// An import binds the variable under the name of something else: another name needs an `as`.
    Imported,
    Doubtful(Doubt),
}

/// Why it is not known whether a name stands for a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// An attribute of a value that is not known.
    UnknownReceiver,
    /// It may stand for something else as well.
    Several,
    /// The class that is known of the value does not have it, but a subclass does.
    Subclass,
    /// An argument of a call whose callee is not known.
    UnknownCallee,
    /// The call passes `**`: the argument may be in there.
    Unpacked,
    /// `import name.module`
    DottedImport,
}

/// What another name would collide with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collision {
    pub file: FileId,
    pub range: TextRange,
    pub kind: CollisionKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CollisionKind {
    /// The name is bound there, in the same scope.
    Taken,
    /// A use of the variable would mean what is bound there.
    Captured,
    /// The use there would mean the variable.
    Captures,
}

struct Seen {
    file: FileId,
    occurrence: Occurrence,
    meaning: Meaning,
    /// For an imported name that is not given another: what it binds.
    binds: Option<Variable>,
}

impl Analysis {
    /// Every place where one of `variables`, which all have one name, is written by this name. Variables that imports make
    /// of them under the same name are added to `variables`.
    pub fn spelled(&self, variables: &mut Vec<Variable>, family: &Family) -> Vec<Spelled> {
        let Some(name) = variables.first().map(|variable| variable.name) else { return Vec::new() };
        let mut evaluator = self.evaluator();
        let mut wanted: FxHashSet<Variable> = variables.iter().copied().collect();
        let is_local = variables.iter().all(|&variable| matches!(self.owner(variable), Owner::Function));
        let mut seen = Vec::new();
        for file in self.files() {
            let Some(facts) = self.facts(file) else { continue };
            let is_home = variables.iter().any(|variable| variable.file == file);
            if is_home || !is_local && facts.summary.mentions(name) {
                self.see(&mut evaluator, file, &facts.summary, name, &mut seen);
            }
        }
        let hits = |meaning: &Meaning, wanted: &FxHashSet<Variable>| match meaning {
            Meaning::Variables(found) => found.iter().filter(|variable| wanted.contains(variable)).count(),
            _ => 0,
        };
        loop {
            let before = wanted.len();
            let bound = seen.iter().filter(|seen| hits(&seen.meaning, &wanted) > 0).filter_map(|seen| seen.binds);
            let bound: Vec<Variable> = bound.collect();
            wanted.extend(bound);
            if wanted.len() == before {
                break;
            }
        }
        let mut sites = Vec::new();
        for Seen { file, occurrence, meaning, binds } in &seen {
            let mut add = |range, how| sites.push(Spelled { file: *file, range, how });
            let range = occurrence.range;
            let all = if let Meaning::Variables(found) = meaning { found.len() } else { 0 };
            let hit = hits(meaning, &wanted);
            let is_bound = binds.is_some_and(|bound| wanted.contains(&bound));
            if hit > 0 {
                add(range, if hit == all { Spelling::Certain } else { Spelling::Doubtful(Doubt::Several) });
            } else if is_bound {
                let summary = self.snapshot.world().summary(Unit::live(*file));
                match occurrence.what() {
                    Occurs::Import(import)
                        if !summary.import(import).module.contains('.') || summary.import(import).name.is_some() =>
                    {
                        add(TextRange::empty(range.end()), Spelling::Imported);
                    }
                    _ => add(range, Spelling::Doubtful(Doubt::DottedImport)),
                }
            } else if let Some(doubt) = self.doubt(*file, *occurrence, meaning, &wanted, family) {
                add(range, Spelling::Doubtful(doubt));
            }
        }
        for &variable in &wanted {
            self.unpacked(variable, &mut sites);
        }
        *variables = wanted.into_iter().collect();
        variables.sort_unstable();
        sites.sort_by_key(|site: &Spelled| (self.path(site.file), site.range.start()));
        sites.dedup();
        sites
    }

    /// The places in a file where `name` is written, with what each stands for.
    fn see(&self, evaluator: &mut Evaluator<'_>, file: FileId, summary: &Summary, name: Name, seen: &mut Vec<Seen>) {
        for &occurrence in &summary.occurrences {
            let mut binds = None;
            let is_candidate = match occurrence.what() {
                Occurs::ImportedModule(_) => false,
                Occurs::Import(import) => {
                    let facts = summary.import(import);
                    if facts.name != Some(name) && facts.name.is_some() && !facts.renamed {
                        continue;
                    }
                    let bound = self.bound_by(file, import);
                    if facts.renamed && occurrence.range != facts.range {
                        bound.is_some_and(|bound| bound.name == name)
                    } else {
                        binds = bound.filter(|bound| !facts.renamed && bound.name == name);
                        facts.name == Some(name) || binds.is_some()
                    }
                }
                what => summary.occurring_name(what) == Some(name),
            };
            if is_candidate {
                let meaning = self.meaning(evaluator, file, occurrence);
                seen.push(Seen { file, occurrence, meaning, binds });
            }
        }
    }

    /// Whether a name that is not known to stand for any of `wanted` may do so.
    fn doubt(
        &self,
        file: FileId,
        occurrence: Occurrence,
        meaning: &Meaning,
        wanted: &FxHashSet<Variable>,
        family: &Family,
    ) -> Option<Doubt> {
        let summary = self.snapshot.world().summary(Unit::live(file));
        if let Occurs::Keyword(keyword) = occurrence.what() {
            let callee = summary.call(summary.keyword(keyword).call).callee;
            let callee = summary.occurring_name(Occurs::Load(callee))?;
            let is_called_so = |variable: &Variable| match self.owner(*variable) {
                Owner::Parameter { function, by_name: true } => self.may_be_called(function, callee),
                Owner::Class(class) => self.symbol(class).name == callee.as_str(),
                _ => false,
            };
            let is_unknown = *meaning == Meaning::Unknown;
            // Object-relational mappers and the like take the names of fields as those of arguments.
            let has_foreign_base = family.external_base.is_some_and(|base| base.contains('.'));
            let may_be_field = wanted.iter().any(|variable| matches!(self.owner(*variable), Owner::Class(_)));
            if has_foreign_base && may_be_field && (is_unknown || matches!(meaning, Meaning::External(_))) {
                return Some(Doubt::UnknownCallee);
            }
            return (is_unknown && wanted.iter().any(is_called_so)).then_some(Doubt::UnknownCallee);
        }
        if family.classes.is_empty() || !is_attribute(summary, occurrence.what()) {
            return None;
        }
        match meaning {
            // `__name` is another name in every class.
            Meaning::Unknown if is_private(wanted.iter().next()?.name.as_str()) => {
                let at_home = family
                    .classes
                    .iter()
                    .any(|&class| class.file == file && self.symbol(class).range.contains_range(occurrence.range));
                at_home.then_some(Doubt::UnknownReceiver)
            }
            Meaning::Unknown => Some(Doubt::UnknownReceiver),
            Meaning::Missing(classes) => {
                let has_heir = |&class: &SymbolId| {
                    let (mut below, mut done) = (vec![class], FxHashSet::default());
                    while let Some(subclass) = below.pop() {
                        if family.classes.contains(&subclass) {
                            return true;
                        }
                        if done.insert(subclass) {
                            below.extend(self.subclasses(subclass));
                        }
                    }
                    false
                };
                classes.iter().any(has_heir).then_some(Doubt::Subclass)
            }
            Meaning::Variables(_) | Meaning::Module(_) | Meaning::External(_) => None,
        }
    }

    fn may_be_called(&self, function: SymbolId, callee: Name) -> bool {
        let view = self.symbol(function);
        let class = view.parent.map(|parent| self.symbol(parent).name);
        view.name == callee.as_str() || matches!(view.name, "__init__" | "__new__") && class == Some(callee.as_str())
    }

    /// The calls of a parameter's function that pass `**`.
    fn unpacked(&self, variable: Variable, sites: &mut Vec<Spelled>) {
        let Owner::Parameter { function, by_name: true } = self.owner(variable) else { return };
        for file in self.sources(function.file) {
            let Some(facts) = self.facts(file) else { continue };
            for (call, link) in facts.summary.calls.iter().zip(&self.snapshot.links[file.index()].calls) {
                if call.arguments.double_star().is_some()
                    && let CallLink::Edges(edges) = link
                    && edges.iter().any(|edge| edge.target == function)
                {
                    sites.push(Spelled { file, range: call.range, how: Spelling::Doubtful(Doubt::Unpacked) });
                }
            }
        }
    }

    /// What would collide if `variables`, written at `sites`, were called `name`.
    pub fn collisions(&self, variables: &[Variable], family: &Family, sites: &[Spelled], name: Name) -> Vec<Collision> {
        let mut found = Vec::new();
        let mut evaluator = self.evaluator();
        for &class in &family.classes {
            let Some(def) = self.snapshot.def(class) else { continue };
            if let Meaning::Variables(taken) = self.class_variable(&mut evaluator, def, 0, name) {
                found.extend(taken.into_iter().filter_map(|taken| self.collision(taken, CollisionKind::Taken)));
            }
        }
        for variable in variables {
            let taken = Variable { name, ..*variable };
            found.extend(self.collision(taken, CollisionKind::Taken));
            let Some(facts) = self.facts(variable.file) else { continue };
            self.captured_uses(variable, &facts.summary, name, &mut found);
        }
        let mut files: Vec<FileId> = sites.iter().map(|site| site.file).collect();
        files.dedup();
        for file in files {
            let Some(facts) = self.facts(file) else { continue };
            let here: FxHashSet<TextRange> =
                sites.iter().filter(|site| site.file == file).map(|site| site.range).collect();
            self.capturing_scopes(file, &facts.summary, variables, &here, name, &mut found);
        }
        found.sort_by_key(|collision| (self.path(collision.file), collision.range.start()));
        found.dedup();
        found
    }

    fn collision(&self, taken: Variable, kind: CollisionKind) -> Option<Collision> {
        Some(Collision { file: taken.file, range: self.bound_at(taken)?, kind })
    }

    /// Uses of `name` that would find the variable before what they mean now.
    fn captured_uses(&self, variable: &Variable, summary: &Summary, name: Name, found: &mut Vec<Collision>) {
        let home = summary.scope(variable.scope).kind;
        for occurrence in &summary.occurrences {
            if summary.occurring_name(occurrence.what()) != Some(name) {
                continue;
            }
            let (Occurs::Load(expr) | Occurs::Mention(expr)) = occurrence.what() else { continue };
            let is_captured = match summary.expr(expr) {
                Expr::Free { scope, .. } => {
                    let binds = |index: ScopeIndex| summary.scope(index).names.contains_key(&name);
                    let mut around = scopes_from(summary, *scope);
                    around.find(|&index| index == variable.scope || binds(index)) == Some(variable.scope)
                }
                // Where exactly a comprehension reaches is not known here.
                Expr::Local(bindings) => {
                    home == ScopeKind::Comprehension
                        && bindings.first().is_some_and(|&binding| {
                            let scope = summary.joined(binding).first().map(|&leaf| summary.binding(leaf).scope);
                            scope.is_some_and(|scope| scopes_from(summary, variable.scope).any(|it| it == scope))
                        })
                }
                _ => false,
            };
            if is_captured {
                let kind = CollisionKind::Captures;
                found.push(Collision { file: variable.file, range: occurrence.range, kind });
            }
        }
    }

    /// Scopes between a use of a variable and its own that bind `name`.
    fn capturing_scopes(
        &self,
        file: FileId,
        summary: &Summary,
        variables: &[Variable],
        sites: &FxHashSet<TextRange>,
        name: Name,
        found: &mut Vec<Collision>,
    ) {
        let mut scopes = FxHashSet::default();
        let is_home = |scope| variables.iter().any(|variable| variable.file == file && variable.scope == scope);
        for occurrence in summary.occurrences.iter().filter(|it| sites.contains(&it.range)) {
            let (Occurs::Load(expr) | Occurs::Mention(expr)) = occurrence.what() else { continue };
            if let Expr::Free { scope, .. } = *summary.expr(expr) {
                scopes.extend(scopes_from(summary, scope).take_while(|&scope| !is_home(scope)));
            }
        }
        // Names of a function are seen in its comprehensions, whose reach is not known here.
        let comprehensions = (0..summary.scopes.len()).map(|index| ScopeIndex(index as u32)).filter(|&index| {
            summary.scope(index).kind == ScopeKind::Comprehension && scopes_from(summary, index).skip(1).any(is_home)
        });
        scopes.extend(comprehensions);
        for scope in scopes {
            let taken = Variable { file, scope, name };
            if summary.scope(scope).names.contains_key(&name) {
                found.extend(self.collision(taken, CollisionKind::Captured));
            }
        }
    }

    /// The class around a place, for which names with two leading underscores are private.
    pub fn class_around(&self, file: FileId, offset: syntax::TextSize) -> Option<SymbolId> {
        let mut around = Some(self.enclosing(file, offset));
        while let Some(symbol) = around {
            let def: Def = self.snapshot.def(symbol)?;
            if self.symbol_facts(def).class.is_some() {
                return Some(symbol);
            }
            around = self.symbol(symbol).parent;
        }
        None
    }
}

/// Whether Python changes the name inside of classes.
pub fn is_private(name: &str) -> bool {
    name.starts_with("__") && !name.ends_with("__")
}

fn is_attribute(summary: &Summary, what: Occurs) -> bool {
    match what {
        Occurs::Load(expr) => matches!(summary.expr(expr), Expr::Attribute { .. }),
        Occurs::StoreAttribute(_) => true,
        _ => false,
    }
}

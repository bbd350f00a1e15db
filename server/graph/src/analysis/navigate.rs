//! From a place in the text to what it means, and back.

use rustc_hash::FxHashSet;
use syntax::{TextRange, TextSize};

use super::{Analysis, Meaning, Owner, Variable};
use crate::eval::{Evaluator, Referent};
use crate::summary::{BindingValue, Expr, Occurrence, Occurs, Summary, SymbolIndex};
use crate::types::{Def, Unit};
use crate::{Confidence, EdgeKind, FileId, Name, SymbolId};

/// What a name refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Symbol(SymbolId, Confidence),
    /// A local variable or parameter, by the range that binds it.
    Local {
        file: FileId,
        range: TextRange,
        parameter: bool,
    },
    /// Outside the workspace, by its dotted name.
    External(String),
}

/// A use of a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    pub file: FileId,
    /// The identifier.
    pub range: TextRange,
    /// The innermost definition around it.
    pub within: SymbolId,
    pub confidence: Confidence,
    pub write: bool,
}

/// Remembers, while it is asked, what it found out on the way; see [`Analysis::resolver`].
pub struct Resolver<'a> {
    analysis: &'a Analysis,
    file: FileId,
    evaluator: Evaluator<'a>,
}

impl Resolver<'_> {
    /// What the name at a place refers to.
    pub fn targets(&mut self, offset: TextSize) -> Vec<Target> {
        let Resolver { analysis, file, ref mut evaluator } = *self;
        let Some(occurrence) = analysis.occurrence(file, offset) else { return Vec::new() };
        if let Occurs::Keyword(_) = occurrence.what() {
            return analysis.argument_targets(analysis.meaning(evaluator, file, occurrence));
        }
        let referents = evaluator.referents(Unit::live(file), occurrence.what());
        let several = referents.len() > 1;
        referents.into_iter().map(|(referent, inferred)| analysis.target(referent, inferred, several)).collect()
    }
}

impl Analysis {
    /// The identifier at a place; its end counts as well.
    pub fn name_at(&self, file: FileId, offset: TextSize) -> Option<TextRange> {
        self.occurrence(file, offset).map(|occurrence| occurrence.range)
    }

    pub(super) fn occurrence(&self, file: FileId, offset: TextSize) -> Option<Occurrence> {
        let occurrences = &self.facts(file)?.summary.occurrences;
        let after = occurrences.partition_point(|occurrence| occurrence.range.start() <= offset);
        // Names do not overlap, but what an import binds may lie in the name that it imports.
        let near = occurrences[..after].iter().rev().take(4);
        near.filter(|occurrence| occurrence.range.contains_inclusive(offset))
            .min_by_key(|occurrence| occurrence.range.len())
            .copied()
    }

    /// What the name at a place refers to.
    pub fn targets(&self, file: FileId, offset: TextSize) -> Vec<Target> {
        self.resolver(file).targets(offset)
    }

    /// For many questions about one file.
    pub fn resolver(&self, file: FileId) -> Resolver<'_> {
        Resolver { analysis: self, file, evaluator: self.evaluator() }
    }

    /// The parameters or fields that an argument is for.
    fn argument_targets(&self, meaning: Meaning) -> Vec<Target> {
        let Meaning::Variables(variables) = meaning else { return Vec::new() };
        let several = variables.len() > 1;
        let target = |variable: Variable| match self.owner(variable) {
            Owner::Class(class) => {
                let member = self.own_member(class, variable.name)?;
                Some(Target::Symbol(member, confidence(true, several)))
            }
            _ => Some(Target::Local { file: variable.file, range: self.bound_at(variable)?, parameter: true }),
        };
        variables.into_iter().filter_map(target).collect()
    }

    fn target(&self, referent: Referent, inferred: bool, several: bool) -> Target {
        match referent {
            Referent::Definition(def) => Target::Symbol(self.id(def), confidence(inferred, several)),
            Referent::Local(unit, binding) => {
                let facts = self.snapshot.world().summary(unit).binding(binding);
                let parameter = matches!(facts.value, BindingValue::Parameter { .. });
                Target::Local { file: unit.file, range: facts.range, parameter }
            }
            Referent::External(name) => Target::External(name.to_string()),
        }
    }

    /// Classes of the workspace that the name at a place may be, or be an instance of; then those of what such a value
    /// holds or returns.
    pub fn types_at(&self, file: FileId, offset: TextSize) -> (Vec<SymbolId>, Vec<SymbolId>) {
        let (mut own, mut held) = (Vec::new(), Vec::new());
        let Some(occurrence) = self.occurrence(file, offset) else { return (own, held) };
        let unit = Unit::live(file);
        let mut evaluator = self.evaluator();
        let types = match occurrence.what() {
            Occurs::Load(expr) | Occurs::StoreAttribute(expr) => evaluator.eval(unit, expr),
            Occurs::Store(binding) => evaluator.binding(unit, binding),
            _ => return (own, held),
        };
        self.classes_of(&types, &mut own);
        self.classes_in(&types, &mut held);
        held.retain(|class| !own.contains(class));
        (own, held)
    }

    /// Every use of a definition in the workspace, the definition itself left out; sorted by path and offset.
    pub fn references(&self, id: SymbolId) -> Vec<Site> {
        let mut sites = self.uses(id, Summary::mentions);
        self.called_sites(id, &mut sites);
        self.in_order(sites)
    }

    /// The uses of a function or class in files where it may be handed on as a value, calls of it included; sorted by path and
    /// offset. Most functions are only ever called: then none of the files is looked into.
    pub fn references_where_handed_on(&self, id: SymbolId) -> Vec<Site> {
        self.in_order(self.uses(id, Summary::hands_on))
    }

    fn in_order(&self, mut sites: Vec<Site>) -> Vec<Site> {
        sites.sort_by_key(|site| (self.snapshot.rank_of(site.file), site.range.start(), site.confidence));
        sites.dedup_by_key(|site| (site.file, site.range));
        sites
    }

    /// In no order.
    fn uses(&self, id: SymbolId, is_candidate: impl Fn(&Summary, Name) -> bool) -> Vec<Site> {
        let Some(def) = self.snapshot.def(id) else { return Vec::new() };
        let mut sites = Vec::new();
        let mut evaluator = self.evaluator();
        let mut seen: FxHashSet<Name> = FxHashSet::default();
        let facts = self.symbol_facts(def);
        let name = if def.symbol == SymbolIndex::MODULE { Name::new(self.symbol(id).name) } else { facts.name };
        let mut names = vec![name];
        // An import may give the definition another name, under which it is used and imported again.
        while let Some(name) = names.pop() {
            if !seen.insert(name) {
                continue;
            }
            for (index, facts) in self.snapshot.files.iter().enumerate() {
                let Some(facts) = facts else { continue };
                let (file, summary) = (FileId(index as u32), &facts.summary);
                // A module is also mentioned inside dotted names, which are one occurrence.
                if is_candidate(summary, name) || def.symbol == SymbolIndex::MODULE {
                    self.sites_in(&mut evaluator, file, summary, def, name, &mut sites, &mut names);
                }
            }
        }
        sites
    }

    #[expect(clippy::too_many_arguments, reason = "the inner loop of `references`, split off to be readable")]
    fn sites_in(
        &self,
        evaluator: &mut Evaluator<'_>,
        file: FileId,
        summary: &Summary,
        def: Def,
        name: Name,
        sites: &mut Vec<Site>,
        names: &mut Vec<Name>,
    ) {
        let unit = Unit::live(file);
        let wanted = Referent::Definition(def);
        for occurrence in &summary.occurrences {
            let is_candidate = match occurrence.what() {
                Occurs::Definition(_) => false,
                Occurs::ImportedModule(_) => def.symbol == SymbolIndex::MODULE,
                Occurs::Import(import) if summary.import(import).name.is_none() => def.symbol == SymbolIndex::MODULE,
                what => summary.occurring_name(what) == Some(name),
            };
            if !is_candidate {
                continue;
            }
            if let Occurs::Keyword(_) = occurrence.what() {
                let targets = self.argument_targets(self.meaning(evaluator, file, *occurrence));
                let takes = targets.iter().find_map(|target| match target {
                    Target::Symbol(symbol, confidence) if self.snapshot.def(*symbol) == Some(def) => Some(*confidence),
                    _ => None,
                });
                let within = self.enclosing(file, occurrence.range.start());
                let site = |confidence| Site { file, range: occurrence.range, within, confidence, write: true };
                sites.extend(takes.map(site));
                continue;
            }
            let referents = evaluator.referents(unit, occurrence.what());
            let Some((_, inferred)) = referents.iter().find(|(referent, _)| *referent == wanted) else { continue };
            let own_definition = def.unit == unit && summary.symbol(def.symbol).name_range == occurrence.range;
            if own_definition {
                continue;
            }
            if let Occurs::Import(import) = occurrence.what() {
                let bound = summary.bindings.iter().find(|binding| binding.value == BindingValue::Import(import));
                names.extend(bound.map(|binding| binding.name).filter(|bound| *bound != name));
            }
            sites.push(Site {
                file,
                range: occurrence.range,
                within: self.enclosing(file, occurrence.range.start()),
                confidence: confidence(*inferred, referents.len() > 1),
                write: matches!(occurrence.what(), Occurs::Store(_) | Occurs::StoreAttribute(_)),
            });
        }
    }

    /// Calls of a method whose receiver only the flow of values knows.
    fn called_sites(&self, id: SymbolId, sites: &mut Vec<Site>) {
        let name = self.symbol(id).name;
        for source in self.sources(id.file) {
            self.calls_from(source, |within, site, target, implied| {
                if target == id
                    && !implied
                    && matches!(site.kind, EdgeKind::Call | EdgeKind::Constructor)
                    && self.source(source).slice(site.range) == name
                {
                    let (file, range, confidence) = (site.file, site.range, site.confidence);
                    sites.push(Site { file, range, within, confidence, write: false });
                }
            });
        }
    }

    /// Every place in the file where what the name at a place stands for is written by the same name, and whether it is
    /// bound there. Empty where that is not known.
    pub fn highlights(&self, file: FileId, offset: TextSize) -> Vec<(TextRange, bool)> {
        let (Some(facts), Some(at)) = (self.facts(file), self.occurrence(file, offset)) else { return Vec::new() };
        let summary = &facts.summary;
        let text = self.source(file).slice(at.range);
        let mut evaluator = self.evaluator();
        let wanted = self.origin_of(&mut evaluator, file, at);
        let same_text = summary.occurrences.iter().filter(|other| self.source(file).slice(other.range) == text);
        let mut found = Vec::new();
        for other in same_text {
            let is_same = match (&wanted, self.origin_of(&mut evaluator, file, *other)) {
                (Meaning::Variables(wanted), Meaning::Variables(found)) => found.iter().any(|it| wanted.contains(it)),
                (Meaning::Module(wanted), Meaning::Module(found)) => *wanted == found,
                (Meaning::External(wanted), Meaning::External(found)) => *wanted == found,
                _ => other.range == at.range && matches!(wanted, Meaning::Variables(_)),
            };
            let is_write = !matches!(other.what(), Occurs::Load(_) | Occurs::Mention(_) | Occurs::ImportedModule(_));
            if is_same {
                found.push((other.range, is_write));
            }
        }
        found.dedup_by_key(|(range, _)| *range);
        found
    }

    /// Where the parameter that is bound at a place is given by name, sorted by path and offset.
    pub fn argument_sites(&self, file: FileId, offset: TextSize) -> Vec<(FileId, TextRange)> {
        let Some(Meaning::Variables(variables)) = self.meaning_at(file, offset) else { return Vec::new() };
        let [variable] = variables[..] else { return Vec::new() };
        let Owner::Parameter { function, by_name: true } = self.owner(variable) else { return Vec::new() };
        let mut evaluator = self.evaluator();
        let mut sites = Vec::new();
        for source in self.sources(function.file) {
            let Some(facts) = self.facts(source).filter(|facts| facts.summary.mentions(variable.name)) else {
                continue;
            };
            for occurrence in &facts.summary.occurrences {
                let Occurs::Keyword(keyword) = occurrence.what() else { continue };
                if facts.summary.keyword(keyword).name == variable.name
                    && let Meaning::Variables(found) = self.meaning(&mut evaluator, source, *occurrence)
                    && found.contains(&variable)
                {
                    sites.push((source, occurrence.range));
                }
            }
        }
        sites.sort_by_key(|(file, range)| (self.path(*file), range.start()));
        sites
    }

    /// Every occurrence of the local variable or parameter bound at a place, binding included.
    pub fn local_references(&self, file: FileId, offset: TextSize) -> Vec<TextRange> {
        let Some(facts) = self.facts(file) else { return Vec::new() };
        let Some(occurrence) = self.occurrence(file, offset) else { return Vec::new() };
        let unit = Unit::live(file);
        let mut evaluator = self.evaluator();
        let summary = &facts.summary;
        // One variable may have several bindings: what counts is the scope that it belongs to.
        let variable = |referents: &[(Referent, bool)]| {
            referents.iter().find_map(|(referent, _)| match referent {
                Referent::Local(_, binding) => Some((summary.binding(*binding).scope, summary.binding(*binding).name)),
                _ => None,
            })
        };
        let Some((scope, name)) = variable(&evaluator.referents(unit, occurrence.what())) else { return Vec::new() };
        let same_name = summary.occurrences.iter().filter(|other| summary.occurring_name(other.what()) == Some(name));
        same_name
            .filter(|other| !is_attribute(summary, other.what()))
            .filter(|other| variable(&evaluator.referents(unit, other.what())) == Some((scope, name)))
            .map(|other| other.range)
            .collect()
    }
}

fn is_attribute(summary: &Summary, what: Occurs) -> bool {
    match what {
        Occurs::Load(expr) => matches!(summary.expr(expr), Expr::Attribute { .. }),
        Occurs::StoreAttribute(_) => true,
        _ => false,
    }
}

fn confidence(inferred: bool, several: bool) -> Confidence {
    match (several, inferred) {
        (true, _) => Confidence::Possible,
        (false, true) => Confidence::Inferred,
        (false, false) => Confidence::Exact,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at_cursor, marked};

    /// The name at `$0` refers to the definitions whose names are marked `$1…$1`.
    #[track_caller]
    fn check_targets(text: &str) {
        let (analysis, file, offset) = at_cursor(text);
        let mut found: Vec<(FileId, TextRange)> = analysis
            .targets(file, offset)
            .into_iter()
            .filter_map(|target| match target {
                Target::Symbol(id, _) => Some((id.file, analysis.symbol(id).name_range)),
                Target::Local { file, range, .. } => Some((file, range)),
                Target::External(_) => None,
            })
            .collect();
        found.sort_by_key(|(file, range)| (analysis.path(*file).to_path_buf(), range.start()));
        assert_eq!(found, marked(text, &analysis));
    }

    /// The definition at `$0` is used exactly at the ranges marked `$1…$1`.
    #[track_caller]
    fn check_references(text: &str) {
        let (analysis, file, offset) = at_cursor(text);
        let [Target::Symbol(id, _)] = analysis.targets(file, offset)[..] else { panic!("no definition at the cursor") };
        let found: Vec<_> = analysis.references(id).into_iter().map(|site| (site.file, site.range)).collect();
        assert_eq!(found, marked(text, &analysis));
    }

    #[test]
    fn targets_of_names() {
        check_targets("def $1f$1(): ...\nf$0()\n");
        check_targets("def f(): ...\ndef $1f$1(): ...\n$0f()\n");
        check_targets("def g($1a$1):\n    return a$0\n");
        check_targets("$1limit$1 = 3\ndef g():\n    return lim$0it\n");
        check_targets("[x$0 for $1x$1 in range(3)]\n");
        check_targets("x = 1\ndef g():\n    $1x$1 = 2\n    return lambda: x$0\n");
    }

    #[test]
    fn targets_across_files() {
        check_targets(
            "#- /a.py\nclass $1C$1: ...\n#- /b.py\nfrom a import C\n#- /main.py\nfrom b import C as D\nD$0()\n",
        );
        check_targets("#- /a.py\nx = 1\ndef $1f$1(): ...\n#- /main.py\nimport a\na.f$0\n");
        check_targets("#- /a.py\n__all__ = ['f']\ndef $1f$1(): ...\n#- /main.py\nfrom a import *\nf$0\n");
    }

    #[test]
    fn targets_of_packages() {
        let (analysis, file, offset) = at_cursor("#- /main.py\nimport a.b\na$0.b\n#- /a/__init__.py\n#- /a/b.py\n");
        let package = analysis.module_file("a").unwrap();
        assert_eq!(analysis.targets(file, offset), [Target::Symbol(analysis.module(package), Confidence::Exact)]);
    }

    #[test]
    fn targets_of_members() {
        check_targets("class C:\n    def $1m$1(self): ...\nclass D(C): ...\nD().m$0()\n");
        check_targets(
            "class C:\n    def __init__(self):\n        self.$1x$1 = 1\n    def m(self):\n        return self.x$0\n",
        );
        check_targets("def f(thing):\n    thing.m$0()\nclass C:\n    def m(self): ...\n");
    }

    #[test]
    fn references_follow_aliases() {
        check_references(
            "#- /a.py\ndef f$0(): ...\n$1f$1()\n#- /b.py\nfrom a import $1f$1 as $1g$1\n$1g$1()\n\
             #- /c.py\nfrom b import $1g$1\nimport a\n$1g$1()\na.$1f$1()\n#- /d.py\ndef f(): ...\nf()\n",
        );
    }

    #[test]
    fn references_of_members_need_a_type() {
        check_references(
            "class C:\n    def m$0(self): ...\n    def n(self):\n        self.$1m$1()\n\
             class Other:\n    def m(self): ...\ndef f(c: C, o: Other, x):\n    c.$1m$1()\n    o.m()\n    x.m()\n",
        );
    }

    #[test]
    fn references_in_all_and_global() {
        check_references(
            "__all__ = [\"$1f$1\", 'g']\ndef f$0(): ...\n__all__ += ('$1f$1',)\ndef g():\n    global $1f$1\n    f = 1\n",
        );
    }

    #[test]
    fn references_that_only_the_flow_of_values_knows() {
        let text = "class A:\n    def run$0(self): ...\nhandlers = {}\nhandlers['a'] = A()\ndef go(x):\n    x.run()\ngo(handlers['a'])\n";
        let mut host = crate::testing::host(text);
        let flow = host.analysis().solve_flow();
        host.apply_flow(flow);
        let analysis = host.analysis();
        assert_eq!(analysis.references(analysis.find("main.A.run")[0]).len(), 1);
    }

    #[test]
    fn arguments_are_references() {
        let text = "def f(a$0, /, b): ...\nf(1, b=2)\n";
        let (analysis, file, _) = at_cursor(text);
        let sites = |offset: u32| analysis.argument_sites(file, TextSize::new(offset));
        assert_eq!(sites(6), []);
        assert_eq!(sites(12).len(), 1);
        check_references("from dataclasses import dataclass\n@dataclass\nclass P:\n    x$0: int\nP($1x$1=1)\n");
        check_targets("def f($1b$1): ...\nf(b$0=2)\n");
    }

    #[test]
    fn references_of_modules() {
        check_references("#- /a.py\ndef f(): ...\n#- /b.py\nimport $1a$1\nfrom $1a$1 import f\n$1a$0$1.f()\n");
    }

    #[test]
    fn references_of_locals() {
        let (analysis, file, offset) = at_cursor("def f(a$0):\n    b = a\n    return [a for c in b]\na = 1\n");
        assert_eq!(analysis.local_references(file, offset).len(), 3);
    }
}

//! Whether a definition is used anywhere in the workspace.
//!
//! Only what can be said of the text: that frameworks and other programs use what nothing here does is for the caller to
//! know. Where a name is read of something whose type is not known, put together at run time, or spelled in a text,
//! there is no telling.

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use syntax::TextRange;

use super::super::Analysis;
use crate::eval::{Evaluator, Referent};
use crate::host::on_deep_stack;
use crate::summary::{ClassFacts, Expr, Occurs, SymbolIndex};
use crate::types::{Def, Unit};
use crate::{FileId, Name, SymbolId, SymbolKind};

/// Whether something is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    Used,
    Unused,
    CannotTell,
}

/// What the whole workspace mentions.
struct Mentions {
    /// What is called from elsewhere than its own code.
    called: FxHashSet<SymbolId>,
    /// What stands at the end of a text: `getattr(x, "name")`, `"package.module.name"`.
    quoted: FxHashSet<Name>,
    /// The beginning and the end of names that are put together: `getattr(self, f"visit_{kind}")`.
    composed: FxHashSet<(String, String)>,
}

/// Shorter beginnings say nothing.
const MIN_PREFIX: usize = 3;

impl Analysis {
    /// Whether each of `symbols` is used anywhere but in its own code. Looks at every file, and at each identifier once.
    pub fn usages(&self, symbols: &[SymbolId]) -> Vec<Usage> {
        on_deep_stack(|| {
            let defs = symbols.iter().filter_map(|&id| self.snapshot.def(id));
            let wanted: FxHashSet<Name> = defs.map(|def| self.symbol_facts(def).name).collect();
            let files: Vec<FileId> = self.files().collect();
            let chunk = files.len().div_ceil(rayon::current_num_threads() * 4).max(1);
            let reads = files.par_chunks(chunk).map(|files| {
                let mut evaluator = self.evaluator();
                let mut reads = Reads::default();
                files.iter().for_each(|&file| reads.add(self, &mut evaluator, file, &wanted));
                reads
            });
            let reads = reads.reduce(Reads::default, Reads::and);
            let mentions = Mentions::of(self);
            symbols.iter().map(|&id| self.usage(&reads, &mentions, id)).collect()
        })
    }

    /// The classes of the workspace that say what others must have, without being their base.
    pub fn protocols(&self) -> Vec<SymbolId> {
        let classes = self.files().flat_map(|file| self.symbols(file));
        classes.filter(|&id| self.is_class(id, |it| it.is_protocol) && self.is_protocol(id)).collect()
    }

    /// The classes of which all that happens to them and calls their methods is in sight: every base is known, and neither a
    /// decorator, a metaclass nor a base is told of them. All at once: the order of a class's ancestors rests on those of its
    /// bases, so that each by itself takes a time that grows with the square of a hierarchy's height.
    pub fn closed_classes(&self) -> FxHashSet<SymbolId> {
        let lists_subclasses = self.mentions("__subclasses__");
        let classes = self.files().flat_map(|file| self.symbols(file)).filter(|&id| self.is_class(id, |_| true));
        let mut evaluator = self.evaluator();
        classes.filter(|&id| self.is_closed_class(&mut evaluator, id, lists_subclasses)).collect()
    }

    fn is_closed_class(&self, evaluator: &mut Evaluator<'_>, class: SymbolId, lists_subclasses: bool) -> bool {
        let Some(def) = self.snapshot.def(class) else { return false };
        let mro = evaluator.mro(def);
        let is_open = |class: &Def| {
            self.symbol_facts(*class)
                .class
                .as_ref()
                .is_none_or(|it| it.is_transformed || it.is_protocol || it.has_fields)
        };
        mro.complete
            && !mro.classes.iter().any(is_open)
            && (mro.classes.len() == 1
                || !lists_subclasses && !evaluator.has_member(def, Name::new("__init_subclass__")))
    }

    fn mentions(&self, name: &str) -> bool {
        let name = Name::existing(name);
        name.is_some_and(|name| self.snapshot.files.iter().flatten().any(|facts| facts.summary.mentions(name)))
    }

    fn is_class(&self, id: SymbolId, is_wanted: impl Fn(&ClassFacts) -> bool) -> bool {
        let class = self.snapshot.def(id).map(|def| self.symbol_facts(def).class.as_deref());
        class.flatten().is_some_and(is_wanted)
    }

    fn usage(&self, reads: &Reads, mentions: &Mentions, id: SymbolId) -> Usage {
        let Some(def) = self.snapshot.def(id) else { return Usage::CannotTell };
        let facts = self.symbol_facts(def);
        if mentions.called.contains(&id) || reads.used.contains(&def) {
            return Usage::Used;
        }
        let open = reads.open.get(&facts.name).into_iter().flatten();
        let is_elsewhere =
            |(file, range): &(FileId, TextRange)| *file != id.file || !facts.range.contains_range(*range);
        let usage = if open.into_iter().any(is_elsewhere) { Usage::CannotTell } else { Usage::Unused };
        let summary = self.snapshot.world().summary(def.unit);
        let is_exported = || summary.exports.as_ref().is_some_and(|exports| exports.names.contains(&facts.name));
        match facts.parent {
            Some(SymbolIndex::MODULE) if is_exported() => Usage::Used,
            Some(SymbolIndex::MODULE) if summary.dynamic => Usage::CannotTell,
            _ if mentions.may_name(facts.name) => Usage::CannotTell,
            _ => usage,
        }
    }
}

impl Mentions {
    fn of(analysis: &Analysis) -> Self {
        let mut mentions =
            Mentions { called: FxHashSet::default(), quoted: FxHashSet::default(), composed: FxHashSet::default() };
        let files: Vec<FileId> = analysis.files().collect();
        let read: Vec<_> = files.par_iter().map(|&file| in_text(analysis.source(file).text())).collect();
        for (quoted, composed) in read {
            mentions.quoted.extend(quoted);
            mentions.composed.extend(composed);
        }
        for &file in &files {
            let Some(facts) = analysis.facts(file) else { continue };
            for expr in &facts.summary.exprs {
                if let Expr::Format { prefix, suffix } = expr
                    && prefix.len().max(suffix.len()) >= MIN_PREFIX
                {
                    mentions.composed.insert((prefix.to_string(), suffix.to_string()));
                }
            }
            analysis.calls_from(file, |caller, _, target, _| {
                if !is_inside(analysis, caller, target) {
                    mentions.called.insert(target);
                }
            });
        }
        mentions
    }

    fn may_name(&self, name: Name) -> bool {
        self.quoted.contains(&name)
            || self.composed.iter().any(|(prefix, suffix)| name.starts_with(&**prefix) && name.ends_with(&**suffix))
    }
}

fn is_inside(analysis: &Analysis, caller: SymbolId, target: SymbolId) -> bool {
    caller == target
        || caller.file == target.file
            && analysis.symbol(target).kind != SymbolKind::Module
            && analysis.symbol(target).range.contains_range(analysis.symbol(caller).range)
}

/// The names that end a text, and the beginnings of names that a text begins with.
fn in_text(text: &str) -> (Vec<Name>, Vec<(String, String)>) {
    let (mut quoted, mut composed) = (Vec::new(), Vec::new());
    let bytes = text.as_bytes();
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    for (end, byte) in bytes.iter().enumerate().filter(|(_, byte)| matches!(byte, b'"' | b'\'' | b'{' | b'%')) {
        let length = bytes[..end].iter().rev().take_while(|byte| is_word(byte)).count();
        let word = &text[end - length..end];
        if length > 0 && matches!(byte, b'"' | b'\'') {
            quoted.extend(Name::existing(word));
        }
        if length >= MIN_PREFIX && (word.ends_with('_') || matches!(byte, b'{' | b'%')) {
            composed.push((word.to_owned(), String::new()));
        }
    }
    (quoted, composed)
}

/// What the identifiers of a workspace refer to.
#[derive(Default)]
struct Reads {
    /// What is read elsewhere than in its own code.
    used: FxHashSet<Def>,
    /// Where a name is read of something that may be anything: for each file, the range from the first to the last place.
    open: FxHashMap<Name, SmallVec<[(FileId, TextRange); 1]>>,
}

impl Reads {
    fn add(&mut self, analysis: &Analysis, evaluator: &mut Evaluator<'_>, file: FileId, wanted: &FxHashSet<Name>) {
        let Some(facts) = analysis.facts(file) else { return };
        let summary = &facts.summary;
        for occurrence in &summary.occurrences {
            let what = occurrence.what();
            let is_read = matches!(what, Occurs::Load(_) | Occurs::Import(_));
            let Some(name) = summary.occurring_name(what).filter(|name| is_read && wanted.contains(name)) else {
                continue;
            };
            let referents = evaluator.referents(Unit::live(file), what);
            for (referent, _) in &referents {
                if let Referent::Definition(def) = referent {
                    let is_own =
                        def.unit.file == file && analysis.symbol_facts(*def).range.contains_range(occurrence.range);
                    if !is_own {
                        self.used.insert(*def);
                    }
                }
            }
            // What something foreign returns may be anything, one of ours included.
            let is_foreign = |referent: &Referent| matches!(referent, Referent::External(name) if name.contains("()"));
            let is_attribute =
                matches!(what, Occurs::Load(expr) if matches!(summary.expr(expr), Expr::Attribute { .. }));
            let may_be_anything = is_attribute || matches!(what, Occurs::Import(_));
            if may_be_anything && referents.iter().all(|(referent, _)| is_foreign(referent)) {
                let places = self.open.entry(name).or_default();
                match places.last_mut().filter(|(last, _)| *last == file) {
                    Some((_, range)) => *range = range.cover(occurrence.range),
                    None => places.push((file, occurrence.range)),
                }
            }
        }
    }

    fn and(mut self, other: Reads) -> Reads {
        self.used.extend(other.used);
        for (name, places) in other.open {
            self.open.entry(name).or_default().extend(places);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::host;

    #[track_caller]
    fn check(text: &str, name: &str, expected: Usage) {
        let analysis = host(text).analysis();
        let [id] = analysis.find(name)[..] else { panic!("{name} is not defined once") };
        assert_eq!(analysis.usages(&[id]), [expected]);
    }

    #[test]
    fn functions_and_variables() {
        check("def f(): ...\nf()\n", "main.f", Usage::Used);
        check("def f(): return f()\n", "main.f", Usage::Unused);
        check("def f(): ...\ndef g():\n    f = 1\n    return f\n", "main.f", Usage::Unused);
        check("def f(): ...\nx = [f]\n", "main.f", Usage::Used);
        check("#- /a.py\ndef f(): ...\n#- /main.py\nfrom a import f\n", "a.f", Usage::Used);
        check("#- /a.py\ndef f(): ...\n#- /b.py\ndef f(): ...\n#- /main.py\nimport b\nb.f()\n", "a.f", Usage::Unused);
        check("_LIMIT = 3\n", "main._LIMIT", Usage::Unused);
        check("__all__ = ['f']\ndef f(): ...\n", "main.f", Usage::Used);
        check("def f(): ...\nglobals()['f']()\n", "main.f", Usage::CannotTell);
    }

    #[test]
    fn methods() {
        let two = "class A:\n    def m(self): ...\nclass B:\n    def m(self): ...\n";
        check(&format!("{two}def f(b: B): b.m()\n"), "main.A.m", Usage::Unused);
        check(&format!("{two}def f(b: B): b.m()\n"), "main.B.m", Usage::Used);
        check(&format!("{two}def f(x): x.m()\n"), "main.A.m", Usage::CannotTell);
        check(&format!("{two}import os\ndef f(): os.open().m()\n"), "main.A.m", Usage::CannotTell);
        check("class A:\n    def m(self): return self.m()\n", "main.A.m", Usage::Unused);
    }

    #[test]
    fn names_in_texts() {
        check("class A:\n    def m(self): ...\ngetattr(x, 'm')\n", "main.A.m", Usage::CannotTell);
        check("class A:\n    def visit_x(self): ...\ngetattr(x, f'visit_{y}')\n", "main.A.visit_x", Usage::CannotTell);
        check("class A:\n    def visit_x(self): ...\ngetattr(x, 'visit_' + y)\n", "main.A.visit_x", Usage::CannotTell);
        check("def f(): ...\n# 'f' is not f.\n", "main.f", Usage::CannotTell);
    }
}

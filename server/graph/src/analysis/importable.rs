//! Where a name could be imported from, and how calls hand over their arguments.

use rustc_hash::FxHashMap;
use syntax::TextRange;

use super::Analysis;
use crate::link::ImportLink;
use crate::summary::{BindingValue, Expr, ScopeIndex};
use crate::types::{Unit, Value};
use crate::{FileId, Name, SymbolId, SymbolKind};

/// An import that would bind a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Importable {
    /// The dotted name of the module, absolute.
    pub module: String,
    /// What is imported from the module; `None` for the module itself.
    pub member: Option<String>,
    /// Whether the name is not what the member, or the module, is called: `import numpy as np`.
    pub renamed: bool,
    /// The module, if it belongs to the workspace.
    pub file: Option<FileId>,
    /// How many files import it so.
    pub users: usize,
    /// Whether the module only passes on what it imports itself.
    pub is_reexport: bool,
}

type Key = (String, Option<String>, bool);

impl Analysis {
    /// The imports that could give `name` its meaning: what modules of the workspace define or pass on under it, modules
    /// called so, and what other files import under it. In no particular order.
    pub fn importable(&self, name: &str) -> Vec<Importable> {
        let Some(name) = Name::existing(name) else { return Vec::new() };
        let mut found: FxHashMap<Key, Importable> = FxHashMap::default();
        for file in self.files() {
            let module = self.module_name(file);
            if module.rsplit('.').next() == Some(name.as_str()) {
                let (package, member) = match module.rsplit_once('.') {
                    Some((package, member)) => (package, Some(member)),
                    None => (module, None),
                };
                note(&mut found, package, member, false, Some(file));
            }
            // Whether a text mentions the name says nothing here: that of `import … as name` is no occurrence.
            let Some(facts) = self.facts(file) else { continue };
            let summary = &facts.summary;
            let scope = summary.scope(ScopeIndex::MODULE);
            for &binding in scope.names.get(&name).into_iter().flatten() {
                match &summary.binding(binding).value {
                    BindingValue::Import(_) => {
                        let is_listed = summary.exports.as_ref().is_some_and(|it| it.names.contains(&name));
                        if is_listed || self.snapshot.modules.is_package(file) {
                            note(&mut found, module, Some(&name), false, Some(file)).is_reexport = true;
                        }
                    }
                    _ => drop(note(&mut found, module, Some(&name), false, Some(file))),
                }
            }
            let links = &self.snapshot.links[file.index()].imports;
            for binding in summary.bindings.iter().filter(|binding| binding.name == name) {
                let BindingValue::Import(index) = binding.value else { continue };
                let import = summary.import(index);
                if matches!(links.get(index.index()), Some(ImportLink::Missing(_))) || import.is_star() {
                    continue;
                }
                let candidates = self.snapshot.modules.candidates(file, import.module, import.level);
                let absolute = match import.level {
                    0 => import.module.as_str(),
                    _ => match candidates.first() {
                        Some(module) => module.as_str(),
                        None => continue,
                    },
                };
                // `import a.b` binds `a`.
                let absolute = match (import.name, import.renamed) {
                    (None, false) => absolute.split('.').next().unwrap_or(absolute),
                    _ => absolute,
                };
                let home = match self.snapshot.modules.get(Name::new(absolute)) {
                    crate::modules::ModuleRef::File(file) => Some(file),
                    _ => None,
                };
                if home == Some(file) {
                    continue;
                }
                let member = import.name.map(Name::as_str);
                note(&mut found, absolute, member, import.renamed, home).users += 1;
            }
        }
        found.into_values().collect()
    }

    /// How many of the callee's first parameters the call whose callee's name is at `range` does not write down: one for
    /// a method of an instance. `None` when that is not certain.
    pub fn bound_parameters(&self, file: FileId, range: TextRange, callee: SymbolId) -> Option<usize> {
        let facts = self.facts(file)?;
        let wanted = self.snapshot.def(callee)?;
        let call = facts.summary.calls.iter().find(|call| call.range == range)?;
        let mut evaluator = self.evaluator();
        let unit = Unit::live(file);
        let callees = evaluator.eval(unit, call.callee);
        let mut bound = callees.iter().filter_map(|typed| match typed.value {
            Value::Function(def) if def == wanted => Some(0),
            Value::Method { function, .. } if function == wanted => Some(1),
            Value::Class(_) if self.symbol(callee).name == "__init__" => Some(1),
            _ => None,
        });
        if let Some(first) = bound.next() {
            return bound.all(|other| other == first).then_some(first);
        }
        // Only the flow of values knows the callee.
        let symbol = self.symbol(callee);
        let in_class = symbol.parent.is_some_and(|parent| self.symbol(parent).kind == SymbolKind::Class);
        match *facts.summary.expr(call.callee) {
            _ if !in_class || symbol.flags.is_staticmethod => Some(0),
            Expr::Attribute { value, name } if name.as_str() == symbol.name => {
                let receivers = evaluator.eval(unit, value);
                let is_class = receivers.iter().any(|typed| matches!(typed.value, Value::Class(_) | Value::Module(_)));
                (!is_class || symbol.flags.is_classmethod).then_some(1)
            }
            _ => None,
        }
    }

    /// Whether the class of a method has bases that are not known, so that it may override what they have.
    pub fn has_outer_bases(&self, method: SymbolId) -> bool {
        let Some(class) = self.symbol(method).parent.and_then(|class| self.snapshot.def(class)) else { return false };
        let mro = self.evaluator().mro(class);
        !mro.complete || mro.external.is_some()
    }

    /// Whether Python itself gives the name a meaning in every module.
    pub fn is_builtin(name: &str) -> bool {
        crate::eval::is_builtin(name)
    }

    /// The names that `__all__` lists, when the text tells it.
    pub fn exports(&self, file: FileId) -> Option<Vec<&'static str>> {
        let exports = self.facts(file)?.summary.exports.as_ref()?;
        Some(exports.names.iter().map(|name| name.as_str()).collect())
    }
}

fn note<'a>(
    found: &'a mut FxHashMap<Key, Importable>,
    module: &str,
    member: Option<&str>,
    renamed: bool,
    file: Option<FileId>,
) -> &'a mut Importable {
    let (module, member) = (module.to_owned(), member.map(str::to_owned));
    found.entry((module.clone(), member.clone(), renamed)).or_insert_with(|| Importable {
        module,
        member,
        renamed,
        file,
        users: 0,
        is_reexport: false,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::testing::host;

    #[test]
    fn definitions_modules_and_what_others_import() {
        let analysis = host(
            "#- /pkg/__init__.py\nfrom .cart import Cart\n#- /pkg/cart.py\nclass Cart: ...\nimport numpy as np\n\
             #- /main.py\nfrom pkg import Cart\nfrom pkg import cart\n",
        )
        .analysis();
        let shown = |name: &str| {
            let mut found: Vec<String> = analysis
                .importable(name)
                .into_iter()
                .map(|it| {
                    let member = it.member.unwrap_or_default();
                    format!("{}:{member} {} {} {}", it.module, it.users, it.renamed, it.is_reexport)
                })
                .collect();
            found.sort();
            found
        };
        assert_eq!(shown("Cart"), ["pkg.cart:Cart 1 false false", "pkg:Cart 1 false true"]);
        assert_eq!(shown("cart"), ["pkg:cart 1 false false"]);
        assert_eq!(shown("np"), ["numpy: 1 true false"]);
        assert_eq!(shown("nothing_is_called_so"), [] as [&str; 0]);
    }

    #[test]
    fn receivers_are_handed_over_unwritten() {
        let text = "class C:\n    def __init__(self, a): ...\n    def m(self, b): ...\n    @staticmethod\n    \
                    def s(c): ...\ndef f(d): ...\nf(1)\nC(1).m(2)\nC.m(C(1), 2)\nC.s(1)\n";
        let analysis = host(&format!("#- /main.py\n{text}")).analysis();
        let file = analysis.file(Path::new("/main.py")).unwrap();
        let bound = |name: &str| -> Vec<Option<usize>> {
            let callee = analysis.find(name)[0];
            let calls = analysis.callers(callee);
            let sites = calls.iter().flat_map(|call| &call.sites);
            sites.map(|site| analysis.bound_parameters(file, site.range, callee)).collect()
        };
        assert_eq!(bound("main.f"), [Some(0)]);
        assert_eq!(bound("main.C.__init__"), [Some(1), Some(1)]);
        assert_eq!(bound("main.C.m"), [Some(1), Some(0)]);
        assert_eq!(bound("main.C.s"), [Some(0)]);
    }
}

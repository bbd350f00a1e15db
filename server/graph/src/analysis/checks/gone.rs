//! Who still uses a name that is gone.

use super::super::Analysis;
use crate::eval::is_builtin;
use crate::summary::{BindingValue, Expr, Occurs, Summary, SymbolIndex};
use crate::types::{Def, Unit, Value};
use crate::{FileId, Name, SymbolId};

impl Analysis {
    /// The definitions whose code uses `name` as a member of `owner`, a module or class, which does not have it any longer;
    /// in order of files and offsets.
    pub fn users_of_gone(&self, owner: SymbolId, name: &str) -> Vec<SymbolId> {
        let (Some(owner), Some(name)) = (self.snapshot.def(owner), Name::existing(name)) else { return Vec::new() };
        let mut evaluator = self.evaluator();
        let mut users = Vec::new();
        for file in self.files() {
            let Some(facts) = self.facts(file).filter(|facts| facts.summary.mentions(name)) else { continue };
            let (unit, summary) = (Unit::live(file), &facts.summary);
            for occurrence in &summary.occurrences {
                let Occurs::Load(expr) = occurrence.what() else { continue };
                let uses_it = match summary.expr(expr) {
                    Expr::Attribute { value, name: member } if *member == name => {
                        evaluator.eval(unit, *value).iter().any(|typed| match typed.value {
                            Value::Module(module) => is_module(owner, module),
                            Value::Instance(class) | Value::Class(class) => {
                                evaluator.mro(class).classes.contains(&owner)
                            }
                            _ => false,
                        })
                    }
                    Expr::Local(bindings) => {
                        let mut imports = bindings.iter().flat_map(|&it| summary.joined(it));
                        imports
                            .any(|binding| self.imports_it(file, summary, &summary.binding(binding).value, owner, name))
                    }
                    Expr::Free { scope, name: used } => {
                        let mut scopes = summary.visible_from(*scope);
                        match scopes.find_map(|scope| scope.names.get(used)) {
                            Some(bindings) => bindings.iter().any(|&binding| {
                                self.imports_it(file, summary, &summary.binding(binding).value, owner, name)
                            }),
                            None => *used == name && is_module(owner, file) && !is_builtin(used),
                        }
                    }
                    _ => false,
                };
                if uses_it && evaluator.referents(unit, occurrence.what()).is_empty() {
                    let user = self.enclosing(file, occurrence.range.start());
                    if !users.contains(&user) {
                        users.push(user);
                    }
                }
            }
        }
        users
    }

    /// Whether a binding is `from owner import name`.
    fn imports_it(&self, file: FileId, summary: &Summary, value: &BindingValue, owner: Def, name: Name) -> bool {
        let BindingValue::Import(import) = *value else { return false };
        let import = summary.import(import);
        let modules = &self.snapshot.modules;
        import.name == Some(name)
            && owner.symbol == SymbolIndex::MODULE
            && modules.candidates(file, import.module, import.level).contains(&modules.name(owner.unit.file))
    }
}

fn is_module(owner: Def, module: FileId) -> bool {
    owner.symbol == SymbolIndex::MODULE && owner.unit.file == module
}

#[cfg(test)]
mod tests {
    use crate::testing::host;

    #[track_caller]
    fn check(text: &str, owner: &str, name: &str, expected: &[&str]) {
        let analysis = host(text).analysis();
        let users = analysis.users_of_gone(analysis.find(owner)[0], name);
        let names: Vec<String> = users.into_iter().map(|id| analysis.symbol(id).qualified_name()).collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn missing_members_of_modules() {
        let text = "#- /a.py\ndef new(): ...\ndef own(): old()\n#- /b.py\nfrom a import old\ndef f(): old()\ndef g(old): old()\n\
                    #- /c.py\nimport a\nfrom a import old as other\nfrom x import old\ndef f(): a.old(), a.old()\n\
                    def g(): other()\ndef h(): old()\n";
        check(text, "a", "old", &["a.own", "b.f", "c.f", "c.g"]);
        check(text, "a", "new", &[]);
    }

    #[test]
    fn missing_members_of_classes() {
        let text = "#- /a.py\nclass C:\n    def new(self): self.old()\nclass D(C): ...\nclass E(C):\n    def old(self): ...\n\
                    #- /b.py\nfrom a import C, D, E\ndef f(c: C): c.old()\ndef g(): D().old()\ndef h(): E().old()\ndef i(x): x.old()\n";
        check(text, "a.C", "old", &["a.C.new", "b.f", "b.g"]);
    }
}

//! What a name in the text refers to, for navigation: the place that binds it, not the value it holds.

use std::rc::Rc;

use rustc_hash::FxHashSet;

use super::Evaluator;
use crate::modules::ModuleRef;
use crate::summary::{BindingIndex, BindingValue, Expr, ExprIndex, Item, Occurs, ScopeIndex, ScopeKind, SymbolIndex};
use crate::types::{Def, Unit, Value};
use crate::{FileId, Name};

/// What a name refers to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Referent {
    Definition(Def),
    /// A local variable or parameter, by one of its bindings.
    Local(Unit, BindingIndex),
    External(Name),
}

/// Imports of imports deeper than this are a cycle.
const MAX_HOPS: u32 = 40;

/// Referents, and whether they were found through types.
pub(crate) type Referents = Vec<(Referent, bool)>;

impl Evaluator<'_> {
    pub fn referents(&mut self, unit: Unit, what: Occurs) -> Referents {
        self.walked.clear();
        let mut out = Vec::new();
        match what {
            Occurs::Definition(symbol) => out.push((Referent::Definition(Def { unit, symbol }), false)),
            Occurs::Load(expr) | Occurs::StoreAttribute(expr) | Occurs::Mention(expr) => {
                self.expr_referents(unit, expr, &mut out);
            }
            // What is called decides, and that is in the links.
            Occurs::Keyword(_) => {}
            Occurs::Store(binding) => self.binding_referents(unit, binding, MAX_HOPS, &mut out),
            Occurs::Import(import) => self.import_referents(unit, import, MAX_HOPS, &mut out),
            Occurs::ImportedModule(import) => {
                let module = self.import_candidates(unit, import);
                self.module_referents(module, &mut out);
            }
        }
        let mut seen = FxHashSet::default();
        out.retain(|(referent, _)| seen.insert(referent.clone()));
        out
    }

    fn expr_referents(&mut self, unit: Unit, expr: ExprIndex, out: &mut Referents) {
        let summary = self.world.summary(unit);
        match summary.expr(expr) {
            Expr::Local(bindings) => {
                bindings.iter().for_each(|&binding| self.binding_referents(unit, binding, MAX_HOPS, out));
            }
            Expr::Free { scope, name } => match self.star_before(unit, expr, *scope, *name) {
                Some(star) => self.member_referents(star, *name, MAX_HOPS, out),
                None => self.free_referents(unit, *scope, *name, out),
            },
            Expr::Attribute { value, name } => {
                let receivers = self.eval(unit, *value);
                for typed in receivers.iter() {
                    let before = out.len();
                    self.attribute_referents(&typed.value, *name, out);
                    out[before..].iter_mut().for_each(|(_, inferred)| *inferred |= typed.inferred);
                }
            }
            _ => {}
        }
    }

    fn free_referents(&mut self, unit: Unit, scope: ScopeIndex, name: Name, out: &mut Referents) {
        let summary = self.world.summary(unit);
        for facts in summary.visible_from(scope).filter(|facts| facts.kind != ScopeKind::Module) {
            if let Some(bindings) = facts.names.get(&name) {
                bindings.iter().for_each(|&binding| self.binding_referents(unit, binding, MAX_HOPS, out));
                return;
            }
        }
        self.member_referents(unit.file, name, MAX_HOPS, out);
        if out.is_empty() && super::is_builtin(&name) {
            out.push((Referent::External(Name::new(&format!("builtins.{name}"))), false));
        }
    }

    fn binding_referents(&mut self, unit: Unit, binding: BindingIndex, hops: u32, out: &mut Referents) {
        let facts = self.world.summary(unit).binding(binding);
        match &facts.value {
            BindingValue::Definition(symbol) => out.push((Referent::Definition(Def { unit, symbol: *symbol }), false)),
            BindingValue::Import(import) => {
                let import_facts = self.world.summary(unit).import(*import);
                match import_facts.module.split_once('.') {
                    // `import a.b` binds `a`.
                    Some((package, _)) if import_facts.name.is_none() && !import_facts.renamed => {
                        let module = self.module(unit.file, Name::new(package), 0);
                        self.module_referents(module, out);
                        if module.is_none() {
                            out.push((Referent::External(import_facts.module), false));
                        }
                    }
                    _ => self.import_referents(unit, *import, hops, out),
                }
            }
            BindingValue::Value(_) | BindingValue::Parameter { .. } => out.push((
                match facts.symbol {
                    Some(symbol) => Referent::Definition(Def { unit, symbol }),
                    None => Referent::Local(unit, binding),
                },
                false,
            )),
            BindingValue::Join(_) | BindingValue::Narrowed { .. } => {
                let leaves = self.leaves(unit, binding);
                leaves.iter().for_each(|&leaf| self.binding_referents(unit, leaf, hops, out));
            }
        }
    }

    /// The bindings that meet in a join, those of one variable once: thousands may meet where thousands of places read them.
    fn leaves(&mut self, unit: Unit, join: BindingIndex) -> Rc<[BindingIndex]> {
        if let Some(known) = self.leaves.get(&(unit, join)) {
            return known.clone();
        }
        let summary = self.world.summary(unit);
        let mut met = FxHashSet::from_iter([join]);
        let mut pending = vec![join];
        let mut leaves = Vec::new();
        while let Some(binding) = pending.pop() {
            // Those of one place are mostly those of a place before, and one more.
            if let Some(known) = self.leaves.get(&(unit, binding)) {
                leaves.extend(known.iter().copied().filter(|&leaf| met.insert(leaf)));
                continue;
            }
            match summary.inputs(binding) {
                Some(inputs) => pending.extend(inputs.iter().copied().filter(|&input| met.insert(input))),
                None => leaves.push(binding),
            }
        }
        leaves.sort_unstable();
        let mut seen = FxHashSet::default();
        leaves.retain(|&leaf| {
            let facts = summary.binding(leaf);
            let is_plain = matches!(facts.value, BindingValue::Value(_));
            facts.symbol.filter(|_| is_plain).is_none_or(|symbol| seen.insert(symbol))
        });
        let leaves: Rc<[BindingIndex]> = leaves.into();
        self.leaves.insert((unit, join), leaves.clone());
        leaves
    }

    fn import_referents(&mut self, unit: Unit, import: crate::summary::ImportIndex, hops: u32, out: &mut Referents) {
        if hops == 0 {
            return;
        }
        let facts = self.world.summary(unit).import(import);
        let module = self.import_candidates(unit, import);
        let Some(name) = facts.name else { return self.module_referents(module, out) };
        match module {
            Some(ModuleRef::File(file)) => self.member_referents(file, name, hops - 1, out),
            Some(ModuleRef::Namespace(package)) => {
                let module = self.module(unit.file, Name::new(&format!("{package}.{name}")), 0);
                self.module_referents(module, out);
            }
            Some(ModuleRef::Missing) => {}
            Some(ModuleRef::External) | None => {
                out.push((Referent::External(Name::new(&format!("{}.{name}", facts.module))), false));
            }
        }
        // `import a.b` outside the workspace is found by its full name.
        if out.is_empty() && module.is_none() && facts.level == 0 {
            out.push((Referent::External(facts.module), false));
        }
    }

    fn module_referents(&mut self, module: Option<ModuleRef>, out: &mut Referents) {
        if let Some(ModuleRef::File(file)) = module {
            let def = Def { unit: Unit::live(file), symbol: SymbolIndex::MODULE };
            out.push((Referent::Definition(def), false));
        }
    }

    /// What `name` refers to as a member of a module.
    pub fn definitions_of_member(&mut self, file: FileId, name: Name) -> Referents {
        self.walked.clear();
        let mut out = Vec::new();
        self.member_referents(file, name, MAX_HOPS, &mut out);
        out
    }

    fn member_referents(&mut self, file: FileId, name: Name, hops: u32, out: &mut Referents) {
        if let Some(known) = self.walked.get(&(file, name)) {
            out.extend_from_slice(known);
            return;
        }
        // While it is being walked: nothing, for modules that import each other.
        self.walked.insert((file, name), Vec::new());
        let mut found = Vec::new();
        self.walk_member(file, name, hops, &mut found);
        out.extend_from_slice(&found);
        self.walked.insert((file, name), found);
    }

    fn walk_member(&mut self, file: FileId, name: Name, hops: u32, out: &mut Referents) {
        let Some(facts) = self.world.file(file) else { return };
        let unit = Unit::live(file);
        let before = out.len();
        self.looked_up(file, Item::Name { owner: facts.summary.symbol(SymbolIndex::MODULE).path, name });
        let scope = facts.summary.scope(ScopeIndex::MODULE);
        let (before_own, after) = self.stars(file, name);
        for (star, is_certain) in after {
            if hops > 0 {
                self.member_referents(star, name, hops - 1, out);
            }
            if is_certain && out.len() > before {
                return;
            }
        }
        if let Some(bindings) = scope.names.get(&name) {
            bindings.iter().for_each(|&binding| self.binding_referents(unit, binding, hops, out));
            if out.len() > before {
                return;
            }
        }
        if let Some(def) = facts.retained_member("", name, file) {
            out.push((Referent::Definition(def), true));
            return;
        }
        for (star, _) in before_own.into_iter().filter(|_| hops > 0) {
            self.member_referents(star, name, hops - 1, out);
            if out.len() > before {
                return;
            }
        }
        let full = Name::new(&format!("{}.{name}", self.world.modules.name(file)));
        self.looked_up_module(&full);
        if let ModuleRef::File(submodule) = self.world.modules.get(full) {
            self.module_referents(Some(ModuleRef::File(submodule)), out);
        } else if let (Some(stub), true) = (self.stub(file), hops > 0) {
            self.member_referents(stub, name, hops - 1, out);
        }
    }

    fn attribute_referents(&mut self, receiver: &Value, name: Name, out: &mut Referents) {
        match receiver {
            Value::Module(file) => self.member_referents(*file, name, MAX_HOPS, out),
            Value::Namespace(package) => {
                let full = Name::new(&format!("{package}.{name}"));
                let module = self.world.modules.get(full);
                self.module_referents(Some(module), out);
            }
            Value::Instance(class) | Value::Class(class) => self.class_referents(*class, 0, name, out),
            Value::Super(class) => self.class_referents(*class, 1, name, out),
            Value::External(owner) | Value::Builtin(owner) => {
                out.push((Referent::External(Name::new(&format!("{owner}.{name}"))), true));
            }
            _ => {}
        }
    }

    fn class_referents(&mut self, class: Def, skip: usize, name: Name, out: &mut Referents) {
        let mro = self.mro(class);
        for &class in &mro.classes[skip..] {
            let found = self.own_referents(class, name);
            if !found.is_empty() {
                out.extend(found.into_iter().map(|referent| (referent, true)));
                return;
            }
        }
        if let Some(base) = mro.external {
            out.push((Referent::External(Name::new(&format!("{base}.{name}"))), true));
        }
    }

    /// The definitions of a class's own member.
    pub fn own_referents(&mut self, class: Def, name: Name) -> Vec<Referent> {
        self.walked.clear();
        let summary = self.world.summary(class.unit);
        let symbol = summary.symbol(class.symbol);
        self.looked_up(class.unit.file, Item::Name { owner: symbol.path, name });
        self.looked_up(class.unit.file, Item::InstanceAttribute { class: symbol.path, name });
        let mut found = Vec::new();
        for &binding in symbol.scope.iter().filter_map(|&scope| summary.scope(scope).names.get(&name)).flatten() {
            let mut referents = Vec::new();
            self.binding_referents(class.unit, binding, MAX_HOPS, &mut referents);
            found.extend(referents.into_iter().map(|(referent, _)| referent));
        }
        if let Some(attribute) = symbol.class.as_ref().and_then(|facts| facts.attributes.get(&name)) {
            let def = Def { unit: class.unit, symbol: attribute.symbol };
            if !found.contains(&Referent::Definition(def)) {
                found.push(Referent::Definition(def));
            }
        }
        if found.is_empty()
            && let Some(lost) = self.retained_class_member(class, name)
        {
            found.push(Referent::Definition(lost));
        }
        found
    }

    /// Whether a module may have names that its text does not show: it is broken, builds its namespace at run time, or
    /// imports `*` from elsewhere.
    pub fn may_hide_names(&mut self, file: FileId) -> bool {
        self.looked_up(file, Item::Exports);
        let Some(facts) = self.world.file(file) else { return true };
        if facts.summary.dynamic || !facts.summary.errors.is_empty() {
            return true;
        }
        let stars = &facts.summary.scope(ScopeIndex::MODULE).stars;
        stars.iter().any(|&star| match self.import_candidates(Unit::live(file), star) {
            Some(ModuleRef::File(other)) => other != file && self.world.file(other).is_none_or(|it| it.summary.dynamic),
            _ => true,
        })
    }
}

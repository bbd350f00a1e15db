//! Classes: bases, method resolution order, members.

use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::stubs::is_open;
use super::{Dependency, Evaluator, Query};
use crate::Name;
use crate::summary::{BindingIndex, BindingValue, Expr, Item, SymbolFacts};
use crate::types::{Def, Typed, Types, Value};

/// Of a class with more, the nearest are known, and members may be elsewhere. Nobody writes such classes by hand, and to look
/// through all of them for each of them takes a time that grows with the cube of their number.
const MAX_ANCESTORS: usize = 128;

/// The modules that have `Protocol` and the like.
pub(crate) const TYPING: &[&str] = &["typing", "typing_extensions"];

/// A class's method resolution order, as far as it lies in the workspace.
#[derive(Debug, Default)]
pub(crate) struct Mro {
    /// The class itself first.
    pub classes: Vec<Def>,
    /// A base class outside the workspace: members may be there.
    pub external: Option<Name>,
    /// Every base is known.
    pub complete: bool,
}

fn classes(types: &Types) -> impl Iterator<Item = Def> {
    types.iter().filter_map(|typed| if let Value::Class(class) = typed.value { Some(class) } else { None })
}

impl Evaluator<'_> {
    fn symbol(&self, def: Def) -> &SymbolFacts {
        self.world.summary(def.unit).symbol(def.symbol)
    }

    pub(super) fn compute_bases(&mut self, class: Def) -> Types {
        let symbol = self.world.summary(class.unit).symbol(class.symbol);
        self.looked_up(class.unit.file, Item::Definition { path: symbol.path });
        let mut types = Types::none();
        for &base in symbol.class.iter().flat_map(|facts| &facts.bases) {
            types.extend(self.eval(class.unit, base));
        }
        // Whoever uses a remembered order of classes names this query alone, and rests on those of all ancestors.
        for base in classes(&types) {
            let id = self.id(Query::Bases(base));
            self.depends(Dependency::Query(id));
        }
        types
    }

    /// Direct base classes in the workspace, in the order in which they are written.
    pub fn bases(&mut self, class: Def) -> Types {
        self.ask(Query::Bases(class))
    }

    /// Whether a class says itself that it is a protocol.
    pub fn is_protocol(&mut self, class: Def) -> bool {
        let is_written = self.symbol(class).class.as_ref().is_some_and(|facts| facts.is_protocol);
        is_written
            && self
                .bases(class)
                .iter()
                .any(|typed| matches!(&typed.value, Value::External(name) if name.is_of(TYPING, &["Protocol"])))
    }

    /// The C3 linearisation ("A Monotonic Superclass Linearization for Dylan", 1996), as `type.mro` computes it. Where
    /// there is none (Python would refuse the class) the order is depth first.
    pub fn mro(&mut self, class: Def) -> Rc<Mro> {
        if let Some(mro) = self.known_mro(class) {
            return mro;
        }
        self.linearise(class).unwrap_or_else(|| Rc::new(Mro { classes: vec![class], ..Mro::default() }))
    }

    fn known_mro(&mut self, class: Def) -> Option<Rc<Mro>> {
        let mro = self.mros.get(&class)?.clone();
        // What the order rests on has to be noted each time that it is used.
        let bases = self.id(Query::Bases(class));
        self.depends(Dependency::Query(bases));
        Some(mro)
    }

    /// `None` when a class is its own base. Each class of the walk is computed once: in a chain of diamonds the number of ways
    /// to the top doubles with each step. The walk does not recurse: a chain of classes may be as long as a file.
    fn linearise(&mut self, class: Def) -> Option<Rc<Mro>> {
        struct Open {
            class: Def,
            bases: Types,
            /// Those that have to be computed before, the first last.
            waiting: Vec<Def>,
        }
        let open = |evaluator: &mut Self, class| {
            let bases = evaluator.bases(class);
            let mut waiting: Vec<Def> = classes(&bases).collect();
            waiting.reverse();
            Open { class, bases, waiting }
        };
        let mut done: FxHashMap<Def, Rc<Mro>> = FxHashMap::default();
        let mut on_path = FxHashSet::from_iter([class]);
        let mut path = vec![open(self, class)];
        while let Some(last) = path.last_mut() {
            if let Some(base) = last.waiting.pop() {
                if done.contains_key(&base) {
                    continue;
                }
                if let Some(mro) = self.known_mro(base) {
                    done.insert(base, mro);
                } else if on_path.insert(base) {
                    path.push(open(self, base));
                } else {
                    return None;
                }
                continue;
            }
            let Some(Open { class, bases, .. }) = path.pop() else { break };
            on_path.remove(&class);
            let mro = Rc::new(self.order(class, &bases, &done));
            done.insert(class, mro.clone());
            // Inside an unfinished cycle the bases may not be final.
            if self.frames.iter().all(|frame| frame.low == usize::MAX) {
                self.mros.insert(class, mro);
            }
        }
        done.remove(&class)
    }

    /// The order of a class by those of its bases.
    fn order(&self, class: Def, bases: &Types, done: &FxHashMap<Def, Rc<Mro>>) -> Mro {
        let mut mro = Mro { classes: vec![class], external: None, complete: true };
        let mut sequences: Vec<Vec<Def>> = Vec::new();
        let mut direct = Vec::new();
        let written = self.symbol(class).class.as_ref().map_or(0, |facts| facts.bases.len());
        for typed in bases.iter() {
            match &typed.value {
                Value::Class(base) => {
                    let Some(base_mro) = done.get(base) else { continue };
                    mro.external = mro.external.or(base_mro.external);
                    mro.complete &= base_mro.complete;
                    sequences.push(base_mro.classes.clone());
                    direct.push(*base);
                }
                Value::Builtin(name) if name.as_str() == "object" => {}
                Value::Builtin(name) | Value::External(name) => {
                    if !name.is_of(TYPING, &["Generic", "Protocol"]) && !name.is_of(&["abc"], &["ABC"]) {
                        mro.external = mro.external.or(Some(*name));
                        mro.complete = false;
                    }
                }
                _ => mro.complete = false,
            }
        }
        mro.complete &= bases.iter().count() >= written;
        if let [only] = &mut sequences[..] {
            mro.classes.append(only);
        } else {
            sequences.push(direct);
            match merge(sequences.clone()) {
                Some(order) => mro.classes.extend(order),
                None => {
                    for base in sequences.into_iter().flatten() {
                        if !mro.classes.contains(&base) {
                            mro.classes.push(base);
                        }
                    }
                }
            }
        }
        if mro.classes.len() > MAX_ANCESTORS {
            mro.classes.truncate(MAX_ANCESTORS);
            mro.complete = false;
        }
        mro
    }

    /// What `name` is on an instance of `class`.
    pub fn instance_member(&mut self, class: Def, name: Name) -> Types {
        let mro = self.mro(class);
        self.member_in(&mro.classes, class, name, true)
    }

    /// What `name` is on the class itself.
    pub fn class_member(&mut self, class: Def, name: Name) -> Types {
        let mro = self.mro(class);
        self.member_in(&mro.classes, class, name, false)
    }

    /// The first of `classes` that has `name` decides; `receiver` is what methods are bound to.
    pub fn member_in(&mut self, classes: &[Def], receiver: Def, name: Name, instance: bool) -> Types {
        for &class in classes {
            let types = self.own_member(class, receiver, name, instance);
            if let Some(types) = types {
                return types;
            }
        }
        Types::none()
    }

    /// `None` when the class itself has no such member, known or not.
    fn own_member(&mut self, class: Def, receiver: Def, name: Name, instance: bool) -> Option<Types> {
        let summary = self.world.summary(class.unit);
        let symbol = summary.symbol(class.symbol);
        self.looked_up(class.unit.file, Item::Name { owner: symbol.path, name });
        self.looked_up(class.unit.file, Item::InstanceAttribute { class: symbol.path, name });
        let bindings = symbol.scope.and_then(|scope| summary.scope(scope).names.get(&name));
        let attribute = symbol.class.as_ref().and_then(|facts| facts.attributes.get(&name));
        let mut types = Types::none();
        for &binding in bindings.into_iter().flatten() {
            let is_definition = matches!(summary.binding(binding).value, BindingValue::Definition(_));
            let mut values = self.binding(class.unit, binding);
            if self.is_member_of_enum(class, binding) {
                values = Types::one(Value::Instance(class)).inferred();
            }
            types.extend(self.bound(values, class, receiver, name, instance, is_definition));
        }
        if attribute.is_some() {
            types.extend(self.ask(Query::InstanceAttribute(class, name)));
        }
        if bindings.is_none() && attribute.is_none() {
            let Some(lost) = self.retained_class_member(class, name) else {
                let stub = self.in_stub(class)?;
                return self.own_member(stub, receiver, name, instance);
            };
            let values = self.definition(lost).inferred();
            return Some(self.bound(values, class, receiver, name, instance, true));
        }
        if is_open(&types)
            && let Some(stub) = self.in_stub(class)
            && let Some(declared) = self.own_member(stub, receiver, name, instance)
            && !declared.is_empty()
        {
            return Some(declared);
        }
        Some(types)
    }

    /// `RED = 1` in an enum: the member is an instance of the class.
    fn is_member_of_enum(&mut self, class: Def, binding: BindingIndex) -> bool {
        let summary = self.world.summary(class.unit);
        let facts = summary.binding(binding);
        let BindingValue::Value(value) = facts.value else { return false };
        let is_annotation = matches!(summary.expr(value), Expr::InstanceOf(_));
        if is_annotation || facts.name.starts_with('_') {
            return false;
        }
        let mro = self.mro(class);
        let is_enum = |name: &Name| {
            let last = name.rsplit('.').next();
            matches!(last, Some("Enum" | "IntEnum" | "StrEnum" | "Flag" | "IntFlag" | "Choices" | "TextChoices"))
        };
        mro.external.as_ref().is_some_and(is_enum)
    }

    pub(super) fn compute_instance_attribute(&mut self, class: Def, name: Name) -> Types {
        let symbol = self.world.summary(class.unit).symbol(class.symbol);
        self.looked_up(class.unit.file, Item::InstanceAttribute { class: symbol.path, name });
        let mut types = Types::none();
        for &value in symbol.class.iter().filter_map(|facts| facts.attributes.get(&name)).flat_map(|it| &it.values) {
            types.extend(self.eval(class.unit, value).inferred());
        }
        types
    }

    /// Functions found in a class as its instances see them: methods, values of properties.
    fn bound(
        &mut self,
        values: Types,
        class: Def,
        receiver: Def,
        name: Name,
        instance: bool,
        is_definition: bool,
    ) -> Types {
        let mut types = Types::none();
        for typed in values.iter() {
            let value = match typed.value {
                // A descriptor gives what its `__get__` returns.
                Value::Instance(descriptor) if self.has_member(descriptor, Name::new("__get__")) => {
                    types.extend(self.special(descriptor, "__get__"));
                    continue;
                }
                Value::Function(function) if is_definition || instance => {
                    let flags = self.symbol(function).flags;
                    if flags.is_property {
                        let getter = self.getter(class, name).unwrap_or(function);
                        if instance {
                            types.extend(self.returned(getter, Some(receiver)));
                            continue;
                        }
                        Value::Function(getter)
                    } else if flags.is_staticmethod || !(instance || flags.is_classmethod) {
                        Value::Function(function)
                    } else {
                        Value::Method { function, receiver }
                    }
                }
                ref other => other.clone(),
            };
            types.add(Typed { value, inferred: typed.inferred });
        }
        types
    }

    /// The function that reads a property: the first of its name, before setters.
    pub fn getter(&self, class: Def, name: Name) -> Option<Def> {
        let summary = self.world.summary(class.unit);
        let symbols = summary.symbols.iter().enumerate();
        let mut getters = symbols.filter(|(_, symbol)| {
            symbol.parent == Some(class.symbol) && symbol.name == name && symbol.kind.is_function()
        });
        let (index, _) = getters.next()?;
        Some(Def { unit: class.unit, symbol: crate::summary::SymbolIndex(index as u32) })
    }
}

/// Merges linearisations so that every one's order is kept; `None` when that is impossible.
fn merge(mut sequences: Vec<Vec<Def>>) -> Option<Vec<Def>> {
    let mut order = Vec::new();
    loop {
        sequences.retain(|sequence| !sequence.is_empty());
        if sequences.is_empty() {
            return Some(order);
        }
        let heads = sequences.iter().map(|sequence| sequence[0]);
        let next = heads.clone().find(|head| !sequences.iter().any(|sequence| sequence[1..].contains(head)))?;
        order.push(next);
        for sequence in &mut sequences {
            if sequence[0] == next {
                sequence.remove(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FileId;
    use crate::summary::SymbolIndex;
    use crate::types::Unit;

    fn class(index: u32) -> Def {
        Def { unit: Unit::live(FileId(0)), symbol: SymbolIndex(index) }
    }

    #[test]
    fn c3_keeps_local_precedence_and_refuses_contradictions() {
        let [a, b, c, d] = [class(1), class(2), class(3), class(4)];
        // class D(B, C) with B(A), C(A): the diamond.
        assert_eq!(merge(vec![vec![b, a], vec![c, a], vec![b, c]]), Some(vec![b, c, a]));
        // class X(A, B), class Y(B, A), class Z(X, Y).
        assert_eq!(merge(vec![vec![c, a, b], vec![d, b, a], vec![c, d]]), None);
    }
}

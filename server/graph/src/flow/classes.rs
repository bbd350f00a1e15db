//! Classes: how instances are made, and what enums, named tuples, data classes and metaclasses do about it.

use std::rc::Rc;

use super::nodes::{NodeId, Origin, Place};
use super::objects::{Object, ObjectId};
use super::solver::Solver;
use super::watches::{Invocation, Watch};
use crate::summary::{BindingValue, CallIndex, Expr, ExprIndex, Key, SymbolIndex};
use crate::types::{Def, Unit, Value};
use crate::{EdgeKind, FileId, Name};

/// What the bases of a class outside the workspace make of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Nature {
    pub is_enum: bool,
    /// The names by place of a named tuple.
    pub places: Option<Rc<[Name]>>,
    /// `start()` calls `run()` of a thread or process.
    pub is_thread: bool,
    /// Instances decorate functions, which then enter them: `contextlib.ContextDecorator`.
    pub decorates: bool,
}

const ENUMS: &[&str] =
    &["Enum", "Flag", "IntEnum", "IntFlag", "IntegerChoices", "ReprEnum", "StrEnum", "TextChoices", "Choices"];

impl Solver<'_> {
    pub fn nature(&mut self, class: Def) -> Rc<Nature> {
        if let Some(nature) = self.hierarchy.natures.get(&class) {
            return nature.clone();
        }
        let mut nature = Nature::default();
        for &base in &self.mro(class).classes {
            let summary = self.summary(base.unit.file);
            let Some(facts) = &summary.symbol(base.symbol).class else { continue };
            for &expr in &facts.bases {
                if let Expr::Call(call) = summary.expr(expr) {
                    nature.places = nature.places.or_else(|| self.places_of_call(base.unit.file, *call));
                    continue;
                }
                let name = self.last_name(base.unit.file, expr);
                let is_known =
                    matches!(name, "NamedTuple" | "Thread" | "Process" | "ContextDecorator" | "AsyncContextDecorator")
                        || ENUMS.contains(&name);
                // A class of the workspace speaks for itself.
                if !is_known || self.is_in_workspace(base, expr) {
                    continue;
                }
                match name {
                    "NamedTuple" => nature.places = Some(self.own_fields(base).into_iter().collect()),
                    "Thread" | "Process" => nature.is_thread = true,
                    "ContextDecorator" | "AsyncContextDecorator" => nature.decorates = true,
                    _ => nature.is_enum = true,
                }
            }
        }
        let nature = Rc::new(nature);
        self.hierarchy.natures.insert(class, nature.clone());
        nature
    }

    fn is_in_workspace(&mut self, class: Def, base: ExprIndex) -> bool {
        let types = self.evaluator.eval(class.unit, base);
        types.iter().any(|typed| matches!(typed.value, Value::Class(_)))
    }

    /// The last part of a dotted name, as it is called where it comes from.
    fn last_name(&self, file: FileId, expr: ExprIndex) -> &'static str {
        let summary = self.summary(file);
        match summary.expr(expr) {
            Expr::Attribute { name, .. } | Expr::Free { name, .. } => summary_name(name),
            Expr::Local(bindings) => match bindings.first().map(|&binding| summary.binding(binding)) {
                Some(binding) => match binding.value {
                    BindingValue::Import(import) => {
                        summary_name(summary.import(import).name.as_ref().unwrap_or(&summary.import(import).module))
                    }
                    _ => "",
                },
                None => "",
            },
            _ => "",
        }
    }

    /// The fields that `namedtuple("Name", fields)` names.
    pub fn places_of_call(&self, file: FileId, call: CallIndex) -> Option<Rc<[Name]>> {
        let summary = self.summary(file);
        let call = summary.call(call);
        if self.last_name(file, call.callee) != "namedtuple" {
            return None;
        }
        let (Expr::Tuple(parts) | Expr::List(parts)) = summary.expr(*call.arguments.positional.get(1)?) else {
            return None;
        };
        let name = |part: &ExprIndex| match summary.expr(*part) {
            Expr::Constant(Key::Text(name)) => Some(*name),
            _ => None,
        };
        parts.iter().map(name).collect()
    }

    /// What `class.name` is when `name` is a member of the enum.
    pub fn enum_member(&mut self, class: Def, definer: Def, name: Name) -> Option<ObjectId> {
        if name.starts_with('_') || !self.nature(class).is_enum {
            return None;
        }
        let summary = self.summary(definer.unit.file);
        let scope = summary.symbol(definer.symbol).scope?;
        let binding = *summary.scope(scope).names.get(&name)?.last()?;
        let is_member = matches!(summary.binding(binding).value, BindingValue::Value(_));
        is_member.then(|| self.intern(Object::Instance(class)))
    }

    /// The values of all members of an enum: which one a member has is not told apart.
    pub fn enum_values(&mut self, class: Def, dest: NodeId) {
        for &class in &self.mro(class).classes.clone() {
            let summary = self.summary(class.unit.file);
            let Some(scope) = summary.symbol(class.symbol).scope else { continue };
            for (index, binding) in summary.bindings.iter().enumerate().filter(|(_, it)| it.scope == scope) {
                if matches!(binding.value, BindingValue::Value(_)) && !binding.name.starts_with('_') {
                    let value = self.binding(class.unit.file, crate::summary::BindingIndex(index as u32));
                    self.copy(value, dest);
                }
            }
        }
    }

    /// The place of a named tuple's field, from the start.
    pub fn field_at(&mut self, class: Def, index: i32) -> Option<Name> {
        let places = self.nature(class).places.clone()?;
        let index = if index < 0 { index + places.len() as i32 } else { index };
        places.get(usize::try_from(index).ok()?).copied()
    }

    // ---- instances

    pub fn construct(&mut self, object: ObjectId, class: Def, call: Invocation) {
        let kind = if call.kind == EdgeKind::Call { EdgeKind::Constructor } else { call.kind };
        self.edge(call.site, class, kind);
        if let Some(metaclass) = self.metaclass(class)
            && let Some(function) = self.find_method(metaclass, self.dunders.call)
        {
            // What it returns is shared by all classes of the metaclass; nearly always it is an instance of this one.
            self.add_object(call.dest, Object::Instance(class));
            let call = Invocation { dest: NodeId::NOTHING, kind: EdgeKind::Constructor, ..call };
            self.enter(function, Some(object), call);
            return;
        }
        self.make_instance(object, class, call);
    }

    /// What `type.__call__` does.
    pub fn make_instance(&mut self, object: ObjectId, class: Def, call: Invocation) {
        let call = Invocation { kind: EdgeKind::Constructor, ..call };
        self.add_object(call.dest, Object::Instance(class));
        if let Some(function) = self.find_method(class, self.dunders.new) {
            self.enter(function, Some(object), call);
        }
        let init = self.dunders.init;
        if self.defines(class, init) {
            self.special(class, init, Invocation { dest: NodeId::NOTHING, ..call });
        } else {
            self.fill_fields(class, call);
        }
    }

    /// The constructor of a dataclass or named tuple stores its arguments in the fields.
    fn fill_fields(&mut self, class: Def, call: Invocation) {
        let mut fields: Vec<Name> = Vec::new();
        let mut own: Vec<(Def, Name)> = Vec::new();
        for &base in self.mro(class).classes.iter().rev() {
            let symbol = self.summary(base.unit.file).symbol(base.symbol);
            if symbol.class.as_ref().is_some_and(|class| class.has_fields) {
                let names = self.own_fields(base);
                own.extend(names.iter().map(|&name| (base, name)));
                fields.extend(names.into_iter().filter(|name| !fields.contains(name)).collect::<Vec<_>>());
            }
        }
        if let Some(places) = &self.nature(class).places {
            fields = places.to_vec();
        }
        if fields.is_empty() {
            return;
        }
        let arguments = self.all_given(call.arguments);
        let by_place = fields.iter().copied().zip(arguments.positional.iter().copied());
        let by_name = arguments.keywords.iter().copied().filter(|(name, _)| fields.contains(name));
        let given: Vec<(Name, NodeId)> = by_place.chain(by_name).collect();
        for &(name, value) in &given {
            let field = self.place(Place::Field(class, name));
            self.copy(value, field);
        }
        if arguments.star.is_none() && arguments.double_star.is_none() {
            own.retain(|(_, name)| !given.iter().any(|(other, _)| other == name));
        }
        let call = Invocation { arguments: self.given(&[]), ..call };
        for (base, name) in own {
            if let Some(factory) = self.default_factory(base, name) {
                let dest = self.place(Place::Field(class, name));
                self.watch(factory, Watch::Call(Invocation { dest, ..call }));
            }
        }
        self.special(class, self.dunders.post_init, Invocation { dest: NodeId::NOTHING, ..call });
    }

    /// The function in `name: T = field(default_factory=function)`.
    fn default_factory(&mut self, class: Def, name: Name) -> Option<NodeId> {
        let file = class.unit.file;
        let summary = self.summary(file);
        let scope = summary.symbol(class.symbol).scope?;
        let binding = *summary.scope(scope).names.get(&name)?.last()?;
        let BindingValue::Value(value) = summary.binding(binding).value else { return None };
        let value = match *summary.expr(value) {
            Expr::OrElse(_, value) => value,
            _ => value,
        };
        let Expr::Call(call) = *summary.expr(value) else { return None };
        let keywords = summary.call(call).arguments.keywords();
        let is_factory = |name: &str| matches!(name, "default_factory" | "factory");
        let (_, factory) = *keywords.iter().find(|(name, _)| is_factory(name))?;
        Some(self.expr(file, factory))
    }

    /// What `__new__` is where no class of the workspace has one.
    pub fn built_in_new(&self, is_metaclass: bool) -> Object {
        Object::Modelled(Name::new(if is_metaclass { "type.__new__" } else { "object.__new__" }))
    }

    // ---- making a class

    /// The `class` statement runs the metaclass, `__init_subclass__` of the bases and `__set_name__` of what stands in it.
    pub fn make_class(&mut self, file: FileId, symbol: SymbolIndex) {
        let class = Def { unit: Unit::live(file), symbol };
        let kind = EdgeKind::ClassCreation;
        let object = self.intern(Object::Class(class));
        let mut site = None;
        let mut the_site = |solver: &mut Self| *site.get_or_insert_with(|| solver.site(file, Origin::Class(symbol.0)));
        if let Some(metaclass) = self.metaclass(class) {
            let made = self.place(Place::MadeBy(metaclass));
            self.add(made, object);
            let site = the_site(self);
            let given = self.given(&[NodeId::PLAIN, NodeId::PLAIN, NodeId::PLAIN]);
            for (name, receiver) in
                [(self.dunders.new, Object::Class(metaclass)), (self.dunders.init, Object::Class(class))]
            {
                if let Some(function) = self.find_method(metaclass, name) {
                    let receiver = self.intern(receiver);
                    self.enter(
                        function,
                        Some(receiver),
                        Invocation { arguments: given, dest: NodeId::NOTHING, site, kind },
                    );
                }
            }
        }
        let hook = Name::new("__init_subclass__");
        let bases = self.mro(class).classes[1..].to_vec();
        if let Some(definer) = bases.into_iter().find(|&base| self.has_own(base, hook))
            && let Some(function) = self.find_method(definer, hook)
        {
            let site = the_site(self);
            let none = self.given(&[]);
            self.enter(function, Some(object), Invocation { arguments: none, dest: NodeId::NOTHING, site, kind });
        }
        if !self.declared.set_name {
            return;
        }
        let summary = self.summary(file);
        let Some(scope) = summary.symbol(symbol).scope else { return };
        for (index, binding) in summary.bindings.iter().enumerate().filter(|(_, it)| it.scope == scope) {
            let BindingValue::Value(value) = binding.value else { continue };
            // Descriptors are made where they are assigned.
            let is_made = match summary.expr(value) {
                Expr::OrElse(_, value) => matches!(summary.expr(*value), Expr::Call(_)),
                value => matches!(value, Expr::Call(_)),
            };
            if !is_made {
                continue;
            }
            let value = self.binding(file, crate::summary::BindingIndex(index as u32));
            let site = the_site(self);
            let owner = self.holding(object);
            let name = self.intern(Object::Constant(Key::Text(binding.name)));
            let name = self.holding(name);
            let arguments = self.given(&[owner, name]);
            let hook = Name::new("__set_name__");
            self.watch(
                value,
                Watch::Special { name: hook, call: Invocation { arguments, dest: NodeId::NOTHING, site, kind } },
            );
        }
    }

    /// A special method of a class, found in its metaclass.
    pub fn special_of_class(&mut self, class: Def, name: Name, call: Invocation) -> bool {
        let Some(metaclass) = self.metaclass(class) else { return false };
        let Some(function) = self.find_method(metaclass, name) else { return false };
        let receiver = self.intern(Object::Class(class));
        self.enter(function, Some(receiver), call);
        true
    }
}

fn summary_name(name: &Name) -> &'static str {
    let text: &'static str = (*name).as_str();
    text.rsplit('.').next().unwrap_or_default()
}

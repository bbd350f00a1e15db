//! What classes and their instances offer.

use super::modules::MAX_HOPS;
use super::{Answer, Surface, external};
use crate::summary::{BindingValue, Expr, ExprIndex, Summary, SymbolFacts};
use crate::types::{Def, Value};
use crate::{FileId, Name};

/// Bases that bring no members a program would name.
const PLAIN_BASES: &[&str] = &["Generic", "Protocol", "object"];

/// Decorators of a class that add no such members.
pub(super) const PLAIN_CLASS_DECORATORS: &[&str] =
    &["final", "runtime_checkable", "type_check_only", "disjoint_base", "deprecated", "total_ordering"];

/// What `type` and `ABCMeta` give to classes and not to their instances.
const OF_CLASSES: &[&str] = &["mro", "register"];

/// Ways of a source to give a class members that its text does not name.
const FILLS: &[&str] = &["setattr(", "__dict__", "vars(self)"];

/// A class and its bases.
pub(super) struct Lineage {
    pub classes: Vec<Def>,
    /// They have no other members than their texts name, and there are no other bases.
    pub is_closed: bool,
}

impl<'a> Surface<'a> {
    pub(super) fn member_of_class(&mut self, class: Def, name: Name, is_instance: bool) -> Answer {
        if self.is_anything(class) {
            return Answer::Unknown;
        }
        let lineage = self.lineage(class);
        for &owner in &lineage.classes {
            let summary = self.analysis.snapshot.world().summary(owner.unit);
            let facts = summary.symbol(owner.symbol);
            let bindings = facts.scope.and_then(|scope| summary.scope(scope).names.get(&name));
            if let Some(bindings) = bindings {
                let mut is_closed = true;
                for &binding in bindings {
                    is_closed &= match &summary.binding(binding).value {
                        BindingValue::Definition(symbol) => {
                            let def = Def { unit: owner.unit, symbol: *symbol };
                            !self.symbol(def).flags.is_property || self.has_closed_result(def)
                        }
                        BindingValue::Value(value) => self.is_closed(owner.unit, *value),
                        _ => false,
                    };
                }
                let types = self.evaluator.member_in(&[owner], class, name, is_instance);
                if let Some(path) = types.iter().find_map(|typed| external(&typed.value)) {
                    return self.unread(path);
                }
                return if is_closed { Answer::Found(types) } else { Answer::Unknown };
            }
            if facts.class.as_ref().is_some_and(|class| class.attributes.contains_key(&name)) {
                return Answer::Unknown;
            }
        }
        let is_set = !self.is_stub(class.unit.file) && self.analysis.is_assigned_to_something(name);
        if !lineage.is_closed || is_set {
            return Answer::Unknown;
        }
        let is_of_every_class = !is_instance && OF_CLASSES.contains(&name.as_str());
        let is_below = |class: Def| self.analysis.descendants(class);
        let is_mixed_in = !self.is_stub(class.unit.file)
            && is_below(class).into_iter().any(|descendant| self.evaluator.has_member(descendant, name));
        let is_left_out = || lineage.classes.iter().any(|class| self.may_leave_out(class.unit.file, name));
        if is_of_every_class || is_mixed_in || is_left_out() {
            return Answer::Unknown;
        }
        Answer::Lacks(self.symbol(class).name.to_string(), name)
    }

    pub(super) fn may_leave_out(&self, file: FileId, name: Name) -> bool {
        self.is_stub(file) && self.libraries.may_leave_out(self.analysis.module_name(file), &name)
    }

    pub(super) fn is_stub(&self, file: FileId) -> bool {
        self.analysis.path(file).extension().is_some_and(|extension| extension == "pyi")
    }

    /// A built-in class or one of its instances: what is neither in the class nor in `type` is not there.
    pub(super) fn member_of_built_in(&mut self, class: Def, name: Name) -> Answer {
        let answer = self.member_of_class(class, name, true);
        match answer {
            Answer::Lacks(..) if OF_CLASSES.contains(&name.as_str()) => Answer::Unknown,
            answer => answer,
        }
    }

    /// The class of the standard library's `builtins`.
    pub(super) fn built_in(&mut self, name: Name) -> Option<Def> {
        let Answer::Found(module) = self.module(Name::new("builtins")) else { return None };
        let Some(&Value::Module(file)) = module.iter().map(|typed| &typed.value).next() else { return None };
        let types = self.evaluator.member(file, name);
        types.iter().find_map(|typed| if let Value::Class(class) = typed.value { Some(class) } else { None })
    }

    /// A class and its bases, in the order in which members are looked for, up to what is not known.
    pub(super) fn lineage(&mut self, class: Def) -> Lineage {
        let mut lineage = Lineage { classes: Vec::new(), is_closed: true };
        let mut pending = vec![class];
        while let Some(class) = pending.pop() {
            let mro = self.evaluator.mro(class);
            for &class in &mro.classes {
                if lineage.classes.contains(&class) {
                    continue;
                }
                lineage.classes.push(class);
                lineage.is_closed &= self.is_plain_class(class);
                match self.built_in_bases(class) {
                    Some(bases) => pending.extend(bases),
                    None => {
                        lineage.is_closed = false;
                        return lineage;
                    }
                }
            }
        }
        lineage
    }

    /// The bases of a class that the interpreter brings; `None` where one of its bases is not known.
    pub(super) fn built_in_bases(&mut self, class: Def) -> Option<Vec<Def>> {
        let facts = self.symbol(class).class.as_ref()?;
        let summary = self.analysis.snapshot.world().summary(class.unit);
        let mut found = Vec::new();
        for &base in &facts.bases {
            if last_name(summary, base).is_some_and(|name| PLAIN_BASES.contains(&name.as_str())) {
                continue;
            }
            let values = self.evaluator.eval(class.unit, base);
            if values.is_empty() {
                self.need_name(class.unit, base, MAX_HOPS);
                return None;
            }
            for typed in values.iter() {
                match &typed.value {
                    Value::Class(_) => {}
                    Value::Builtin(name) => found.push(self.built_in(*name)?),
                    Value::External(path) => {
                        self.unread(*path);
                        return None;
                    }
                    _ => return None,
                }
            }
        }
        Some(found)
    }

    /// Whether the class has no other members than its text names, and those of its bases.
    pub(super) fn is_plain_class(&mut self, class: Def) -> bool {
        let symbol = self.symbol(class);
        let Some(facts) = &symbol.class else { return false };
        let summary = self.analysis.snapshot.world().summary(class.unit);
        let is_plain_metaclass =
            facts.metaclass.is_none_or(|it| last_name(summary, it).is_some_and(|name| name.as_str() == "ABCMeta"));
        let is_dynamic = ["__getattr__", "__getattribute__"]
            .iter()
            .any(|name| symbol.scope.is_some_and(|scope| summary.scope(scope).names.contains_key(&Name::new(name))));
        let text = self.analysis.source(class.unit.file).slice(symbol.range);
        let is_filled = !self.is_stub(class.unit.file) && FILLS.iter().any(|way| text.contains(way));
        is_plain_metaclass
            && !is_dynamic
            && !is_filled
            && summary.errors.is_empty()
            && self.are_decorators_of(symbol, class.unit.file, PLAIN_CLASS_DECORATORS)
    }

    /// A class that says nothing of what its instances can do.
    pub(super) fn is_anything(&self, class: Def) -> bool {
        let name = self.symbol(class).name;
        let module = self.analysis.module_name(class.unit.file);
        matches!((module, name.as_str()), ("typing" | "typing_extensions", "Any") | ("builtins", "object"))
    }

    /// Whether all decorators are among `plain`, by their last names.
    pub(super) fn are_decorators_of(&self, symbol: &SymbolFacts, file: FileId, plain: &[&str]) -> bool {
        let source = self.analysis.source(file);
        symbol.decorators.iter().all(|&range| {
            let text = source.slice(range).trim_start_matches('@');
            let name = text.split('(').next().unwrap_or(text).trim();
            plain.contains(&name.rsplit('.').next().unwrap_or(name))
        })
    }
}

/// The name itself, or that behind the last dot; without what stands in brackets.
pub(super) fn last_name(summary: &Summary, expr: ExprIndex) -> Option<Name> {
    match summary.expr(expr) {
        Expr::Free { name, .. } | Expr::Attribute { name, .. } | Expr::Builtin(name) => Some(*name),
        Expr::Item { value, .. } => last_name(summary, *value),
        Expr::Local(bindings) => bindings.first().map(|&binding| summary.binding(binding).name),
        _ => None,
    }
}

//! What calls take, and what they give.

use super::classes::{PLAIN_CLASS_DECORATORS, last_name};
use super::modules::MAX_HOPS;
use super::{Answer, LibraryMistakeKind, Surface, external};
use crate::Name;
use crate::analysis::checks::{incompatibility, unbound};
use crate::summary::{Arguments, Expr, ExprIndex, SymbolFacts, SymbolIndex};
use crate::types::{Def, Types, Unit, Value};

/// Decorators behind which a function still takes what its text says.
const PLAIN_DECORATORS: &[&str] = &[
    "overload",
    "deprecated",
    "staticmethod",
    "classmethod",
    "abstractmethod",
    "final",
    "type_check_only",
    "override",
];

impl<'a> Surface<'a> {
    pub(super) fn instance(&mut self, value: &Value) -> Answer {
        match value {
            Value::Class(class) if self.is_anything(*class) => Answer::Unknown,
            Value::Class(class) => Answer::Found(Types::one(Value::Instance(*class))),
            Value::Builtin(_) => Answer::Found(Types::one(value.clone())),
            Value::External(path) => self.unread(*path),
            _ => Answer::Unknown,
        }
    }

    pub(super) fn called(&mut self, value: &Value) -> Answer {
        match value {
            Value::Class(class) if self.has_plain_constructor(*class) => {
                Answer::Found(Types::one(Value::Instance(*class)))
            }
            Value::Builtin(name) if self.built_in(*name).is_some() => Answer::Found(Types::one(value.clone())),
            Value::Function(function) => self.result(*function, None),
            Value::Method { function, receiver } => self.result(*function, Some(*receiver)),
            Value::External(path) => self.unread(*path),
            _ => Answer::Unknown,
        }
    }

    /// What any overload of the function returns.
    pub(super) fn result(&mut self, function: Def, receiver: Option<Def>) -> Answer {
        let mut results = Types::none();
        for overload in self.overloads(function) {
            if !self.has_closed_result(overload) {
                return Answer::Unknown;
            }
            let types = self.evaluator.returned(overload, receiver);
            if let Some(path) = types.iter().find_map(|typed| external(&typed.value)) {
                return self.unread(path);
            }
            if types.is_empty() {
                return Answer::Unknown;
            }
            results.extend(types);
        }
        if results.is_full() { Answer::Unknown } else { Answer::Found(results) }
    }

    /// What is said to be called instead of the function: its overloads, or itself. What runs does not say what it takes where
    /// overloads do.
    pub(super) fn overloads(&self, function: Def) -> Vec<Def> {
        let summary = self.analysis.snapshot.world().summary(function.unit);
        let facts = summary.symbol(function.symbol);
        let siblings = (0..).map(SymbolIndex).zip(&summary.symbols);
        let siblings: Vec<_> = siblings.filter(|(_, it)| it.name == facts.name && it.parent == facts.parent).collect();
        let has_overloads = siblings.iter().any(|(_, it)| it.flags.is_overload);
        let counted = siblings.into_iter().filter(|(_, it)| !has_overloads || it.flags.is_overload);
        counted.map(|(symbol, _)| Def { unit: function.unit, symbol }).collect()
    }

    /// Whether an annotation says all that the function returns.
    pub(super) fn has_closed_result(&mut self, function: Def) -> bool {
        let symbol = self.symbol(function);
        let is_plain = symbol.flags.is_property || self.are_decorators_of(symbol, function.unit.file, PLAIN_DECORATORS);
        let annotation = symbol.function.as_ref().and_then(|function| function.return_annotation);
        is_plain
            && !symbol.flags.is_async
            && !symbol.flags.is_generator
            && annotation.is_some_and(|annotation| self.is_closed(function.unit, annotation))
    }

    /// Whether evaluation sees all that the annotation allows: no `Any`, no type variable, no name that is not known.
    pub(super) fn is_closed(&mut self, unit: Unit, annotation: ExprIndex) -> bool {
        let summary = self.analysis.snapshot.world().summary(unit);
        match summary.expr(annotation) {
            Expr::InstanceOf(class) => {
                let values = self.evaluator.eval(unit, *class);
                if let Some(path) = values.iter().find_map(|typed| external(&typed.value)) {
                    self.unread(path);
                    return false;
                }
                if values.is_empty() {
                    self.need_name(unit, *class, MAX_HOPS);
                }
                // An alias of several may have lost one of them.
                let mut values = values.iter().map(|typed| &typed.value);
                match (values.next(), values.next()) {
                    (Some(Value::Class(class)), None) => !self.is_anything(*class),
                    (Some(Value::Builtin(name)), None) => name.as_str() != "object",
                    _ => false,
                }
            }
            Expr::SelfInstance(_) => true,
            Expr::Builtin(name) => name.as_str() == "None",
            Expr::Union(parts) => parts.iter().all(|&part| self.is_closed(unit, part)),
            Expr::Sequence(_) | Expr::Mapping(_) | Expr::Tuple(_) => true,
            _ => false,
        }
    }

    /// Why the arguments fit none of the callees.
    pub(super) fn misfit(&mut self, callees: &Types, arguments: &Arguments) -> Option<LibraryMistakeKind> {
        let mut found = None;
        for typed in callees.iter() {
            let (function, message) = match &typed.value {
                Value::Function(function) => (*function, self.misfit_of(*function, 0, arguments)?),
                Value::Method { function, .. } => (*function, self.misfit_of(*function, 1, arguments)?),
                Value::Class(class) => self.misfit_of_class(*class, arguments)?,
                Value::Builtin(name) => {
                    let class = self.built_in(*name)?;
                    self.misfit_of_class(class, arguments)?
                }
                _ => return None,
            };
            found.get_or_insert((function, message));
        }
        let (function, message) = found?;
        let summary = self.analysis.snapshot.world().summary(function.unit);
        Some(LibraryMistakeKind::IncompatibleCall { callee: summary.local_name(function.symbol), message })
    }

    /// Why the arguments fit no overload of the function whose first `bound` parameters are filled.
    pub(super) fn misfit_of(&self, function: Def, bound: usize, arguments: &Arguments) -> Option<String> {
        let mut message = None;
        for overload in self.overloads(function) {
            let symbol = self.symbol(overload);
            let is_function = symbol.function.is_some() && !symbol.flags.is_property;
            if !is_function || !self.are_decorators_of(symbol, function.unit.file, PLAIN_DECORATORS) {
                return None;
            }
            let said = incompatibility(unbound(&symbol.params, bound)?, arguments)?;
            message.get_or_insert(said);
        }
        message
    }

    /// Whether calling the class makes an instance of it: no metaclass or decorator does something else.
    pub(super) fn has_plain_constructor(&mut self, class: Def) -> bool {
        let lineage = self.lineage(class);
        lineage.classes.iter().all(|&class| {
            let symbol = self.symbol(class);
            let is_plain = |it: ExprIndex| {
                let summary = self.analysis.snapshot.world().summary(class.unit);
                last_name(summary, it).is_some_and(|name| name.as_str() == "ABCMeta")
            };
            let metaclass = symbol.class.as_ref().and_then(|facts| facts.metaclass);
            metaclass.is_none_or(is_plain) && self.are_decorators_of(symbol, class.unit.file, PLAIN_CLASS_DECORATORS)
        })
    }

    /// The same of a class: `__new__` and `__init__` both see what it is called with.
    pub(super) fn misfit_of_class(&mut self, class: Def, arguments: &Arguments) -> Option<(Def, String)> {
        let lineage = self.lineage(class);
        let has_fields =
            |class: &Def| self.symbol(*class).class.as_ref().is_none_or(|it| it.has_fields || it.is_protocol);
        if lineage.classes.iter().any(has_fields) || !self.has_plain_constructor(class) {
            return None;
        }
        let [init, new] = ["__init__", "__new__"].map(|name| self.own_function(&lineage.classes, Name::new(name)));
        if init.is_none() && new.is_none() {
            let given = arguments.positional.len() + arguments.keywords().len();
            let message = format!("too many arguments: {given} given, at most 0 taken");
            return (lineage.is_closed && given > 0).then_some((class, message));
        }
        // What a source makes by hand in `__new__` need not be an instance.
        if new.is_some_and(|new| !self.is_stub(new.unit.file)) {
            return None;
        }
        let said = [init, new].into_iter().flatten().map(|it| self.misfit_of(it, 1, arguments));
        let said: Vec<Option<String>> = said.collect();
        // Where it depends on the version, either of them may be all that there is.
        let text = self.analysis.source(class.unit.file).slice(self.symbol(class).range);
        let is_misfit = !text.contains("sys.version_info") || said.iter().all(Option::is_some);
        let message = said.into_iter().flatten().next().filter(|_| is_misfit)?;
        Some((class, message))
    }

    /// The function `name` of the first class that has it. Those of `object` leave it to each other to take arguments.
    pub(super) fn own_function(&self, lineage: &[Def], name: Name) -> Option<Def> {
        lineage.iter().filter(|class| !self.is_anything(**class)).find_map(|class| {
            let summary = self.analysis.snapshot.world().summary(class.unit);
            let is_it = |symbol: &SymbolFacts| symbol.parent == Some(class.symbol) && symbol.name == name;
            let position = summary.symbols.iter().position(|symbol| is_it(symbol) && symbol.function.is_some())?;
            Some(Def { unit: class.unit, symbol: SymbolIndex(position as u32) })
        })
    }
}

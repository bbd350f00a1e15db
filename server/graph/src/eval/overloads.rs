//! Which of several `@overload` signatures a call means.

use super::Evaluator;
use crate::Name;
use crate::summary::{BindingValue, CallIndex, Item, ParamKind, SymbolFacts, SymbolIndex};
use crate::types::{Def, Types, Unit, Value};

/// Whether a call fits a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    No,
    /// As far as is known.
    Maybe,
    Yes,
}

/// Built-in classes of which it is known that they are not each other.
fn is_scalar(name: &str) -> bool {
    matches!(name, "None" | "bool" | "bytes" | "complex" | "float" | "int" | "str")
}

impl Evaluator<'_> {
    /// The overloads that a call of `function` at `site` may mean, the first that surely fits and those before it; and
    /// whether that leaves any out. Nothing for functions without overloads.
    fn overloads(&mut self, function: Def, receiver: Option<Def>, site: (Unit, CallIndex)) -> (Vec<Def>, bool) {
        let summary = self.world.summary(function.unit);
        let SymbolFacts { ordinal, parent, name, flags, .. } = *summary.symbol(function.symbol);
        if ordinal == 0 && !flags.is_overload {
            return (Vec::new(), false);
        }
        let symbols = summary.symbols.iter().enumerate();
        let all = symbols.filter(|(_, symbol)| symbol.parent == parent && symbol.name == name);
        let all = all.filter(|(_, symbol)| symbol.flags.is_overload);
        let all = all.map(|(index, _)| Def { unit: function.unit, symbol: SymbolIndex(index as u32) });
        let all: Vec<Def> = all.collect();
        let mut fitting = Vec::new();
        for &overload in &all {
            match self.fit(overload, receiver, site) {
                Fit::No => {}
                Fit::Maybe => fitting.push(overload),
                Fit::Yes => {
                    fitting.push(overload);
                    break;
                }
            }
        }
        let is_decided = !fitting.is_empty() && fitting.len() < all.len();
        (if fitting.is_empty() { all } else { fitting }, is_decided)
    }

    /// What a call gives according to the overloads of the function; nothing where there are none.
    pub(super) fn overloaded(&mut self, function: Def, receiver: Option<Def>, site: (Unit, CallIndex)) -> Types {
        let (overloads, _) = self.overloads(function, receiver, site);
        self.overloads_give(&overloads, receiver, site)
    }

    /// The same where the arguments leave out some of the overloads.
    pub fn decided(&mut self, function: Def, receiver: Option<Def>, site: (Unit, CallIndex)) -> Types {
        match self.overloads(function, receiver, site) {
            (overloads, true) => self.overloads_give(&overloads, receiver, site),
            _ => Types::none(),
        }
    }

    fn overloads_give(&mut self, overloads: &[Def], receiver: Option<Def>, site: (Unit, CallIndex)) -> Types {
        let mut types = Types::none();
        for &overload in overloads {
            let returned = self.returned(overload, receiver);
            types.extend(self.filled_in(returned, overload, receiver, Some(site)));
        }
        types
    }

    fn fit(&mut self, overload: Def, receiver: Option<Def>, (unit, call): (Unit, CallIndex)) -> Fit {
        let given = &self.world.summary(unit).call(call).arguments;
        let summary = self.world.summary(overload.unit);
        let symbol = summary.symbol(overload.symbol);
        self.looked_up(overload.unit.file, Item::Definition { path: symbol.path });
        let bound = usize::from(receiver.is_some());
        let by_place = |kind| matches!(kind, ParamKind::Positional | ParamKind::PositionalOnly);
        let has = |kind| symbol.params.iter().any(|param| param.kind == kind);
        let places = symbol.params.iter().filter(|param| by_place(param.kind)).count();
        if given.positional.len() + bound > places && !has(ParamKind::VarArgs) {
            return Fit::No;
        }
        let is_named = |name: &Name| symbol.params.iter().any(|param| param.name == *name);
        if !has(ParamKind::KwArgs) && given.keywords().iter().any(|(name, _)| !is_named(name)) {
            return Fit::No;
        }
        let mut fit = Fit::Yes;
        for (position, param) in symbol.params.iter().enumerate().skip(bound) {
            if matches!(param.kind, ParamKind::VarArgs | ParamKind::KwArgs) {
                continue;
            }
            let placed = given.positional.get(position - bound).copied().filter(|_| by_place(param.kind));
            let named = given.keywords().iter().find(|(name, _)| *name == param.name).map(|(_, value)| *value);
            let argument = match placed.or(named) {
                Some(argument) => argument,
                None if param.has_default => continue,
                None if given.unpacks() => {
                    fit = Fit::Maybe;
                    continue;
                }
                None => return Fit::No,
            };
            let binding = symbol.scope.and_then(|scope| summary.scope(scope).names.get(&param.name)?.first());
            let Some(BindingValue::Parameter { annotation: Some(annotation), .. }) =
                binding.map(|&binding| &summary.binding(binding).value)
            else {
                continue;
            };
            let wanted = self.eval(overload.unit, *annotation);
            let wanted = self.bounded(wanted);
            let argument = self.eval(unit, argument);
            fit = fit.min(self.accepts(&argument, &wanted));
            if fit == Fit::No {
                return fit;
            }
        }
        fit
    }

    fn accepts(&mut self, given: &Types, wanted: &Types) -> Fit {
        if given.is_empty() || wanted.is_empty() {
            return Fit::Maybe;
        }
        let mut fits = Vec::new();
        for value in given.iter() {
            let mut best = Fit::No;
            for wanted in wanted.iter() {
                best = best.max(self.accepts_value(&value.value, &wanted.value));
            }
            fits.push(best);
        }
        match (fits.iter().min(), fits.iter().max()) {
            (Some(Fit::Yes), _) => Fit::Yes,
            (_, Some(Fit::No)) => Fit::No,
            _ => Fit::Maybe,
        }
    }

    fn accepts_value(&mut self, given: &Value, wanted: &Value) -> Fit {
        let if_true = |holds: bool| if holds { Fit::Yes } else { Fit::No };
        match (given, wanted) {
            (_, Value::Builtin(wanted)) if wanted.as_str() == "object" => Fit::Yes,
            (Value::Builtin(given), Value::Builtin(wanted)) if is_scalar(given) => match is_scalar(wanted) {
                true => if_true(
                    given == wanted
                        || matches!(
                            (given.as_str(), wanted.as_str()),
                            ("bool", "int" | "float" | "complex") | ("int", "float" | "complex") | ("float", "complex")
                        ),
                ),
                false => Fit::Maybe,
            },
            (Value::Builtin(given), Value::Instance(class)) if is_scalar(given) => {
                if self.is_protocol(*class) {
                    Fit::Maybe
                } else {
                    Fit::No
                }
            }
            (Value::Builtin(given), Value::Sequence(_)) if is_scalar(given) => {
                if matches!(given.as_str(), "str" | "bytes") { Fit::Maybe } else { Fit::No }
            }
            (Value::Builtin(given), Value::Mapping(_) | Value::Tuple(_) | Value::Returns(_)) if is_scalar(given) => {
                Fit::No
            }
            (Value::Instance(given), Value::Instance(wanted)) => {
                let mro = self.mro(*given);
                match mro.classes.contains(wanted) {
                    true => Fit::Yes,
                    false if mro.complete && !self.is_protocol(*wanted) => Fit::No,
                    false => Fit::Maybe,
                }
            }
            (Value::Instance(given), Value::Builtin(wanted)) if is_scalar(wanted) => {
                let mro = self.mro(*given);
                match mro.external {
                    Some(base) if base == *wanted => Fit::Yes,
                    None if mro.complete => Fit::No,
                    _ => Fit::Maybe,
                }
            }
            (Value::Class(given), Value::Class(wanted)) => if_true(self.mro(*given).classes.contains(wanted)),
            (
                Value::Sequence(_) | Value::Mapping(_) | Value::Tuple(_) | Value::Class(_) | Value::Function(_),
                Value::Builtin(wanted),
            ) if is_scalar(wanted) => Fit::No,
            (Value::Function(_) | Value::Method { .. }, Value::Returns(_)) => Fit::Yes,
            _ => Fit::Maybe,
        }
    }
}

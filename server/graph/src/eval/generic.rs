//! What annotations, type variables and class patterns say of values.

use super::Evaluator;
use super::class::TYPING;
use crate::Name;
use crate::summary::{BindingValue, CallIndex, Expr, ExprIndex, Item, ParamKind, ScopeKind};
use crate::types::{Def, Typed, Types, Unit, Value};

/// Classes that are generic through each other, deeper than this, are a cycle.
const MAX_BASES: u32 = 16;

/// What type variables stand for in one call.
type Environment = Vec<(Value, Types)>;

impl Evaluator<'_> {
    /// Type variables become what their bounds say.
    pub fn bounded(&mut self, types: Types) -> Types {
        if !types.iter().any(|typed| matches!(typed.value, Value::TypeVariable(..))) {
            return types;
        }
        let mut out = Types::none();
        for typed in types.iter() {
            match typed.value {
                Value::TypeVariable(unit, expr) => {
                    if let Expr::TypeVariable(Some(bound)) = self.world.summary(unit).expr(expr) {
                        out.extend(self.eval(unit, *bound).inferred());
                    }
                }
                _ => out.add(typed.clone()),
            }
        }
        out
    }

    /// The result of a function with its type variables filled in by what the call gives, or by the receiver's class.
    pub(super) fn filled_in(
        &mut self,
        types: Types,
        function: Def,
        receiver: Option<Def>,
        site: Option<(Unit, CallIndex)>,
    ) -> Types {
        if !types.iter().any(|typed| mentions_variable(&typed.value)) {
            return types;
        }
        let summary = self.world.summary(function.unit);
        let symbol = summary.symbol(function.symbol);
        let annotation = symbol.function.as_ref().and_then(|facts| facts.return_annotation);
        let Some(annotation) = annotation else { return self.bounded(types) };
        let environment = site.map(|site| self.environment(function, receiver, site)).unwrap_or_default();
        self.annotated(function.unit, annotation, &environment, receiver).inferred()
    }

    /// Matches the annotations of parameters with what a call gives.
    fn environment(&mut self, function: Def, receiver: Option<Def>, (unit, call): (Unit, CallIndex)) -> Environment {
        let given = &self.world.summary(unit).call(call).arguments;
        let summary = self.world.summary(function.unit);
        let symbol = summary.symbol(function.symbol);
        let Some(scope) = symbol.scope else { return Environment::new() };
        let mut environment = Environment::new();
        let bound = usize::from(receiver.is_some());
        for (position, param) in symbol.params.iter().enumerate() {
            self.looked_up(function.unit.file, Item::Name { owner: symbol.path, name: param.name });
            let binding = summary.scope(scope).names.get(&param.name).and_then(|bindings| bindings.first());
            let Some(BindingValue::Parameter { annotation: Some(annotation), .. }) =
                binding.map(|&binding| &summary.binding(binding).value)
            else {
                continue;
            };
            let by_name = given.keywords().iter().find(|(name, _)| *name == param.name).map(|(_, value)| *value);
            let by_place = || position.checked_sub(bound).and_then(|index| given.positional.get(index).copied());
            let argument = match param.kind {
                ParamKind::Positional | ParamKind::PositionalOnly => by_name.or_else(by_place),
                ParamKind::KeywordOnly => by_name,
                ParamKind::VarArgs | ParamKind::KwArgs => None,
            };
            if let Some(argument) = argument {
                let types = self.eval(unit, argument);
                self.unify(function.unit, *annotation, types, &mut environment);
            }
        }
        environment
    }

    fn unify(&mut self, unit: Unit, annotation: ExprIndex, given: Types, environment: &mut Environment) {
        if given.is_empty() {
            return;
        }
        match self.world.summary(unit).expr(annotation) {
            Expr::InstanceOf(class) => {
                let classes = self.eval(unit, *class);
                for typed in classes.iter() {
                    if let Value::TypeVariable(..) = typed.value {
                        match environment.iter_mut().find(|(variable, _)| *variable == typed.value) {
                            Some((_, types)) => types.extend(given.clone()),
                            None => environment.push((typed.value.clone(), given.clone())),
                        }
                    }
                }
            }
            Expr::Sequence(element) => {
                let given = self.element(&given);
                self.unify(unit, *element, given, environment);
            }
            Expr::Mapping(value) => {
                let values: Types = given
                    .iter()
                    .filter_map(|typed| match &typed.value {
                        Value::Mapping(values) => Some(values.clone()),
                        _ => None,
                    })
                    .fold(Types::none(), |mut all, values| {
                        all.extend(values);
                        all
                    });
                self.unify(unit, *value, values, environment);
            }
            Expr::Tuple(parts) => {
                for (index, &part) in parts.iter().enumerate() {
                    let given = self.unpacked(&given, index as i32);
                    self.unify(unit, part, given, environment);
                }
            }
            Expr::Union(parts) => parts.iter().for_each(|&part| self.unify(unit, part, given.clone(), environment)),
            Expr::ClassOf(instance) => self.unify(unit, *instance, instances(&given), environment),
            Expr::Returning(result) => {
                let given = self.call(&given, None);
                self.unify(unit, *result, given, environment);
            }
            _ => {}
        }
    }

    /// What an annotation says once its variables are filled in.
    fn annotated(
        &mut self,
        unit: Unit,
        annotation: ExprIndex,
        environment: &Environment,
        receiver: Option<Def>,
    ) -> Types {
        let inner = |evaluator: &mut Self, part| evaluator.annotated(unit, part, environment, receiver);
        match self.world.summary(unit).expr(annotation) {
            Expr::InstanceOf(_) => {
                let types = self.eval(unit, annotation);
                let mut out = Types::none();
                for typed in types.iter() {
                    let Value::TypeVariable(..) = typed.value else {
                        out.add(typed.clone());
                        continue;
                    };
                    let known = environment.iter().find(|(variable, _)| *variable == typed.value);
                    let mut types = known.map(|(_, types)| types.clone()).unwrap_or_default();
                    if let (true, Some(receiver)) = (types.is_empty(), receiver) {
                        types = self.type_argument(receiver, &typed.value, MAX_BASES);
                    }
                    if types.is_empty() {
                        types = Types::one(typed.value.clone());
                    }
                    out.extend(self.bounded(types));
                }
                out
            }
            Expr::Sequence(element) => Types::one(Value::Sequence(inner(self, *element).nested())),
            Expr::Mapping(value) => Types::one(Value::Mapping(inner(self, *value).nested())),
            Expr::Returning(result) => Types::one(Value::Returns(inner(self, *result).nested())),
            Expr::Tuple(parts) => {
                Types::one(Value::Tuple(parts.iter().map(|&part| inner(self, part).nested()).collect()))
            }
            Expr::Union(parts) => {
                let mut types = Types::none();
                parts.iter().for_each(|&part| types.extend(inner(self, part)));
                types
            }
            Expr::ClassOf(instance) => {
                let instances = inner(self, *instance);
                let classes = instances.iter().map(|typed| match typed.value {
                    Value::Instance(class) => Typed { value: Value::Class(class), ..typed.clone() },
                    _ => typed.clone(),
                });
                classes.collect()
            }
            _ => {
                let types = self.eval(unit, annotation);
                self.bounded(types)
            }
        }
    }

    /// What `class(Base[Argument])` puts in the place of a variable of one of its bases.
    fn type_argument(&mut self, class: Def, variable: &Value, depth: u32) -> Types {
        let summary = self.world.summary(class.unit);
        let symbol = summary.symbol(class.symbol);
        self.looked_up(class.unit.file, Item::Definition { path: symbol.path });
        let Some(facts) = symbol.class.as_ref().filter(|_| depth > 0) else { return Types::none() };
        for (&base, filled_in) in facts.bases.iter().zip(&facts.filled_in) {
            let bases = self.eval(class.unit, base);
            let Some(Value::Class(base)) = bases.iter().map(|typed| typed.value.clone()).next() else { continue };
            let parameters = self.type_parameters(base);
            let mut wanted = variable.clone();
            if !parameters.contains(variable) {
                let inherited = self.type_argument(base, variable, depth - 1);
                let first = inherited.iter().next().map(|typed| typed.value.clone());
                match first {
                    None => continue,
                    Some(inner @ Value::TypeVariable(..)) if parameters.contains(&inner) => wanted = inner,
                    Some(_) => return inherited,
                }
            }
            let Some(place) = parameters.iter().position(|parameter| *parameter == wanted) else { continue };
            let Some(filled_in) = *filled_in else { continue };
            let argument = match summary.expr(filled_in) {
                Expr::Tuple(parts) => parts.get(place).copied(),
                _ => Some(filled_in).filter(|_| place == 0),
            };
            if let Some(argument) = argument {
                let classes = self.eval(class.unit, argument);
                return instances(&classes);
            }
        }
        Types::none()
    }

    /// The type variables of a generic class, in order.
    fn type_parameters(&mut self, class: Def) -> Vec<Value> {
        let summary = self.world.summary(class.unit);
        let symbol = summary.symbol(class.symbol);
        self.looked_up(class.unit.file, Item::Definition { path: symbol.path });
        let mut parameters = Vec::new();
        // `class Name[T]:`
        let around = symbol.scope.and_then(|scope| summary.scope(scope).parent);
        if let Some(around) = around.filter(|&scope| summary.scope(scope).kind == ScopeKind::Comprehension) {
            for binding in summary.bindings.iter().filter(|binding| binding.scope == around) {
                if let BindingValue::Value(value) = binding.value
                    && let Expr::TypeVariable(_) = summary.expr(value)
                {
                    parameters.push(Value::TypeVariable(class.unit, value));
                }
            }
        }
        let Some(facts) = &symbol.class else { return parameters };
        let generic =
            |value: &Value| matches!(value, Value::External(name) if name.is_of(TYPING, &["Generic", "Protocol"]));
        let mut bases: Vec<(bool, ExprIndex)> = Vec::new();
        for (&base, filled_in) in facts.bases.iter().zip(&facts.filled_in) {
            let types = self.eval(class.unit, base);
            bases.extend(filled_in.map(|filled_in| (!types.iter().any(|typed| generic(&typed.value)), filled_in)));
        }
        // `Generic[…]` says the order; without it, it is that of the bases.
        bases.sort_by_key(|(is_other, _)| *is_other);
        for (_, filled_in) in bases {
            let parts = match summary.expr(filled_in) {
                Expr::Tuple(parts) => &parts[..],
                _ => &[filled_in],
            };
            for &part in parts {
                let types = self.eval(class.unit, part);
                for typed in types.iter() {
                    if matches!(typed.value, Value::TypeVariable(..)) && !parameters.contains(&typed.value) {
                        parameters.push(typed.value.clone());
                    }
                }
            }
        }
        parameters
    }

    // ---- what class patterns take apart

    /// The attribute that the nth sub-pattern of a class pattern looks at, for each of the classes.
    pub(super) fn match_argument(&mut self, unit: Unit, value: ExprIndex, class: ExprIndex, position: u32) -> Types {
        let values = self.eval(unit, value);
        let names = self.match_names(unit, class, position);
        let mut types = Types::none();
        for name in &names {
            types.extend(self.attribute(&values, *name));
        }
        // `str(text)` and the like take the value itself.
        if names.is_empty() && position == 0 {
            let is_plain = |value: &Value| matches!(value, Value::Builtin(_));
            types.extend(values.iter().filter(|typed| is_plain(&typed.value)).cloned().collect());
        }
        types
    }

    pub fn match_names(&mut self, unit: Unit, class: ExprIndex, position: u32) -> Vec<Name> {
        let mut names = Vec::new();
        for class in self.classes(unit, class) {
            if let Value::Class(class) = class {
                names.extend(self.match_name(class, position as usize));
            }
        }
        names
    }

    fn match_name(&mut self, class: Def, position: usize) -> Option<Name> {
        let listed = Name::new("__match_args__");
        let mro = self.mro(class);
        let mut fields = Vec::new();
        for &class in &mro.classes {
            let summary = self.world.summary(class.unit);
            let symbol = summary.symbol(class.symbol);
            self.looked_up(class.unit.file, Item::Name { owner: symbol.path, name: listed });
            self.looked_up(class.unit.file, Item::Definition { path: symbol.path });
            let scope = symbol.scope?;
            if let Some(binding) = summary.scope(scope).names.get(&listed).and_then(|bindings| bindings.last()) {
                let BindingValue::Value(value) = summary.binding(*binding).value else { return None };
                let (Expr::Tuple(parts) | Expr::List(parts)) = summary.expr(value) else { return None };
                return match summary.expr(*parts.get(position)?) {
                    Expr::Constant(crate::summary::Key::Text(name)) => Some(*name),
                    _ => None,
                };
            }
            if symbol.class.as_ref().is_some_and(|facts| facts.has_fields) {
                let own = summary.bindings.iter().filter(|binding| binding.scope == scope);
                let own = own.filter(|binding| matches!(binding.value, BindingValue::Value(_)));
                let mut own: Vec<Name> = own.map(|binding| binding.name).collect();
                own.extend(std::mem::take(&mut fields));
                fields = own;
            }
        }
        let mut seen = rustc_hash::FxHashSet::default();
        fields.into_iter().filter(|name| seen.insert(*name)).nth(position)
    }
}

fn mentions_variable(value: &Value) -> bool {
    let inside = |types: &Types| types.iter().any(|typed| mentions_variable(&typed.value));
    match value {
        Value::TypeVariable(..) => true,
        Value::Sequence(inner) | Value::Mapping(inner) | Value::Returns(inner) => inside(inner),
        Value::Tuple(parts) => parts.iter().any(inside),
        _ => false,
    }
}

fn is_typing(name: &str, names: &[&str]) -> bool {
    let name = name.strip_prefix("typing.").or_else(|| name.strip_prefix("typing_extensions."));
    name.is_some_and(|name| names.contains(&name))
}

/// What annotations that name `classes` say of a value.
pub(super) fn instances(classes: &Types) -> Types {
    let mut types = Types::none();
    for typed in classes.iter() {
        let value = match &typed.value {
            Value::Class(class) => Value::Instance(*class),
            Value::Module(_) | Value::Namespace(_) | Value::Function(_) | Value::Method { .. } => continue,
            // They say nothing of the value.
            Value::External(name) if is_typing(name, &["Any", "Final", "ClassVar", "TypeAlias"]) => continue,
            // A `NewType`.
            Value::Returns(result) => {
                types.extend(result.clone());
                continue;
            }
            other => other.clone(),
        };
        types.add(Typed { value, inferred: typed.inferred });
    }
    types
}

//! Calls: what they are given, and what those of well-known functions mean.

use smallvec::SmallVec;
use syntax::ast::{self, Expr as Ast};
use syntax::{Ranged, TextRange};

use super::build::Builder;
use super::{
    Arguments, BindingValue, CallIndex, CallKind, Expr, ExprIndex, ImpliedKind, Key, KeywordFacts, KeywordIndex,
    Occurs, SymbolIndex, text,
};
use crate::Name;

impl Builder<'_> {
    pub fn call_expr(&mut self, expression: &Ast, call: &ast::ExprCall) -> ExprIndex {
        let callee = self.expr(&call.func);
        let arguments = self.arguments(call);
        let range = match &*call.func {
            Ast::Name(name) => name.range(),
            Ast::Attribute(attribute) => attribute.attr.range(),
            other => other.range(),
        };
        let positional = arguments.positional.clone();
        let typing = self.typing_name(&call.func);
        let bound = arguments.keywords().iter().find(|(name, _)| name.as_str() == "bound").map(|(_, value)| *value);
        let index = self.call(callee, range, CallKind::Call, arguments);
        self.keyword_names(index, &call.arguments);
        self.note_dynamic_namespace(call);
        self.forget_changed(call);
        self.remember_update(&call.func, positional.first().copied());
        self.take_effect(callee);
        if let Some(meaning) = self.evaluated_text(call) {
            return meaning;
        }
        if let Ast::Name(name) = &*call.func
            && self.reaching(Name::new(&name.id)).is_none()
            && let Some(meaning) = self.special_call(&name.id, &positional, range)
        {
            return meaning;
        }
        match (typing.as_deref(), &positional[..]) {
            (Some("cast"), [class, value]) => {
                let annotation = match &call.arguments.args[0] {
                    Ast::Name(_) | Ast::Attribute(_) => self.push(Expr::InstanceOf(*class)),
                    annotation => self.annotation(annotation),
                };
                return self.push(Expr::OrElse(annotation, *value));
            }
            (Some("TypeVar"), [_, constraints @ ..]) => {
                let bounds: Vec<_> =
                    constraints.iter().copied().chain(bound).map(|class| self.push(Expr::InstanceOf(class))).collect();
                let bound = (!bounds.is_empty()).then(|| self.union(bounds));
                return self.push(Expr::TypeVariable(bound));
            }
            (Some("NewType"), [_, class]) => {
                let instance = self.push(Expr::InstanceOf(*class));
                return self.push(Expr::Returning(instance));
            }
            _ => {}
        }
        if let Some(folded) = self.folded(expression) {
            return folded;
        }
        if let Some(ends) = text::format_ends(call) {
            return self.format(Some(ends));
        }
        self.push(Expr::Call(index))
    }

    fn arguments(&mut self, call: &ast::ExprCall) -> Arguments {
        let (mut positional, mut star): (SmallVec<[ExprIndex; 8]>, _) = (SmallVec::new(), None);
        for argument in &call.arguments.args {
            match argument {
                Ast::Starred(starred) => {
                    let value = self.expr(&starred.value);
                    self.iterated(value, starred.value.range());
                    star.get_or_insert(value);
                }
                argument => {
                    let value = self.expr(argument);
                    if star.is_none() {
                        positional.push(value);
                    }
                }
            }
        }
        let (mut keywords, mut double_star) = (Vec::new(), None);
        for keyword in &call.arguments.keywords {
            let value = self.expr(&keyword.value);
            match &keyword.arg {
                Some(name) => keywords.push((Name::new(name), value)),
                None => double_star = Some(value),
            }
        }
        if text::decorator_name(&call.func) == "namedtuple" {
            self.field_names(call, &mut positional);
        }
        Arguments::new(&positional, star, keywords, double_star)
    }

    fn keyword_names(&mut self, call: CallIndex, arguments: &ast::Arguments) {
        for name in arguments.keywords.iter().filter_map(|keyword| keyword.arg.as_ref()) {
            let keyword = KeywordIndex(self.summary.keywords.len() as u32);
            self.summary.keywords.push(KeywordFacts { call, name: Name::new(name) });
            self.occurs(name.range(), Occurs::Keyword(keyword));
        }
    }

    /// `eval("f()")`: the text is code of this place.
    fn evaluated_text(&mut self, call: &ast::ExprCall) -> Option<ExprIndex> {
        let name = call.func.as_name_expr()?;
        let is_eval = name.id.as_str() == "eval" && self.reaching(Name::new("eval")).is_none();
        let literal = call.arguments.args.first()?.as_string_literal_expr()?.as_single_part_string()?;
        let is_alone = call.arguments.len() == 1;
        let parsed = (is_eval && is_alone).then(|| syntax::parse_annotation(self.text, literal))??;
        Some(self.expr(&parsed))
    }

    /// Calls of built-ins whose result follows from their arguments.
    fn special_call(&mut self, name: &str, arguments: &[ExprIndex], range: TextRange) -> Option<ExprIndex> {
        let first = arguments.first().copied();
        let meaning = match (name, first) {
            ("super", None) => Expr::Super(self.current_class()?),
            ("super", Some(class)) if arguments.len() == 2 => Expr::SuperOf { class, object: arguments[1] },
            ("type", Some(value)) if arguments.len() == 1 => Expr::ClassOf(value),
            ("list" | "tuple" | "set" | "frozenset" | "sorted", Some(value)) => {
                Expr::Sequence(self.iterated(value, range))
            }
            ("reversed", Some(value)) => {
                let method = Name::new("__reversed__");
                let own = self.push(Expr::Unary { method, value });
                self.implied(own, range, ImpliedKind::Iteration);
                let element = self.push(Expr::Element(value));
                let sequence = self.push(Expr::Sequence(element));
                Expr::Union([own, sequence].into())
            }
            ("iter", Some(value)) if arguments.len() == 1 => {
                let element = self.push(Expr::Element(value));
                Expr::Sequence(element)
            }
            ("next", Some(value)) => {
                let next = self.push(Expr::Next(value));
                self.implied(next, range, ImpliedKind::Iteration);
                return Some(next);
            }
            ("max" | "min", Some(value)) if arguments.len() == 1 => return Some(self.iterated(value, range)),
            ("enumerate", Some(value)) => {
                let number = self.builtin("int");
                let element = self.iterated(value, range);
                let pair = self.push(Expr::Tuple([number, element].into()));
                Expr::Sequence(pair)
            }
            ("zip", Some(_)) => {
                let elements: Vec<_> = arguments.iter().map(|&value| self.iterated(value, range)).collect();
                let tuple = self.push(Expr::Tuple(elements.into()));
                Expr::Sequence(tuple)
            }
            _ => return None,
        };
        Some(self.push(meaning))
    }

    /// The names of a `namedtuple`'s fields, also where they are written as one text.
    fn field_names(&mut self, call: &ast::ExprCall, positional: &mut [ExprIndex]) {
        let names = call.arguments.args.get(1).and_then(text::field_names);
        if let (Some(names), 2..) = (names, positional.len()) {
            let parts = names.into_iter().map(|name| self.push(Expr::Constant(Key::Text(Name::new(name)))));
            let parts: Box<[_]> = parts.collect();
            let names = self.push(Expr::Tuple(parts.into()));
            positional[1] = names;
        }
    }

    /// What of `typing` a name or attribute is, by whatever name it was imported.
    fn typing_name(&self, callee: &Ast) -> Option<Name> {
        let (name, attribute) = match callee {
            Ast::Name(name) => (Name::new(&name.id), None),
            Ast::Attribute(attribute) => (Name::new(&attribute.value.as_name_expr()?.id), Some(&attribute.attr)),
            _ => return None,
        };
        let outer = || {
            let mut scopes = self.summary.scopes_visible_from(self.scope);
            scopes.find_map(|scope| self.names[scope.index()].get(&name))
        };
        let bindings = match self.flow.get(name) {
            Some(bindings) => &bindings[..],
            None => &outer()?[..],
        };
        bindings.iter().find_map(|&binding| {
            let BindingValue::Import(import) = self.summary.binding(binding).value else { return None };
            let import = self.summary.import(import);
            if !matches!(import.module.as_str(), "typing" | "typing_extensions") {
                return None;
            }
            match attribute {
                Some(attribute) if import.name.is_none() => Some(Name::new(attribute)),
                Some(_) => None,
                None => import.name,
            }
        })
    }

    /// `globals()`, `vars()`, `exec` and `setattr(sys.modules…)` at module level make names that no parser sees.
    fn note_dynamic_namespace(&mut self, call: &ast::ExprCall) {
        if let Ast::Name(name) = &*call.func
            && matches!(name.id.as_str(), "globals" | "exec" | "vars" | "setattr")
            && (name.id.as_str() != "setattr" || self.symbol == SymbolIndex::MODULE)
        {
            self.summary.dynamic = true;
        }
    }
}

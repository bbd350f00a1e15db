//! Functions as they are walked: parameters, lambdas, what is given back.

use syntax::ast::{self, Expr as Ast};
use syntax::{Ranged, TextRange};

use super::build::Builder;
use super::{
    BindingValue, Expr, ExprIndex, Flags, FunctionFacts, Narrowing, Occurs, Param, ParamKind, ReturnGuard, ScopeIndex,
    ScopeKind, SymbolFacts, SymbolIndex, SymbolKind,
};
use crate::Name;

/// A parameter, with what its binding needs.
pub(super) struct Parameter {
    pub facts: Param,
    pub value: BindingValue,
}

impl Builder<'_> {
    /// Walks defaults and annotations, which belong to the scope around the function.
    pub fn parameters(&mut self, parameters: &ast::Parameters) -> Vec<Parameter> {
        use super::ParamKind::{KeywordOnly, KwArgs, Positional, PositionalOnly, VarArgs};
        let mut out = Vec::new();
        for (kind, group) in [(PositionalOnly, &parameters.posonlyargs), (Positional, &parameters.args)] {
            group.iter().for_each(|it| self.parameter(&mut out, kind, &it.parameter, it.default.as_deref()));
        }
        parameters.vararg.iter().for_each(|it| self.parameter(&mut out, VarArgs, it, None));
        let keyword_only = parameters.kwonlyargs.iter();
        keyword_only.for_each(|it| self.parameter(&mut out, KeywordOnly, &it.parameter, it.default.as_deref()));
        parameters.kwarg.iter().for_each(|it| self.parameter(&mut out, KwArgs, it, None));
        out
    }

    fn parameter(&mut self, out: &mut Vec<Parameter>, kind: ParamKind, it: &ast::Parameter, default: Option<&Ast>) {
        let default_value = default.map(|default| self.expr(default));
        let annotation = it.annotation.as_ref().map(|annotation| {
            let value = self.annotation(annotation);
            match kind {
                ParamKind::VarArgs => self.push(Expr::Sequence(value)),
                ParamKind::KwArgs => self.push(Expr::Mapping(value)),
                _ => value,
            }
        });
        let position = out.len() as u32;
        out.push(Parameter {
            facts: Param {
                name: Name::new(&it.name),
                range: it.name.range(),
                kind,
                has_default: default.is_some(),
                annotation: it.annotation.as_ref().map(|annotation| annotation.range()),
            },
            value: BindingValue::Parameter { position, annotation, default: default_value },
        });
    }

    /// Walks a function's own code, where its parameters are bound.
    pub fn in_function(
        &mut self,
        symbol: SymbolIndex,
        around: ScopeIndex,
        params: Vec<Parameter>,
        walk: impl FnOnce(&mut Self),
    ) {
        self.in_scope(around, ScopeKind::Function, symbol, |builder| {
            for param in params {
                let binding = builder.bind(param.facts.name, param.facts.range, param.value);
                builder.occurs(param.facts.range, Occurs::Store(binding));
            }
            walk(builder);
        });
    }

    pub fn lambda(&mut self, lambda: &ast::ExprLambda) -> ExprIndex {
        let params = match &lambda.parameters {
            Some(parameters) => self.parameters(parameters),
            None => Vec::new(),
        };
        let name = self.next_lambda();
        let symbol = self.add_symbol(SymbolFacts {
            kind: SymbolKind::Lambda,
            name,
            parent: Some(self.symbol),
            ordinal: 0,
            path: 0,
            flags: Flags::default(),
            range: lambda.range(),
            name_range: TextRange::at(lambda.start(), "lambda".len().try_into().unwrap_or_default()),
            header: TextRange::new(lambda.start(), lambda.body.start()),
            body: Some(lambda.body.range()),
            docstring: None,
            params: params.iter().map(|param| param.facts.clone()).collect(),
            returns: None,
            decorators: Box::default(),
            complexity: 1,
            scope: None,
            function: Some(Box::new(FunctionFacts::default())),
            class: None,
            decorated: None,
        });
        self.in_function(symbol, self.scope, params, |builder| {
            let value = builder.expr(&lambda.body);
            builder.returns(value);
        });
        self.push(Expr::Definition(symbol))
    }

    pub fn returns(&mut self, value: ExprIndex) {
        let guard = self.guard();
        if let Some(function) = &mut self.summary.symbols[self.symbol.index()].function {
            function.guards.extend(guard.map(|guard| (function.returns.len() as u32, guard)));
            function.returns.push(value);
        }
    }

    /// What is known here of a parameter that is `None` where it is not given.
    fn guard(&self) -> Option<ReturnGuard> {
        let params = &self.summary.symbol(self.symbol).params;
        params.iter().filter(|param| param.has_default).find_map(|param| {
            let [binding] = self.flow.get(param.name)?[..] else { return None };
            let BindingValue::Narrowed { inputs, by } = &self.summary.binding(binding).value else { return None };
            let is_none = match by {
                Narrowing::None => true,
                Narrowing::NotNone => false,
                Narrowing::Class { .. } => return None,
            };
            let [input] = inputs[..] else { return None };
            let BindingValue::Parameter { position, default: Some(default), .. } = self.summary.binding(input).value
            else {
                return None;
            };
            let is_optional = matches!(self.summary.expr(default), Expr::Builtin(name) if name.as_str() == "None");
            is_optional.then_some(ReturnGuard { position, is_none })
        })
    }

    pub fn yields(&mut self, value: ExprIndex) {
        let symbol = &mut self.summary.symbols[self.symbol.index()];
        symbol.flags.is_generator = true;
        if let Some(function) = &mut symbol.function {
            function.yields.push(value);
        }
    }
}

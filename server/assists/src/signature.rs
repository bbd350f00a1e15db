//! Parameters of functions, and how they are changed.

use graph::ParamKind;
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};
use syntax::ast::{Expr, StmtFunctionDef};
use syntax::{Parsed, TextEdit, TextRange, TextSize};

use super::arguments::rewrite;

/// One step of a change of a signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SignatureStep {
    Add {
        name: String,
        annotation: Option<String>,
        default: Option<String>,
        /// What callers pass; without one they rely on the default.
        value: Option<String>,
        /// Among the parameters that can be given by position, the receiver left out; behind them if there is none.
        position: Option<usize>,
        #[serde(default)]
        keyword_only: bool,
    },
    Remove {
        name: String,
    },
    Rename {
        name: String,
        to: String,
    },
    /// The names of all parameters that can be given by position, the receiver left out, in their new order.
    Reorder {
        order: Vec<String>,
    },
    KeywordOnly {
        name: String,
    },
}

/// A parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parameter {
    pub name: String,
    pub kind: ParamKind,
    pub has_default: bool,
    /// Its text behind the name: annotation and default.
    pub rest: String,
    /// Its place in the signature before.
    pub origin: Option<usize>,
    /// What callers pass for a new one.
    pub value: Option<String>,
}

impl Parameter {
    fn text(&self) -> String {
        let stars = match self.kind {
            ParamKind::VarArgs => "*",
            ParamKind::KwArgs => "**",
            _ => "",
        };
        format!("{stars}{}{}", self.name, self.rest)
    }

    pub fn is_positional(&self) -> bool {
        matches!(self.kind, ParamKind::PositionalOnly | ParamKind::Positional)
    }
}

/// The parameters of a function, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signature {
    pub params: Vec<Parameter>,
    /// How many of the first ones are a method's receiver: none or one.
    pub receiver: usize,
}

impl Signature {
    pub fn of(function: &StmtFunctionDef, text: &str, receiver: usize) -> Signature {
        let all = &*function.parameters;
        let mut params = Vec::new();
        let mut add = |name: &syntax::ast::Identifier, kind, has_default, range: TextRange| {
            params.push(Parameter {
                name: name.to_string(),
                kind,
                has_default,
                rest: text[TextRange::new(name.range.end(), range.end())].to_owned(),
                origin: Some(params.len()),
                value: None,
            });
        };
        for (group, kind) in [(&all.posonlyargs, ParamKind::PositionalOnly), (&all.args, ParamKind::Positional)] {
            for it in group {
                add(&it.parameter.name, kind, it.default.is_some(), it.range);
            }
        }
        all.vararg.iter().for_each(|it| add(&it.name, ParamKind::VarArgs, false, it.range));
        for it in &all.kwonlyargs {
            add(&it.parameter.name, ParamKind::KeywordOnly, it.default.is_some(), it.range);
        }
        all.kwarg.iter().for_each(|it| add(&it.name, ParamKind::KwArgs, false, it.range));
        let receiver = receiver.min(params.iter().filter(|it| it.is_positional()).count());
        Signature { params, receiver }
    }

    fn at(&self, name: &str) -> Result<usize, String> {
        let found = self.params.iter().position(|param| param.name == name);
        found
            .filter(|at| *at >= self.receiver)
            .ok_or_else(|| format!("there is no parameter `{name}` that could be changed"))
    }

    /// # Errors
    /// When a step makes no sense, or the outcome is no signature.
    pub fn after(&self, steps: &[SignatureStep]) -> Result<Signature, String> {
        let mut new = self.clone();
        for step in steps {
            new.step(step)?;
        }
        let mut names = FxHashSet::default();
        if let Some(twice) = new.params.iter().find(|param| !names.insert(&param.name)) {
            return Err(format!("there would be two parameters `{}`", twice.name));
        }
        let mut optional = false;
        for param in new.params.iter().filter(|param| param.is_positional()) {
            if optional && !param.has_default {
                return Err(format!("`{}`, which has no default, would follow one that has", param.name));
            }
            optional |= param.has_default;
        }
        Ok(new)
    }

    fn step(&mut self, step: &SignatureStep) -> Result<(), String> {
        match step {
            SignatureStep::Add { name, annotation, default, value, position, keyword_only } => {
                let is_name = syntax::parse(&format!("{name} = 0\n")).statements().first().is_some_and(|stmt| {
                    stmt.as_assign_stmt().is_some_and(|it| it.targets.len() == 1 && it.targets[0].is_name_expr())
                });
                for text in [annotation, default, value].into_iter().flatten() {
                    is_expression(text).then_some(()).ok_or_else(|| format!("`{text}` is not an expression"))?;
                }
                is_name.then_some(()).ok_or_else(|| format!("`{name}` is not a name"))?;
                if default.is_none() && value.is_none() {
                    return Err(format!("callers need a value for `{name}`, or it needs a default"));
                }
                let colon = annotation.as_ref().map_or(String::new(), |it| format!(": {it}"));
                let equals = if annotation.is_some() { " = " } else { "=" };
                let rest = default.as_ref().map_or(colon.clone(), |it| format!("{colon}{equals}{it}"));
                let first = self.params.iter().take_while(|param| param.is_positional()).count();
                let (at, kind) = match (keyword_only, position) {
                    (true, _) => {
                        let end = self.params.iter().position(|it| it.kind == ParamKind::KwArgs);
                        (end.unwrap_or(self.params.len()), ParamKind::KeywordOnly)
                    }
                    (false, position) => {
                        let at = position.map_or(first, |it| (it + self.receiver).min(first));
                        let only = self.params.get(at).is_some_and(|it| it.kind == ParamKind::PositionalOnly);
                        (at, if only { ParamKind::PositionalOnly } else { ParamKind::Positional })
                    }
                };
                let has_default = default.is_some();
                let (name, value) = (name.clone(), value.clone());
                self.params.insert(at, Parameter { name, kind, has_default, rest, origin: None, value });
            }
            SignatureStep::Remove { name } => drop(self.params.remove(self.at(name)?)),
            SignatureStep::Rename { name, to } => {
                let at = self.at(name)?;
                self.params[at].name = to.clone();
            }
            SignatureStep::Reorder { order } => {
                let count = self.params.iter().take_while(|param| param.is_positional()).count();
                let kinds: Vec<ParamKind> = self.params[..count].iter().map(|param| param.kind).collect();
                let mut sorted: Vec<Parameter> = self.params[..self.receiver].to_vec();
                for name in order {
                    sorted.push(self.params[self.at(name)?].clone());
                }
                if sorted.len() != count || sorted.iter().any(|param| !param.is_positional()) {
                    return Err("the new order has to name each parameter that can be given by position".to_owned());
                }
                for (param, kind) in sorted.iter_mut().zip(kinds) {
                    param.kind = kind;
                }
                self.params.splice(..count, sorted);
            }
            SignatureStep::KeywordOnly { name } => {
                let at = self.at(name)?;
                if !self.params[at].is_positional() {
                    return Err(format!("`{name}` cannot be given by position as it is"));
                }
                let mut param = self.params.remove(at);
                param.kind = ParamKind::KeywordOnly;
                let end =
                    self.params.iter().position(|it| matches!(it.kind, ParamKind::KeywordOnly | ParamKind::KwArgs));
                self.params.insert(end.unwrap_or(self.params.len()), param);
            }
        }
        Ok(())
    }

    /// What stands between the commas of the definition.
    fn parts(&self) -> Vec<String> {
        let mut parts = Vec::new();
        for (at, param) in self.params.iter().enumerate() {
            let before = at.checked_sub(1).map(|before| self.params[before].kind);
            if before == Some(ParamKind::PositionalOnly) && param.kind != ParamKind::PositionalOnly {
                parts.push("/".to_owned());
            }
            let first_keyword = param.kind == ParamKind::KeywordOnly
                && !matches!(before, Some(ParamKind::KeywordOnly | ParamKind::VarArgs));
            if first_keyword {
                parts.push("*".to_owned());
            }
            parts.push(param.text());
        }
        if self.params.last().is_some_and(|last| last.kind == ParamKind::PositionalOnly) {
            parts.push("/".to_owned());
        }
        parts
    }

    /// The edits that make the parameters of `function` those of `self`; uses in its body are not touched.
    pub fn write(&self, function: &StmtFunctionDef, parsed: &Parsed, text: &str) -> Vec<TextEdit> {
        rewrite(text, parsed, function.parameters.range, &self.parts())
    }
}

/// Whether `text` is an expression and nothing else.
pub(super) fn is_expression(text: &str) -> bool {
    // A tuple, a comment or a line end would not stay inside.
    let code = format!("({text}\n)");
    let parsed = syntax::parse(&code);
    let [syntax::ast::Stmt::Expr(stmt)] = parsed.statements() else { return false };
    let is_bare = matches!(&*stmt.value, Expr::Tuple(it) if it.range.start() == TextSize::new(0));
    !parsed.has_errors() && !text.trim().is_empty() && !is_bare && !text.contains('#')
}

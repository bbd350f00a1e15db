//! `match`: what patterns bind, and what they say of the value.

use syntax::Ranged;
use syntax::ast::{self, Expr as Ast, Pattern};

use super::build::Builder;
use super::flow::Flow;
use super::narrowing::{self, Narrowed, Subject};
use super::{BindingValue, ClassTest, Expr, ExprIndex, Narrowing, Occurs};
use crate::Name;

/// A value that is matched: the subject, or a part of a tuple that is written out.
struct Matched {
    /// What else tells about it: `shape` in `match shape`.
    subject: Option<Subject>,
    value: ExprIndex,
}

/// What a pattern says of the value.
#[derive(Default)]
struct Tells {
    when_matched: Option<Narrowing>,
    when_not: Option<Narrowing>,
}

impl Tells {
    fn class(classes: ExprIndex, is_all: bool) -> Tells {
        let known = |holds| Narrowing::Class { test: ClassTest::Instance, classes, holds };
        Tells { when_matched: Some(known(true)), when_not: is_all.then(|| known(false)) }
    }

    fn classes(&self) -> Option<ExprIndex> {
        match self.when_matched {
            Some(Narrowing::Class { classes, .. }) => Some(classes),
            _ => None,
        }
    }
}

impl Builder<'_> {
    pub fn match_statement(&mut self, statement: &ast::StmtMatch) {
        let whole = self.expr(&statement.subject);
        let mut parts = self.matched(&statement.subject, whole);
        let mut ends: Vec<(Flow, Vec<Narrowed>)> = Vec::new();
        let mut ruled_out: Vec<Narrowed> = Vec::new();
        let mut is_exhausted = false;
        for case in &statement.cases {
            self.complexity();
            let patterns: Vec<&Pattern> = match &case.pattern {
                Pattern::MatchSequence(sequence) if parts.len() > 1 && sequence.patterns.len() == parts.len() => {
                    sequence.patterns.iter().collect()
                }
                pattern => vec![pattern],
            };
            let by_part = patterns.len() == parts.len();
            let (mut narrowed, mut told) = (Vec::new(), Vec::new());
            let end = self.branch(|builder| {
                for (index, pattern) in patterns.iter().enumerate() {
                    let part = parts.get(index).filter(|_| by_part);
                    let tells = builder.pattern(pattern, part.map_or(whole, |part| part.value));
                    if let (Some(subject), Some(by)) = (part.and_then(|part| part.subject), tells.when_matched) {
                        narrowed.extend(builder.narrow(&[(subject, by)]));
                    }
                    told.push(tells.when_not);
                }
                if let Some(guard) = &case.guard {
                    let condition = builder.condition(guard);
                    narrowed.extend(builder.narrow(&condition.when_true));
                }
                builder.statements(&case.body);
            });
            ends.push((end, narrowed));
            if case.guard.is_some() {
                continue;
            }
            let open = patterns.iter().filter(|pattern| !pattern_always_matches(pattern)).count();
            is_exhausted |= open == 0;
            for (index, by) in told.into_iter().enumerate().filter(|_| by_part) {
                let others = open - usize::from(!pattern_always_matches(patterns[index]));
                if let (Some(by), 0) = (by, others) {
                    parts[index].value = self.narrowed_value(parts[index].value, by);
                    if let Some(subject) = parts[index].subject {
                        ruled_out.extend(self.narrow(&[(subject, by)]));
                    }
                }
            }
        }
        // No case may match.
        if is_exhausted {
            self.flow.end();
        }
        ends.push((std::mem::take(&mut self.flow), ruled_out));
        self.flow = narrowing::join(ends);
    }

    fn matched(&mut self, subject: &Ast, value: ExprIndex) -> Vec<Matched> {
        let parts: Vec<(&Ast, ExprIndex)> = match (subject, self.summary.expr(value)) {
            (Ast::Tuple(tuple), Expr::Tuple(parts)) if tuple.elts.len() == parts.len() => {
                tuple.elts.iter().zip(parts.iter().copied()).collect()
            }
            _ => vec![(subject, value)],
        };
        let matched = parts.into_iter().map(|(part, value)| {
            let subject = match part {
                Ast::Name(name) => Some(Subject::Name(Name::new(&name.id))),
                part => narrowing::narrowable_place(part).map(|place| Subject::Place(place, value)),
            };
            Matched { subject, value }
        });
        matched.collect()
    }

    /// What is left of a value.
    fn narrowed_value(&mut self, value: ExprIndex, by: Narrowing) -> ExprIndex {
        let whole = self.derived(Name::new(""), BindingValue::Value(value));
        let inputs = whole.into();
        let narrowed = self.derived(Name::new(""), BindingValue::Narrowed { inputs, by });
        self.push(Expr::Local(narrowed.into()))
    }

    /// Binds what a pattern captures.
    fn pattern(&mut self, pattern: &Pattern, value: ExprIndex) -> Tells {
        match pattern {
            Pattern::MatchValue(pattern) => self.visit(&pattern.value),
            Pattern::MatchSingleton(pattern) if pattern.value == ast::Singleton::None => {
                return Tells { when_matched: Some(Narrowing::None), when_not: Some(Narrowing::NotNone) };
            }
            Pattern::MatchSingleton(_) => {}
            Pattern::MatchSequence(pattern) => self.sequence_pattern(&pattern.patterns, value),
            Pattern::MatchMapping(pattern) => {
                for (key, pattern) in pattern.keys.iter().zip(&pattern.patterns) {
                    let key = self.key(key);
                    let item = self.push(Expr::Item { value, key });
                    self.pattern(pattern, item);
                }
                self.capture(pattern.rest.as_ref(), value);
            }
            Pattern::MatchClass(pattern) => return self.class_pattern(pattern, value),
            Pattern::MatchStar(pattern) => {
                let rest = self.push(Expr::Rest { value, before: 0, after: 0 });
                self.capture(pattern.name.as_ref(), rest);
            }
            Pattern::MatchAs(pattern) => {
                let tells = pattern.pattern.as_ref().map(|inner| self.pattern(inner, value)).unwrap_or_default();
                if pattern.name.is_some() {
                    let value = match tells.when_matched {
                        Some(by) => self.narrowed_value(value, by),
                        None => value,
                    };
                    self.capture(pattern.name.as_ref(), value);
                }
                return tells;
            }
            Pattern::MatchOr(pattern) => {
                let tells: Vec<Tells> = pattern.patterns.iter().map(|pattern| self.pattern(pattern, value)).collect();
                let classes: Option<Vec<_>> = tells.iter().map(Tells::classes).collect();
                let is_all = tells.iter().all(|tells| tells.when_not.is_some());
                if let Some(classes) = classes {
                    return Tells::class(self.push(Expr::Tuple(classes.into())), is_all);
                }
            }
        }
        Tells::default()
    }

    fn sequence_pattern(&mut self, patterns: &[Pattern], value: ExprIndex) {
        let starred = patterns.iter().position(Pattern::is_match_star);
        for (position, pattern) in patterns.iter().enumerate() {
            let from_end = position as i32 - patterns.len() as i32;
            match (pattern, starred) {
                (Pattern::MatchStar(star), _) => {
                    let after = (patterns.len() - position - 1) as u32;
                    let rest = self.push(Expr::Rest { value, before: position as u32, after });
                    self.capture(star.name.as_ref(), rest);
                }
                (pattern, starred) => {
                    let index = if starred.is_some_and(|star| star < position) { from_end } else { position as i32 };
                    let item = self.push(Expr::Unpacked { value, index });
                    self.pattern(pattern, item);
                }
            }
        }
    }

    fn class_pattern(&mut self, pattern: &ast::PatternMatchClass, value: ExprIndex) -> Tells {
        let class = self.expr(&pattern.cls);
        let positional = &pattern.arguments.patterns;
        let keywords = &pattern.arguments.keywords;
        let is_all = positional.iter().chain(keywords.iter().map(|it| &it.pattern)).all(pattern_always_matches);
        let tells = Tells::class(class, is_all);
        if let (Some(by), false) = (tells.when_matched, positional.is_empty() && keywords.is_empty()) {
            let value = self.narrowed_value(value, by);
            for (position, pattern) in positional.iter().enumerate() {
                let part = self.push(Expr::MatchArgument { value, class, position: position as u32 });
                self.pattern(pattern, part);
            }
            for keyword in keywords {
                let name = Name::new(&keyword.attr);
                let value = self.push(Expr::Attribute { value, name });
                self.occurs(keyword.attr.range(), Occurs::Load(value));
                self.pattern(&keyword.pattern, value);
            }
        }
        tells
    }

    fn capture(&mut self, name: Option<&ast::Identifier>, value: ExprIndex) {
        if let Some(name) = name {
            let binding = self.bind(Name::new(name), name.range(), BindingValue::Value(value));
            self.occurs(name.range(), Occurs::Store(binding));
        }
    }
}

/// A capture or wildcard.
fn pattern_always_matches(pattern: &Pattern) -> bool {
    match pattern {
        Pattern::MatchAs(pattern) => pattern.pattern.as_deref().is_none_or(pattern_always_matches),
        Pattern::MatchOr(pattern) => pattern.patterns.iter().any(pattern_always_matches),
        Pattern::MatchStar(_) => true,
        _ => false,
    }
}

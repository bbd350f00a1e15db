//! What was assigned to an attribute or item shortly before: `table["k"] = f; table["k"]()`.
//!
//! A path is known from the assignment until anything might change what it leads to: a call, another assignment to the same
//! attribute or to an item that may be the same one, a new meaning of the name it begins with, other code running in
//! between. Where control flow joins only what all branches agree on stays known.

use smallvec::SmallVec;
use syntax::ast::Expr as Ast;

use super::build::Builder;
use super::{Expr, ExprIndex, Key, Place, text};
use crate::Name;

/// Steps of a path; longer ones are rare.
const MAX_STEPS: usize = 3;

/// Assignments that are remembered; more of them in a row are a table that was generated.
const MAX_RECENT: usize = 64;

/// A name and the attributes and items that lead on from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AccessPath {
    base: Name,
    steps: SmallVec<[Place; 2]>,
}

impl AccessPath {
    /// The path that an expression writes.
    pub fn of(expression: &Ast) -> Option<AccessPath> {
        let (inner, step) = match expression {
            Ast::Name(name) => return Some(AccessPath { base: Name::new(&name.id), steps: SmallVec::new() }),
            Ast::Attribute(attribute) => (&attribute.value, Place::Attribute(Name::new(&attribute.attr))),
            Ast::Subscript(subscript) => (&subscript.value, Place::Item(constant(&subscript.slice)?)),
            _ => return None,
        };
        let mut path = AccessPath::of(inner)?;
        path.steps.push(step);
        (path.steps.len() <= MAX_STEPS).then_some(path)
    }

    fn may_lead_through(&self, place: Place) -> bool {
        self.steps.iter().any(|&step| match (step, place) {
            (Place::Attribute(own), Place::Attribute(other)) => own == other,
            (Place::Item(own), Place::Item(other)) => own == other || !is_constant(own) || !is_constant(other),
            _ => false,
        })
    }
}

fn is_constant(key: Key) -> bool {
    // From the end it may be any.
    matches!(key, Key::Text(_) | Key::Index(0..))
}

fn constant(slice: &Ast) -> Option<Key> {
    match slice {
        Ast::StringLiteral(literal) => text::short_text(literal).map(|text| Key::Text(Name::new(text))),
        Ast::NumberLiteral(literal) => text::small_number(literal).map(Key::Index),
        _ => None,
    }
}

/// The paths of which the value is known, at one point of the control flow.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent(Vec<(AccessPath, ExprIndex)>);

impl Recent {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn push(&mut self, path: AccessPath, value: ExprIndex) {
        if self.0.len() < MAX_RECENT {
            self.0.push((path, value));
        }
    }

    pub fn forget_all(&mut self) {
        self.0.clear();
    }

    /// The name has another meaning now.
    pub fn forget_base(&mut self, name: Name) {
        self.0.retain(|(path, _)| path.base != name);
    }

    /// What joins other control flow stays known where both sides agree.
    pub fn join(&mut self, other: &Recent) {
        self.0.retain(|known| other.0.contains(known));
    }
}

impl Builder<'_> {
    /// `place` of some object gets another value.
    pub fn forget_place(&mut self, place: Place) {
        self.flow.recent.0.retain(|(path, _)| !path.may_lead_through(place));
    }

    /// Anything may have run.
    pub fn forget_recent(&mut self) {
        self.flow.recent.forget_all();
    }

    /// `target`, an attribute or item, was assigned.
    pub fn remember(&mut self, target: &Ast, value: ExprIndex) {
        let Some(path) = AccessPath::of(target) else { return };
        if self.flow.get(path.base).is_some() {
            self.flow.recent.push(path, value);
        }
    }

    /// `object.update({…})` with constant keys assigns them.
    pub fn remember_update(&mut self, callee: &Ast, given: Option<ExprIndex>) {
        let (Ast::Attribute(attribute), Some(given)) = (callee, given) else { return };
        let (Expr::Dict(items), "update") = (self.summary.expr(given), attribute.attr.as_str()) else { return };
        let Some(object) = AccessPath::of(&attribute.value).filter(|path| self.flow.get(path.base).is_some()) else {
            return;
        };
        if !items.iter().all(|(key, _)| is_constant(*key)) {
            return;
        }
        // The last of equal keys counts.
        let items = items.clone();
        for &(key, value) in items.iter().rev() {
            let mut path = object.clone();
            path.steps.push(Place::Item(key));
            if !self.flow.recent.0.iter().any(|(other, _)| *other == path) {
                self.flow.recent.push(path, value);
            }
        }
    }

    /// The meaning of `place`, as `expression` writes it, where it was assigned before.
    pub fn recently(&mut self, expression: &Ast, place: ExprIndex) -> ExprIndex {
        if self.flow.recent.is_empty() {
            return place;
        }
        let Some(path) = AccessPath::of(expression) else { return place };
        let known = self.flow.recent.0.iter().find(|(other, _)| *other == path).map(|(_, value)| *value);
        known.map_or(place, |value| self.push(Expr::Recent { place, value }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Option<AccessPath> {
        match syntax::parse(text).statements() {
            [syntax::ast::Stmt::Expr(statement)] => AccessPath::of(&statement.value),
            _ => unreachable!(),
        }
    }

    #[test]
    fn paths_have_constant_steps() {
        assert_eq!(path("table['a'].b"), path("table[\"a\"].b"));
        assert!(path("table[0]['x']").is_some());
        for text in ["table[key]", "f().a", "table[-1]", "a.b.c.d.e"] {
            assert_eq!(path(text), None, "{text}");
        }
    }

    #[test]
    fn assigning_forgets_what_may_be_the_same() {
        let known = path("table['a'].b").unwrap();
        let item = |key| Place::Item(key);
        assert!(known.may_lead_through(item(Key::Any)));
        assert!(known.may_lead_through(item(Key::Text(Name::new("a")))));
        assert!(!known.may_lead_through(item(Key::Text(Name::new("b")))));
        assert!(known.may_lead_through(Place::Attribute(Name::new("b"))));
        assert!(!known.may_lead_through(Place::Attribute(Name::new("c"))));
    }

    #[test]
    fn joins_keep_what_both_sides_know() {
        let entry = |text: &str, value| (path(text).unwrap(), ExprIndex(value));
        let mut left = Recent(vec![entry("a.x", 1), entry("a.y", 2), entry("b.x", 3)]);
        let right = Recent(vec![entry("a.x", 1), entry("a.y", 4)]);
        left.join(&right);
        assert_eq!(left.0, [entry("a.x", 1)]);
        left.forget_base(Name::new("a"));
        assert!(left.is_empty());
    }
}

//! What other files may depend on, hashed without offsets. The hashes are good for this process only.
//!
//! Linking a file records the key of everything that it looks up in other files, also of what it does not find. An edit
//! changes the hashes of some keys; the files that looked one of them up are linked again, and no others.

use std::hash::{Hash, Hasher};

use rustc_hash::{FxHashMap, FxHasher};

use super::{BindingIndex, BindingValue, Expr, ExprIndex, Key, Narrowing, ScopeIndex, Summary, SymbolIndex};
use crate::Name;
use crate::name::hasher;

/// Something that another file can look up in this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Item {
    /// What a name means in the scopes of a definition. The owner is a symbol's [`SymbolFacts::path`].
    Name { owner: u64, name: Name },
    /// What methods assign to an attribute of instances.
    InstanceAttribute { class: u64, name: Name },
    /// A definition's own facts: signature, decorators, bases, returned values.
    Definition { path: u64 },
    /// `__all__` and star imports.
    Exports,
}

pub(crate) fn item_key(item: Item) -> u64 {
    let mut hasher = hasher();
    std::mem::discriminant(&item).hash(&mut hasher);
    match item {
        Item::Name { owner, name } => (owner, name).hash(&mut hasher),
        Item::InstanceAttribute { class, name } => (class, name).hash(&mut hasher),
        Item::Definition { path } => path.hash(&mut hasher),
        Item::Exports => {}
    }
    hasher.finish()
}

pub(super) fn items(summary: &Summary) -> FxHashMap<u64, u64> {
    let content = Content::new(summary);
    let mut items = content.names();
    for symbol in &summary.symbols {
        let path = symbol.path;
        let mut hasher = hasher();
        (symbol.kind, symbol.flags).hash(&mut hasher);
        for param in &symbol.params {
            (param.name, param.kind, param.has_default, param.annotation.is_some()).hash(&mut hasher);
        }
        if let Some(function) = &symbol.function {
            function.return_annotation.iter().for_each(|&expr| content.expr(expr, &mut hasher));
            function.returns.iter().for_each(|&expr| content.expr(expr, &mut hasher));
            function.yields.iter().for_each(|&expr| content.expr(expr, &mut hasher));
        }
        if let Some(class) = &symbol.class {
            (class.is_transformed, class.is_protocol, class.has_fields).hash(&mut hasher);
            if class.has_fields {
                // The order of the fields.
                let fields = summary.bindings.iter().filter(|binding| Some(binding.scope) == symbol.scope);
                fields.for_each(|field| field.name.hash(&mut hasher));
            }
            class.bases.iter().for_each(|&expr| content.expr(expr, &mut hasher));
            class.filled_in.iter().flatten().for_each(|&expr| content.expr(expr, &mut hasher));
            for (&attribute, facts) in &class.attributes {
                let mut hasher = crate::name::hasher();
                facts.values.iter().for_each(|&expr| content.expr(expr, &mut hasher));
                items.insert(item_key(Item::InstanceAttribute { class: path, name: attribute }), hasher.finish());
            }
        }
        items.insert(item_key(Item::Definition { path }), hasher.finish());
    }
    let mut hasher = hasher();
    (summary.dynamic, summary.errors.is_empty()).hash(&mut hasher);
    summary.exports.is_some().hash(&mut hasher);
    for name in summary.exports.iter().flat_map(|exports| exports.names.iter().chain(&exports.modules)) {
        name.hash(&mut hasher);
    }
    for &star in &summary.scope(ScopeIndex::MODULE).stars {
        let star = summary.import(star);
        (star.module, star.level, star.is_optional).hash(&mut hasher);
    }
    items.insert(item_key(Item::Exports), hasher.finish());
    items
}

/// Hashes facts by what they say, not by where they stand.
struct Content<'a> {
    summary: &'a Summary,
    /// A binding's place among those of its name in its scope.
    ordinals: Vec<u32>,
}

impl<'a> Content<'a> {
    fn new(summary: &'a Summary) -> Self {
        let mut counts: FxHashMap<(ScopeIndex, Name), u32> = FxHashMap::default();
        let mut ordinals = Vec::with_capacity(summary.bindings.len());
        for binding in &summary.bindings {
            let count = counts.entry((binding.scope, binding.name)).or_default();
            ordinals.push(*count);
            *count += 1;
        }
        Content { summary, ordinals }
    }

    /// What each name means: all its bindings, and which of them the scope ends with. The scopes of comprehensions count
    /// as their definition's.
    fn names(&self) -> FxHashMap<u64, u64> {
        let mut hashers: FxHashMap<u64, FxHasher> = FxHashMap::default();
        let key = |scope: ScopeIndex, name: Name| {
            let owner = self.summary.symbol(self.summary.scope(scope).symbol).path;
            item_key(Item::Name { owner, name })
        };
        for (index, binding) in self.summary.bindings.iter().enumerate() {
            let hasher = hashers.entry(key(binding.scope, binding.name)).or_default();
            self.binding(BindingIndex(index as u32), hasher);
        }
        for (index, scope) in self.summary.scopes.iter().enumerate() {
            for (name, bindings) in scope.names.iter() {
                let hasher = hashers.entry(key(ScopeIndex(index as u32), name)).or_default();
                bindings.len().hash(hasher);
                bindings.iter().for_each(|&binding| self.reference(binding, hasher));
                // Star imports that come later may replace it.
                let bound = bindings.iter().map(|&binding| self.summary.binding(binding).range.start()).max();
                let stars = scope.stars.iter().map(|&star| self.summary.import(star));
                for star in stars.filter(|star| bound.is_some_and(|bound| bound < star.range.start())) {
                    (star.module, star.level, star.is_optional).hash(hasher);
                }
            }
        }
        hashers.into_iter().map(|(key, hasher)| (key, hasher.finish())).collect()
    }

    fn binding(&self, binding: BindingIndex, hasher: &mut FxHasher) {
        let facts = self.summary.binding(binding);
        std::mem::discriminant(&facts.value).hash(hasher);
        match &facts.value {
            BindingValue::Definition(symbol) => {
                // What a decorator or a property makes of it is what the name means.
                let facts = self.summary.symbol(*symbol);
                (facts.path, facts.kind, facts.flags).hash(hasher);
                facts.decorated.iter().for_each(|&decorated| self.expr(decorated, hasher));
            }
            BindingValue::Import(import) => {
                let import = self.summary.import(*import);
                (import.module, import.level, import.name, import.renamed).hash(hasher);
            }
            BindingValue::Value(value) => {
                facts.symbol.is_some().hash(hasher);
                self.expr(*value, hasher);
            }
            BindingValue::Parameter { position, annotation, default } => {
                position.hash(hasher);
                annotation.iter().chain(default).for_each(|&expr| self.expr(expr, hasher));
            }
            BindingValue::Join(inputs) => inputs.iter().for_each(|&input| self.reference(input, hasher)),
            BindingValue::Narrowed { inputs, by } => {
                inputs.iter().for_each(|&input| self.reference(input, hasher));
                std::mem::discriminant(by).hash(hasher);
                if let Narrowing::Class { test, classes, holds } = by {
                    (test, holds).hash(hasher);
                    self.expr(*classes, hasher);
                }
            }
        }
    }

    /// A binding by name and place; its content is an item, or part of one, of its own.
    fn reference(&self, binding: BindingIndex, hasher: &mut FxHasher) {
        let facts = self.summary.binding(binding);
        (facts.name, self.ordinals[binding.index()]).hash(hasher);
    }

    fn symbol(&self, symbol: SymbolIndex, hasher: &mut FxHasher) {
        self.summary.symbol(symbol).path.hash(hasher);
    }

    fn expr(&self, expr: ExprIndex, hasher: &mut FxHasher) {
        let expr = self.summary.expr(expr);
        std::mem::discriminant(expr).hash(hasher);
        match expr {
            Expr::Local(bindings) => bindings.iter().for_each(|&binding| self.reference(binding, hasher)),
            Expr::Free { scope, name } => {
                self.symbol(self.summary.scope(*scope).symbol, hasher);
                name.hash(hasher);
            }
            Expr::Attribute { value, name } => {
                self.expr(*value, hasher);
                name.hash(hasher);
            }
            Expr::Super(symbol) | Expr::SelfInstance(symbol) | Expr::Definition(symbol) => {
                self.symbol(*symbol, hasher);
            }
            Expr::Call(call) => {
                let call = self.summary.call(*call);
                self.expr(call.callee, hasher);
                // What is given may be what comes back.
                let keywords = call.arguments.keywords().iter();
                keywords.clone().for_each(|(name, _)| name.hash(hasher));
                let given = call.arguments.positional.iter().chain(keywords.map(|(_, value)| value));
                given.for_each(|&value| self.expr(value, hasher));
            }
            Expr::SuperOf { class, object } => {
                self.expr(*class, hasher);
                self.expr(*object, hasher);
            }
            Expr::Caught(caught) => {
                self.expr(caught.class, hasher);
                caught.not.iter().for_each(|&class| self.expr(class, hasher));
            }
            Expr::MatchArgument { value, class, position } => {
                self.expr(*value, hasher);
                self.expr(*class, hasher);
                position.hash(hasher);
            }
            Expr::TypeVariable(bound) => bound.iter().for_each(|&bound| self.expr(bound, hasher)),
            Expr::ClassOf(value)
            | Expr::InstanceOf(value)
            | Expr::Element(value)
            | Expr::Next(value)
            | Expr::Slice { value, .. }
            | Expr::Recent { place: value, .. }
            | Expr::Awaited(value)
            | Expr::Returning(value)
            | Expr::Entered(value)
            | Expr::Sequence(value)
            | Expr::Mapping(value) => self.expr(*value, hasher),
            Expr::Item { value, key } => {
                self.expr(*value, hasher);
                self.key(*key, hasher);
            }
            Expr::Unpacked { value, index } => {
                self.expr(*value, hasher);
                index.hash(hasher);
            }
            Expr::Rest { value, before, after } => {
                self.expr(*value, hasher);
                (before, after).hash(hasher);
            }
            Expr::Unary { method, value } => {
                method.hash(hasher);
                self.expr(*value, hasher);
            }
            Expr::Binary { method, left, right } => {
                method.hash(hasher);
                self.expr(*left, hasher);
                self.expr(*right, hasher);
            }
            Expr::Union(parts) | Expr::Tuple(parts) | Expr::List(parts) => {
                parts.len().hash(hasher);
                parts.iter().for_each(|&part| self.expr(part, hasher));
            }
            Expr::Dict(items) => {
                for (key, value) in items.iter() {
                    self.key(*key, hasher);
                    self.expr(*value, hasher);
                }
            }
            Expr::Constant(key) => self.key(*key, hasher),
            Expr::Format { prefix, suffix } => (prefix, suffix).hash(hasher),
            Expr::OrElse(first, second) => {
                self.expr(*first, hasher);
                self.expr(*second, hasher);
            }
            Expr::Builtin(name) => name.hash(hasher),
            Expr::Final(_) | Expr::Sent(_) | Expr::Unknown => {}
        }
    }

    fn key(&self, key: Key, hasher: &mut FxHasher) {
        std::mem::discriminant(&key).hash(hasher);
        match key {
            Key::Index(index) => index.hash(hasher),
            Key::Text(text) => text.hash(hasher),
            Key::Of(value) => self.expr(value, hasher),
            Key::Any => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use rustc_hash::FxHashSet;

    use super::*;

    #[test]
    fn keys_of_a_module_are_different() {
        // Few of these names are the first of the process, whose numbers are small.
        let names: Vec<Name> = (0..5000).map(|number| Name::new(&format!("key{number}"))).collect();
        let of_module = names.iter().map(|&name| Item::Name { owner: 0, name });
        let of_class = names.iter().map(|&class| Item::InstanceAttribute { class: class.number().into(), name: class });
        let all: Vec<u64> = of_module.chain(of_class).chain([Item::Exports]).map(item_key).collect();
        assert_eq!(all.iter().collect::<FxHashSet<_>>().len(), all.len());
    }

    #[test]
    fn what_begins_with_nothing_is_something() {
        let hash = |numbers: &[u32]| {
            let mut hasher = hasher();
            numbers.iter().for_each(|number| number.hash(&mut hasher));
            hasher.finish()
        };
        assert_ne!(hash(&[3]), hash(&[0, 3]));
        assert_ne!(hash(&[0, 3]), hash(&[0, 0, 3]));
    }
}

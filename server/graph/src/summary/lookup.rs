//! Looking things up in one file's facts.

use rustc_hash::FxHashSet;

use super::{
    BindingFacts, BindingIndex, BindingValue, CallFacts, CallIndex, Expr, ExprIndex, ImportFacts, ImportIndex,
    KeywordFacts, KeywordIndex, Occurs, ScopeFacts, ScopeIndex, ScopeKind, Summary, SymbolFacts, SymbolIndex,
    SymbolKind,
};
use crate::Name;

impl Summary {
    pub fn symbol(&self, index: SymbolIndex) -> &SymbolFacts {
        &self.symbols[index.index()]
    }

    pub fn scope(&self, index: ScopeIndex) -> &ScopeFacts {
        &self.scopes[index.index()]
    }

    pub fn binding(&self, index: BindingIndex) -> &BindingFacts {
        &self.bindings[index.index()]
    }

    pub fn expr(&self, index: ExprIndex) -> &Expr {
        &self.exprs[index.index()]
    }

    pub fn import(&self, index: ImportIndex) -> &ImportFacts {
        &self.imports[index.index()]
    }

    pub fn call(&self, index: CallIndex) -> &CallFacts {
        &self.calls[index.index()]
    }

    pub fn keyword(&self, index: KeywordIndex) -> KeywordFacts {
        self.keywords[index.index()]
    }

    /// The definition in whose code an expression stands.
    pub fn owner(&self, expr: ExprIndex) -> SymbolIndex {
        let after = self.owners.partition_point(|(start, _)| *start <= expr);
        self.owners[..after].last().map_or(SymbolIndex::MODULE, |(_, symbol)| *symbol)
    }

    /// The scopes in which a name used in `scope` is looked up, innermost first. Code in a method does not see the names of
    /// its class.
    pub fn visible_from(&self, scope: ScopeIndex) -> impl Iterator<Item = &ScopeFacts> {
        self.scopes_visible_from(scope).map(|index| self.scope(index))
    }

    pub fn scopes_visible_from(&self, scope: ScopeIndex) -> impl Iterator<Item = ScopeIndex> {
        let around = std::iter::successors(Some(scope), |&index| self.scope(index).parent);
        around.filter(move |&index| index == scope || self.scope(index).kind != ScopeKind::Class)
    }

    /// `Class.method` for a method, empty for the module.
    pub fn local_name(&self, index: SymbolIndex) -> String {
        let mut parts = Vec::new();
        let mut current = Some(index);
        while let Some(index) = current
            && index != SymbolIndex::MODULE
        {
            let symbol = self.symbol(index);
            parts.push(symbol.name.as_str());
            current = symbol.parent;
        }
        parts.reverse();
        parts.join(".")
    }

    /// The class that a definition is directly in.
    pub fn enclosing_class(&self, index: SymbolIndex) -> Option<SymbolIndex> {
        let parent = self.symbol(index).parent?;
        (self.symbol(parent).kind == SymbolKind::Class).then_some(parent)
    }

    /// The bindings that meet in a join or are narrowed, through further ones: nested loops feed each other's, so that
    /// following them blindly would never end.
    pub fn joined(&self, join: BindingIndex) -> Vec<BindingIndex> {
        let mut seen = FxHashSet::from_iter([join]);
        let mut pending = vec![join];
        let mut leaves = Vec::new();
        while let Some(binding) = pending.pop() {
            match self.inputs(binding) {
                Some(inputs) => pending.extend(inputs.iter().copied().filter(|&input| seen.insert(input))),
                None => leaves.push(binding),
            }
        }
        leaves.sort_unstable();
        leaves
    }

    /// The bindings that meet in a join or are narrowed; `None` for one that is neither.
    pub fn inputs(&self, binding: BindingIndex) -> Option<&[BindingIndex]> {
        match &self.binding(binding).value {
            BindingValue::Join(inputs) | BindingValue::Narrowed { inputs, .. } => Some(inputs),
            _ => None,
        }
    }

    /// Whether the identifier occurs anywhere in the text.
    pub fn mentions(&self, name: Name) -> bool {
        self.names.binary_search_by_key(&name.number(), |name| name.number()).is_ok()
    }

    /// Whether what the identifier stands for may be handed on as a value, or imported under another name: it occurs where it is
    /// neither called nor asked for an attribute.
    pub fn hands_on(&self, name: Name) -> bool {
        let names = self.handed_on.get_or_init(|| {
            let mut is_asked = vec![false; self.exprs.len()];
            for call in &self.calls {
                is_asked[call.callee.index()] = true;
            }
            for expr in &self.exprs {
                if let Expr::Attribute { value, .. } = expr {
                    is_asked[value.index()] = true;
                }
            }
            let read = self.occurrences.iter().map(|it| it.what()).filter(|what| match what {
                Occurs::Load(expr) => !is_asked[expr.index()],
                Occurs::Mention(_) => true,
                _ => false,
            });
            let renamed = self.imports.iter().filter(|import| import.renamed).filter_map(|import| import.name);
            let mut names: Vec<Name> = read.filter_map(|what| self.occurring_name(what)).chain(renamed).collect();
            names.sort_unstable_by_key(|name| name.number());
            names.dedup();
            names.into()
        });
        names.binary_search_by_key(&name.number(), |name| name.number()).is_ok()
    }

    /// The names of the attributes that are assigned to, each as often as it is.
    pub fn assigned_attributes(&self) -> impl Iterator<Item = Name> + '_ {
        let stores = self.occurrences.iter().map(|it| it.what()).filter(|it| matches!(it, Occurs::StoreAttribute(_)));
        stores.filter_map(|what| self.occurring_name(what))
    }

    /// The identifier of an occurrence.
    pub fn occurring_name(&self, what: Occurs) -> Option<Name> {
        match what {
            Occurs::Load(expr) | Occurs::StoreAttribute(expr) | Occurs::Mention(expr) => match self.expr(expr) {
                Expr::Local(bindings) => bindings.first().map(|&binding| self.binding(binding).name),
                Expr::Free { name, .. } | Expr::Attribute { name, .. } => Some(*name),
                _ => None,
            },
            Occurs::Store(binding) => Some(self.binding(binding).name),
            Occurs::Definition(symbol) => Some(self.symbol(symbol).name),
            Occurs::Import(import) => self.import(import).name,
            Occurs::ImportedModule(_) => None,
            Occurs::Keyword(keyword) => Some(self.keyword(keyword).name),
        }
    }

    /// Whether `value`, in a method, is an instance of the receiver's own class: `cls()` in a class method, `type(self)()`,
    /// `self.__class__()`, or a variable that holds such a one.
    pub fn makes_receiver(&self, method: SymbolIndex, value: ExprIndex) -> bool {
        match self.expr(value) {
            Expr::Call(call) => {
                let callee = self.call(*call).callee;
                let is_classmethod = self.symbol(method).flags.is_classmethod;
                match self.expr(callee) {
                    Expr::ClassOf(instance) => !is_classmethod && self.is_receiver(method, *instance),
                    _ => is_classmethod && self.is_receiver(method, callee),
                }
            }
            Expr::Local(bindings) => match bindings[..] {
                [binding] => match self.binding(binding).value {
                    BindingValue::Value(value) if matches!(self.expr(value), Expr::Call(_)) => {
                        self.makes_receiver(method, value)
                    }
                    _ => false,
                },
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether `value`, in a method, is its first parameter.
    pub fn is_receiver(&self, method: SymbolIndex, value: ExprIndex) -> bool {
        let Expr::Local(bindings) = self.expr(value) else { return false };
        let [binding] = bindings[..] else { return false };
        let facts = self.binding(binding);
        matches!(facts.value, BindingValue::Parameter { position: 0, annotation: None, .. })
            && Some(facts.scope) == self.symbol(method).scope
    }
}

//! The hierarchy of classes: orders of resolution, subclasses, and which class has a name.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::solver::{Solver, sized};
use crate::Name;
use crate::eval::Mro;
use crate::snapshot::Snapshot;
use crate::types::{Def, Value};

/// Subclasses whose instances a method's receiver is taken to be besides its own. A base with more of them is a framework's:
/// what its methods call on themselves is then found by name in the class hierarchy only.
const MAX_SUBCLASSES: usize = 64;

/// What was found of classes.
pub(super) struct Hierarchy {
    /// The classes below each class, in the order of files.
    subclasses: FxHashMap<Def, Vec<Def>>,
    /// By file and symbol.
    mros: Vec<Vec<Option<Rc<Mro>>>>,
    /// See [`Solver::first_definer`].
    definers: FxHashMap<(Def, Name), Option<Def>>,
    metaclasses: FxHashMap<Def, Option<Def>>,
    /// See [`Solver::nature`].
    pub natures: FxHashMap<Def, Rc<super::classes::Nature>>,
}

impl Hierarchy {
    pub fn new(snapshot: &Snapshot) -> Self {
        Hierarchy {
            subclasses: FxHashMap::default(),
            mros: sized(snapshot, None, |summary| summary.symbols.len()),
            definers: FxHashMap::default(),
            metaclasses: FxHashMap::default(),
            natures: FxHashMap::default(),
        }
    }

    pub fn add_subclass(&mut self, base: Def, class: Def) {
        self.subclasses.entry(base).or_default().push(class);
    }
}

impl Solver<'_> {
    /// A class's method resolution order, as the structural layer knows it. What stands in for classes that a broken text has
    /// lost has no part in the flow of values.
    pub fn mro(&mut self, class: Def) -> Rc<Mro> {
        if let Some(mro) = &self.hierarchy.mros[class.unit.file.index()][class.symbol.index()] {
            return mro.clone();
        }
        let mut mro = self.evaluator.mro(class);
        if mro.classes.iter().any(|class| class.unit.retained) {
            let classes = mro.classes.iter().copied().filter(|class| !class.unit.retained);
            mro = Rc::new(Mro { classes: classes.collect(), external: mro.external, complete: false });
        }
        self.hierarchy.mros[class.unit.file.index()][class.symbol.index()] = Some(mro.clone());
        mro
    }

    /// The first class in the order that gives `name` a meaning of its own.
    pub fn first_definer(&mut self, class: Def, name: Name) -> Option<Def> {
        if let Some(&definer) = self.hierarchy.definers.get(&(class, name)) {
            return definer;
        }
        let definer = self.mro(class).classes.iter().copied().find(|class| self.has_own(*class, name));
        self.hierarchy.definers.insert((class, name), definer);
        definer
    }

    pub fn defines(&mut self, class: Def, name: Name) -> bool {
        self.first_definer(class, name).is_some()
    }

    pub fn has_own(&self, class: Def, name: Name) -> bool {
        let summary = self.summary(class.unit.file);
        summary.symbol(class.symbol).scope.is_some_and(|scope| summary.scope(scope).names.contains_key(&name))
    }

    pub fn assigns(&self, class: Def, name: Name) -> bool {
        let facts = &self.summary(class.unit.file).symbol(class.symbol).class;
        facts.as_ref().is_some_and(|facts| facts.attributes.contains_key(&name))
    }

    /// The function that a class or one of its bases defines under this name.
    pub fn find_method(&mut self, class: Def, name: Name) -> Option<Def> {
        let definer = self.first_definer(class, name)?;
        let summary = self.summary(definer.unit.file);
        let scope = summary.symbol(definer.symbol).scope?;
        let binding = *summary.scope(scope).names.get(&name)?.last()?;
        let symbol = summary.binding(binding).symbol?;
        summary.symbol(symbol).function.is_some().then_some(Def { unit: definer.unit, symbol })
    }

    /// What takes the new value of a property.
    pub fn setter(&mut self, class: Def, name: Name) -> Option<Def> {
        let definer = self.first_definer(class, name)?;
        let summary = self.summary(definer.unit.file);
        let scope = summary.symbol(definer.symbol).scope?;
        let bindings = summary.scope(scope).names.get(&name)?;
        let symbols = bindings.iter().filter_map(|&binding| summary.binding(binding).symbol);
        let mut setters = symbols.filter(|&symbol| summary.symbol(symbol).flags.is_setter);
        setters.next().map(|symbol| Def { unit: definer.unit, symbol })
    }

    pub fn metaclass(&mut self, class: Def) -> Option<Def> {
        if let Some(&metaclass) = self.hierarchy.metaclasses.get(&class) {
            return metaclass;
        }
        let metaclass = self.find_metaclass(class);
        self.hierarchy.metaclasses.insert(class, metaclass);
        metaclass
    }

    fn find_metaclass(&mut self, class: Def) -> Option<Def> {
        let classes = self.mro(class).classes.clone();
        for class in classes {
            let facts = &self.summary(class.unit.file).symbol(class.symbol).class;
            let Some(metaclass) = facts.as_ref().and_then(|facts| facts.metaclass) else { continue };
            let types = self.evaluator.eval(class.unit, metaclass);
            return types.iter().find_map(|typed| match typed.value {
                Value::Class(metaclass) if !metaclass.unit.retained => Some(metaclass),
                _ => None,
            });
        }
        None
    }

    /// The classes below a class; none when there are too many.
    pub fn subclasses_of(&self, class: Def) -> Vec<Def> {
        let subclasses = self.hierarchy.subclasses.get(&class);
        subclasses.filter(|subclasses| subclasses.len() <= MAX_SUBCLASSES).cloned().unwrap_or_default()
    }
}

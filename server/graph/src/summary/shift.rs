//! Facts after a stretch of the text and of the tables has become longer or shorter.

use std::cell::Cell;

use syntax::{TextRange, TextSize};

use super::bodies::{Lengths, Table};
use super::{
    AttributeFacts, BindingFacts, BindingIndex, BindingValue, CallFacts, CallIndex, ClassFacts, Docstring, Expr,
    ExprIndex, Few, FunctionFacts, ImpliedFacts, ImportFacts, ImportIndex, Key, KeywordFacts, KeywordIndex, Narrowing,
    Param, Place, ScopeFacts, ScopeIndex, Store, SymbolFacts, SymbolIndex, Thin,
};

/// Where everything is once another body stands in the place of one.
pub(super) struct Shift {
    pub begin: Lengths,
    pub end_before: Lengths,
    pub end_after: Lengths,
    /// Up to here the text is the same.
    pub same_until: TextSize,
    /// Where the function ends, before and after.
    pub function_end: (TextSize, TextSize),
    /// From here on the text is the same again, before and after.
    pub same_from: (TextSize, TextSize),
    /// Something outside of the body leads into it: it cannot be replaced.
    pub leads_inside: Cell<bool>,
}

impl Shift {
    fn index(&self, table: Table, index: &mut u32) {
        if *index < self.begin.get(table) {
            return;
        }
        let before = self.end_before.get(table);
        if *index < before {
            self.leads_inside.set(true);
        } else {
            *index = *index - before + self.end_after.get(table);
        }
    }

    fn offset(&self, offset: TextSize) -> TextSize {
        if offset <= self.same_until {
            offset
        } else if offset == self.function_end.0 {
            self.function_end.1
        } else if offset >= self.same_from.0 {
            offset - self.same_from.0 + self.same_from.1
        } else {
            self.leads_inside.set(true);
            offset
        }
    }

    pub fn range(&self, range: &mut TextRange) {
        let (start, end) = (self.offset(range.start()), self.offset(range.end()));
        *range = TextRange::new(start, end.max(start));
    }
}

/// What has places in the text or in the tables.
pub(super) trait Shifted {
    fn shift(&mut self, by: &Shift);
}

impl Shifted for TextRange {
    fn shift(&mut self, by: &Shift) {
        by.range(self);
    }
}

macro_rules! indexes {
    ($($index:ident: $table:ident)*) => {$(
        impl Shifted for $index {
            fn shift(&mut self, by: &Shift) {
                by.index(Table::$table, &mut self.0);
            }
        }
    )*};
}

indexes! {
    SymbolIndex: Symbols
    ScopeIndex: Scopes
    BindingIndex: Bindings
    ExprIndex: Exprs
    ImportIndex: Imports
    CallIndex: Calls
    KeywordIndex: Keywords
}

/// What is made of fields with places; fields without are left out.
macro_rules! fields {
    ($($facts:ident: $($field:ident)*;)*) => {$(
        impl Shifted for $facts {
            fn shift(&mut self, by: &Shift) {
                $(self.$field.shift(by);)*
            }
        }
    )*};
}

fields! {
    SymbolFacts: parent range name_range header body docstring params returns decorators scope function class decorated;
    Docstring: range;
    Param: range annotation;
    FunctionFacts: return_annotation returns yields;
    AttributeFacts: symbol values;
    ScopeFacts: parent symbol names stars;
    BindingFacts: scope range value symbol;
    KeywordFacts: call;
    CallFacts: caller callee range arguments;
    ImpliedFacts: caller expr range;
    Store: caller object place value range;
    ImportFacts: range;
}

impl<T: Shifted> Shifted for Option<T> {
    fn shift(&mut self, by: &Shift) {
        self.iter_mut().for_each(|it| it.shift(by));
    }
}

impl<T: Shifted> Shifted for Box<T> {
    fn shift(&mut self, by: &Shift) {
        (**self).shift(by);
    }
}

impl<T: Shifted> Shifted for [T] {
    fn shift(&mut self, by: &Shift) {
        self.iter_mut().for_each(|it| it.shift(by));
    }
}

impl<T: Shifted> Shifted for Box<[T]> {
    fn shift(&mut self, by: &Shift) {
        self.iter_mut().for_each(|it| it.shift(by));
    }
}

impl<T: Shifted> Shifted for Vec<T> {
    fn shift(&mut self, by: &Shift) {
        self.iter_mut().for_each(|it| it.shift(by));
    }
}

impl<T: Shifted> Shifted for Thin<T> {
    fn shift(&mut self, by: &Shift) {
        self.iter_mut().for_each(|it| it.shift(by));
    }
}

impl<T: Shifted> Shifted for Few<T> {
    fn shift(&mut self, by: &Shift) {
        match self {
            Few::None => {}
            Few::One(one) => one.shift(by),
            Few::Several(several) => several.shift(by),
        }
    }
}

impl Shifted for ClassFacts {
    fn shift(&mut self, by: &Shift) {
        self.bases.shift(by);
        self.filled_in.shift(by);
        self.metaclass.shift(by);
        self.attributes.values_mut().for_each(|it| it.shift(by));
    }
}

impl Shifted for (Key, ExprIndex) {
    fn shift(&mut self, by: &Shift) {
        self.0.shift(by);
        self.1.shift(by);
    }
}

impl Shifted for Key {
    fn shift(&mut self, by: &Shift) {
        match self {
            Key::Of(value) => value.shift(by),
            Key::Index(_) | Key::Text(_) | Key::Any => {}
        }
    }
}

impl Shifted for Place {
    fn shift(&mut self, by: &Shift) {
        match self {
            Place::Item(key) => key.shift(by),
            Place::Attribute(_) => {}
        }
    }
}

impl Shifted for BindingValue {
    fn shift(&mut self, by: &Shift) {
        match self {
            BindingValue::Definition(symbol) => symbol.shift(by),
            BindingValue::Import(import) => import.shift(by),
            BindingValue::Value(value) => value.shift(by),
            BindingValue::Parameter { annotation, default, .. } => {
                annotation.shift(by);
                default.shift(by);
            }
            BindingValue::Join(inputs) => inputs.shift(by),
            BindingValue::Narrowed { inputs, by: narrowing } => {
                inputs.shift(by);
                if let Narrowing::Class { classes, .. } = narrowing {
                    classes.shift(by);
                }
            }
        }
    }
}

impl Shifted for Expr {
    fn shift(&mut self, by: &Shift) {
        match self {
            Expr::Local(bindings) => bindings.shift(by),
            Expr::Free { scope, .. } => scope.shift(by),
            Expr::Call(call) => call.shift(by),
            Expr::Super(symbol) | Expr::SelfInstance(symbol) | Expr::Sent(symbol) | Expr::Definition(symbol) => {
                symbol.shift(by);
            }
            Expr::SuperOf { class, object } => {
                class.shift(by);
                object.shift(by);
            }
            Expr::Caught(caught) => {
                caught.class.shift(by);
                caught.not.shift(by);
            }
            Expr::MatchArgument { value, class, .. } => {
                value.shift(by);
                class.shift(by);
            }
            Expr::TypeVariable(bound) => bound.shift(by),
            Expr::Item { value, key } => {
                value.shift(by);
                key.shift(by);
            }
            Expr::Recent { place, value } => {
                place.shift(by);
                value.shift(by);
            }
            Expr::Binary { left, right, .. } | Expr::OrElse(left, right) => {
                left.shift(by);
                right.shift(by);
            }
            Expr::Union(parts) | Expr::List(parts) | Expr::Tuple(parts) => parts.shift(by),
            Expr::Dict(items) => items.shift(by),
            Expr::Constant(key) => key.shift(by),
            Expr::Attribute { value, .. }
            | Expr::Slice { value, .. }
            | Expr::Unpacked { value, .. }
            | Expr::Rest { value, .. }
            | Expr::Unary { value, .. }
            | Expr::ClassOf(value)
            | Expr::InstanceOf(value)
            | Expr::Returning(value)
            | Expr::Element(value)
            | Expr::Next(value)
            | Expr::Awaited(value)
            | Expr::Final(value)
            | Expr::Entered(value)
            | Expr::Sequence(value)
            | Expr::Mapping(value) => value.shift(by),
            Expr::Format { .. } | Expr::Builtin(_) | Expr::Unknown => {}
        }
    }
}

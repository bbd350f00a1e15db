//! What parameters are, as far as a function itself tells.

use super::Evaluator;
use crate::summary::{ExprIndex, Item};
use crate::types::{Def, Types, Unit, Value};

impl Evaluator<'_> {
    /// By its annotation, here or in a stub; as the receiver of a method; by its default.
    pub(super) fn parameter(
        &mut self,
        function: Def,
        position: u32,
        annotation: Option<ExprIndex>,
        default: Option<ExprIndex>,
    ) -> Types {
        let unit = function.unit;
        let path = self.world.summary(unit).symbol(function.symbol).path;
        self.looked_up(unit.file, Item::Definition { path });
        if let Some(annotation) = annotation {
            let types = self.annotated_parameter(unit, annotation);
            if !types.is_empty() {
                return types;
            }
        }
        if position == 0
            && let Some(receiver) = self.receiver(function)
        {
            return receiver.inferred();
        }
        if annotation.is_none()
            && let Some((stub, annotation)) = self.stub_parameter_annotation(function, position)
        {
            let types = self.annotated_parameter(Unit::live(stub), annotation);
            if !types.is_empty() {
                return types;
            }
        }
        default.map(|default| self.eval(unit, default).inferred()).unwrap_or_default()
    }

    fn annotated_parameter(&mut self, unit: Unit, annotation: ExprIndex) -> Types {
        let types = self.eval(unit, annotation);
        self.bounded(types).inferred()
    }

    /// What the first parameter of a method is.
    fn receiver(&self, function: Def) -> Option<Types> {
        let summary = self.world.summary(function.unit);
        let class = Def { unit: function.unit, symbol: summary.enclosing_class(function.symbol)? };
        let flags = summary.symbol(function.symbol).flags;
        if flags.is_staticmethod {
            return None;
        }
        Some(Types::one(if flags.is_classmethod { Value::Class(class) } else { Value::Instance(class) }))
    }
}

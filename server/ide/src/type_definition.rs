//! Where the class of a value is defined.

use graph::{Analysis, FileId};
use syntax::TextSize;

use crate::definition::{Definition, Place};

/// The classes of the workspace that the value at `offset` is an instance of, or is. Other classes are no answer.
pub fn type_definition(analysis: &Analysis, file: FileId, offset: TextSize) -> Option<Definition> {
    let origin = analysis.name_at(file, offset)?;
    let (own, _) = analysis.types_at(file, offset);
    let places: Vec<Place> = own.into_iter().map(|class| Place::of(analysis, class)).collect();
    (!places.is_empty()).then_some(Definition { origin, places })
}

#[cfg(test)]
mod tests {
    use fixture::Workspace;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let workspace = Workspace::new(text);
        let (file, offset) = workspace.cursor();
        let found = type_definition(&workspace.analysis, file, offset);
        let places = found.map_or_else(Vec::new, |found| found.places);
        let names = places.iter().map(|place| workspace.analysis.source(place.file).slice(place.name_range));
        assert_eq!(names.collect::<Vec<_>>(), expected, "{text}");
    }

    #[test]
    fn instances_parameters_and_classes() {
        let text = "class Cart: ...\ndef make() -> Cart: ...\n";
        check(&format!("{text}cart = Cart()\nca$0rt\n"), &["Cart"]);
        check(&format!("{text}ca$0rt = make()\n"), &["Cart"]);
        check(&format!("{text}def f(cart: Cart):\n    return ca$0rt\n"), &["Cart"]);
        check(&format!("{text}Ca$0rt()\n"), &["Cart"]);
        check(&format!("{text}x = 1\nx$0\n"), &[]);
    }
}

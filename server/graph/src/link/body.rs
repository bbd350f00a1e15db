//! Linking a file of which only the body of one function has changed.

use std::ops::Range;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::{Linker, Links};
use crate::FileId;
use crate::eval::{Evaluator, file_item};
use crate::snapshot::Snapshot;
use crate::summary::{Item, Lengths, SymbolIndex, Table, item_key};

/// What is in a body now, and where it stood.
#[derive(Clone, Debug)]
pub(crate) struct EditedBody {
    pub function: SymbolIndex,
    pub before: Range<Lengths>,
    pub after: Range<Lengths>,
}

/// What the code outside of a body rests on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rest {
    /// The path of the function.
    function: u64,
    /// Keys of all that was looked up, in any file, sorted.
    dependencies: Box<[u64]>,
}

/// Links `file`, whose links in `snapshot` are about the text in which only this body is different. The rest keeps them where nothing that
/// it has looked up is among the `changed`; what it has is known from the second edit of the same body on.
pub(crate) fn link_body(
    snapshot: &Snapshot,
    evaluator: &mut Evaluator<'_>,
    file: FileId,
    body: &EditedBody,
    changed: &FxHashSet<u64>,
) -> Links {
    let Some(facts) = snapshot.facts(file) else { return Links::default() };
    let summary = &facts.summary;
    let function = summary.symbol(body.function).path;
    let before = &snapshot.structure[file.index()];
    // What code of the same file sees of a function besides what it looks up.
    let own = file_item(file, item_key(Item::Definition { path: function }));
    let stays = |rest: &&Arc<Rest>| {
        let is_looked_up = |key: &u64| rest.dependencies.binary_search(key).is_ok();
        rest.function == function && !changed.contains(&own) && !changed.iter().any(is_looked_up)
    };
    let (mut links, following, rest) = match before.rest.as_ref().filter(stays) {
        Some(rest) => {
            let (links, following) = before.around(body);
            (links, following, rest.clone())
        }
        None => {
            let mut linker = Linker::new(snapshot, evaluator, file, summary);
            let links = linker.stretch(Lengths::default()..body.after.start);
            let following = linker.stretch(body.after.end..summary.lengths());
            let dependencies = evaluator.take_dependencies().into();
            (links, following, Arc::new(Rest { function, dependencies }))
        }
    };
    links.extend(Linker::new(snapshot, evaluator, file, summary).stretch(body.after.clone()));
    links.extend(following);
    let mut dependencies = evaluator.take_dependencies();
    dependencies.extend_from_slice(&rest.dependencies);
    dependencies.sort_unstable();
    dependencies.dedup();
    links.depend_on(dependencies);
    links.rest = Some(rest);
    links.index(file);
    links
}

impl Links {
    /// The links from before and after a body, with the symbols that their classes are now.
    fn around(&self, body: &EditedBody) -> (Links, Links) {
        let stretch = |table| body.before.start.get(table) as usize..body.before.end.get(table) as usize;
        let (calls, imports) = (stretch(Table::Calls), stretch(Table::Imports));
        let symbols = stretch(Table::Symbols);
        let is_in = |(symbol, _): &&(SymbolIndex, _), range: Range<usize>| range.contains(&symbol.index());
        let first = Links {
            calls: self.calls[..calls.start].to_vec(),
            imports: self.imports[..imports.start].to_vec(),
            bases: self.bases.iter().filter(|it| is_in(it, 0..symbols.start)).copied().collect(),
            ..Links::default()
        };
        let (end, moved_to) = (symbols.end as u32, body.after.end.get(Table::Symbols));
        let following = self.bases.iter().filter(|it| is_in(it, symbols.end..usize::MAX));
        let following = Links {
            calls: self.calls[calls.end..].to_vec(),
            imports: self.imports[imports.end..].to_vec(),
            bases: following.map(|(symbol, base)| (SymbolIndex(symbol.0 - end + moved_to), *base)).collect(),
            ..Links::default()
        };
        (first, following)
    }

    fn extend(&mut self, following: Links) {
        self.calls.extend(following.calls);
        self.imports.extend(following.imports);
        self.bases.extend(following.bases);
    }
}

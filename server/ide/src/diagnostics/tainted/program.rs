//! The code of many files, as far as it is asked for.

use std::rc::Rc;

use graph::{Analysis, FileId, SymbolId, Target};
use rustc_hash::FxHashMap;
use syntax::TextRange;

use super::code::{Call, Code, FunctionIndex, Node, NodeIndex, Reaching};
use super::entries::Entry;
use super::lower::lower;
use crate::tree::with_tree_of;

/// Files that are looked into in one look at a workspace.
const MAX_FILES: usize = 1000;

/// What an import binds is followed through so many other names.
const MAX_ALIASES: u32 = 8;

pub(super) struct Program<'a> {
    pub analysis: &'a Analysis,
    files: FxHashMap<FileId, Option<Rc<File<'a>>>>,
    /// Expressions that were looked at so far.
    pub looked_at: usize,
    pub entries: FxHashMap<(FileId, FunctionIndex), Rc<Entry>>,
}

/// The code of one file, and what the graph says of its calls.
pub(super) struct File<'a> {
    pub id: FileId,
    pub code: Code,
    /// Calls that leave the workspace or lead nowhere, by name token.
    open: FxHashMap<TextRange, Option<&'static str>>,
    /// Functions by name token.
    symbols: FxHashMap<TextRange, SymbolId>,
    pub text: &'a str,
}

impl<'a> Program<'a> {
    pub fn new(analysis: &'a Analysis) -> Self {
        Program { analysis, files: FxHashMap::default(), looked_at: 0, entries: FxHashMap::default() }
    }

    pub fn file(&mut self, id: FileId) -> Option<Rc<File<'a>>> {
        if let Some(known) = self.files.get(&id) {
            return known.clone();
        }
        if self.files.len() >= MAX_FILES {
            return None;
        }
        let file = self.read(id).map(Rc::new);
        self.files.insert(id, file.clone());
        file
    }

    fn read(&self, id: FileId) -> Option<File<'a>> {
        let analysis = self.analysis;
        let code = with_tree_of(analysis, id, lower)?;
        let functions = analysis.symbols(id).into_iter().filter(|&symbol| analysis.symbol(symbol).kind.is_function());
        let symbols = functions.map(|symbol| (analysis.symbol(symbol).name_range, symbol)).collect();
        let open = analysis.open_calls(id).into_iter().collect();
        Some(File { id, code, open, symbols, text: analysis.source(id).text() })
    }

    /// Whether the name at a place is a class of the workspace that takes whatever it is given.
    pub fn is_open_class(&self, file: FileId, range: TextRange) -> bool {
        self.analysis.targets(file, range.start()).into_iter().any(|target| match target {
            Target::Symbol(symbol, _) => {
                let symbol = self.analysis.symbol(symbol);
                symbol.kind == graph::SymbolKind::Class && !symbol.signature().contains("Enum")
            }
            _ => false,
        })
    }
}

impl File<'_> {
    pub fn symbol(&self, function: FunctionIndex) -> Option<SymbolId> {
        self.symbols.get(&self.code.function(function).name_range).copied()
    }

    pub fn slice(&self, range: TextRange) -> &str {
        &self.text[range]
    }

    /// The dotted name of what is outside the workspace; a call is followed by `()`.
    pub fn dotted(&self, function: FunctionIndex, node: NodeIndex) -> Option<String> {
        self.dotted_within(function, node, MAX_ALIASES)
    }

    fn dotted_within(&self, function: FunctionIndex, node: NodeIndex, steps: u32) -> Option<String> {
        let steps = steps.checked_sub(1)?;
        match self.code.node(node) {
            Node::Imported(name) => (!name.starts_with('.')).then(|| name.to_string()),
            Node::Name(name) => match self.code.reaching(function, *name, self.code.range(node))[..] {
                [] => Some(name.to_string()),
                [Reaching::Value(function, value, false)] => self.dotted_within(function, value, steps),
                _ => None,
            },
            Node::Attribute { value, name } => Some(format!("{}.{name}", self.dotted_within(function, *value, steps)?)),
            Node::Call(call) => Some(format!("{}()", self.dotted_within(function, call.callee, steps)?)),
            Node::Choice(values) if values.len() == 1 => self.dotted_within(function, values[0], steps),
            _ => None,
        }
    }

    /// The dotted name of what a call leads to outside the workspace; only the method, after a dot, where the receiver is not
    /// known. `None` where something of the workspace is called.
    pub fn outside(&self, function: FunctionIndex, call: &Call) -> Option<String> {
        let known = *self.open.get(&call.token)?;
        let own = || match self.code.node(call.callee) {
            Node::Attribute { name, .. } => self.dotted(function, call.callee).or_else(|| Some(format!(".{name}"))),
            Node::Name(_) => self.dotted(function, call.callee),
            _ => None,
        };
        known.map(str::to_owned).or_else(own)
    }

    /// The receiver of a method call, and the method.
    pub fn method(&self, call: &Call) -> Option<(NodeIndex, &'static str)> {
        match self.code.node(call.callee) {
            Node::Attribute { value, name } => Some((*value, name.as_str())),
            _ => None,
        }
    }
}

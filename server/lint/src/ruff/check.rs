//! One run of ruff's rules over one text.

use std::fmt;
use std::path::Path;

use ruff_db::diagnostic::Diagnostic;
use ruff_diagnostics::Edit;
use ruff_linter::directives::{Flags, extract_directives};
use ruff_linter::linter::{check_path, parse_unchecked_source};
use ruff_linter::package::PackageRoot;
use ruff_linter::packaging::{detect_package_root, is_package};
use ruff_linter::settings::{LinterSettings, flags};
use ruff_linter::source_kind::SourceKind;
use ruff_linter::suppression::Suppressions;
use ruff_linter::{Locator, SuppressionKind, generate_suppression_edits};
use ruff_python_ast::visitor::source_order::{SourceOrderVisitor, TraversalSignal};
use ruff_python_ast::{AnyNodeRef, ModModule, PySourceType, SourceType};
use ruff_python_codegen::Stylist;
use ruff_python_index::Indexer;

use crate::stack::{Failure, on_deep_stack};

/// Code that nests deeper is not linted: rules walk trees recursively, with much larger frames than the parser.
const MAX_DEPTH: usize = 2_000;

/// Whether to compute how each diagnostic would be suppressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suppress {
    Yes,
    No,
}

/// What ruff says about a text.
pub(crate) struct Checked {
    /// Without syntax errors, in the order in which the rules ran: among fixes of one place, the first wins.
    pub diagnostics: Vec<Diagnostic>,
    /// For each of `diagnostics` the edit that adds a `noqa` comment; empty when not asked for.
    pub suppressions: Vec<Option<Edit>>,
    pub has_valid_syntax: bool,
}

/// Why a text was not looked at.
#[derive(Debug)]
pub(crate) enum NotChecked {
    TooDeep,
    Failed(Failure),
}

impl fmt::Display for NotChecked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotChecked::TooDeep => write!(f, "its code is nested deeper than {MAX_DEPTH} levels"),
            NotChecked::Failed(Failure::NoThread(error)) => write!(f, "no thread: {error}"),
            NotChecked::Failed(Failure::Panic(message)) => write!(f, "a rule panicked: {message}"),
        }
    }
}

/// Runs the rules over `text`, the text of the file at `path`. `parsed` is what the parser made of that text, when at hand.
pub(crate) fn check(
    path: &Path,
    text: &str,
    parsed: Option<&syntax::Parsed>,
    settings: &LinterSettings,
    suppress: Suppress,
) -> Result<Checked, NotChecked> {
    let checked = on_deep_stack(|| check_here(path, text, parsed, settings, suppress));
    checked.map_err(NotChecked::Failed)?
}

fn check_here(
    path: &Path,
    text: &str,
    parsed: Option<&syntax::Parsed>,
    settings: &LinterSettings,
    suppress: Suppress,
) -> Result<Checked, NotChecked> {
    let source_type = match settings.extension.get_source_type(path) {
        SourceType::Python(PySourceType::Stub) => PySourceType::Stub,
        _ => PySourceType::Python,
    };
    let source = SourceKind::Python { code: text.to_owned(), is_stub: source_type.is_stub() };
    let target_version = settings.resolve_target_version(path);
    // Neither the version nor being a stub changes the tree, only which syntax is an error.
    let own;
    let parsed = match parsed.and_then(syntax::Parsed::verbatim) {
        Some(parsed) => parsed,
        None => {
            own = parse_unchecked_source(&source, source_type, target_version.parser_version());
            &own
        }
    };
    if is_too_deep(parsed.syntax()) {
        return Err(NotChecked::TooDeep);
    }
    let locator = Locator::new(text);
    let stylist = Stylist::from_tokens(parsed.tokens(), text);
    let indexer = Indexer::from_tokens(parsed.tokens(), text);
    let directives = extract_directives(parsed.tokens(), Flags::from_settings(settings), &locator, &indexer);
    let suppressions = Suppressions::from_tokens(text, parsed.tokens(), &indexer, settings);
    let mut diagnostics = check_path(
        path,
        package(path, settings),
        &locator,
        &stylist,
        &indexer,
        &directives,
        settings,
        flags::Noqa::Enabled,
        &source,
        source_type,
        parsed,
        target_version,
        &suppressions,
    );
    diagnostics.retain(|diagnostic| !diagnostic.is_invalid_syntax() && diagnostic.range().is_some());
    let suppressions = match suppress {
        Suppress::No => Vec::new(),
        Suppress::Yes => generate_suppression_edits(
            path,
            &diagnostics,
            &locator,
            indexer.comment_ranges(),
            &settings.external,
            &directives.noqa_line_for,
            stylist.line_ending(),
            &suppressions,
            SuppressionKind::Noqa,
            settings.preview,
        ),
    };
    Ok(Checked { diagnostics, suppressions, has_valid_syntax: parsed.has_valid_syntax() })
}

/// The package that the file is part of. As on ruff's command line, a package below a folder without `__init__.py` below
/// another package is nested in that one.
fn package<'a>(path: &'a Path, settings: &LinterSettings) -> Option<PackageRoot<'a>> {
    let root = detect_package_root(path.parent()?, &settings.namespace_packages)?;
    let is_nested = root.ancestors().skip(1).any(|above| is_package(above, &settings.namespace_packages));
    Some(if is_nested { PackageRoot::nested(root) } else { PackageRoot::root(root) })
}

fn is_too_deep(module: &ModModule) -> bool {
    let mut depth = Depth { now: 0, is_exceeded: false };
    depth.visit_body(&module.body);
    depth.is_exceeded
}

struct Depth {
    now: usize,
    is_exceeded: bool,
}

impl<'a> SourceOrderVisitor<'a> for Depth {
    fn enter_node(&mut self, _: AnyNodeRef<'a>) -> TraversalSignal {
        self.now += 1;
        self.is_exceeded |= self.now > MAX_DEPTH;
        if self.is_exceeded { TraversalSignal::Skip } else { TraversalSignal::Traverse }
    }

    fn leave_node(&mut self, _: AnyNodeRef<'a>) {
        self.now -= 1;
    }
}

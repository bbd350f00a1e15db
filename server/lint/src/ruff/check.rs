//! One run of ruff's rules over one text.

use std::fmt;
use std::path::Path;

use ruff_db::diagnostic::{Annotation, Diagnostic, DiagnosticId, SecondaryCode, Severity, Span};
use ruff_diagnostics::Edit;
use ruff_linter::directives::{Directives, Flags, extract_directives};
use ruff_linter::linter::{check_path, parse_unchecked_source};
use ruff_linter::package::PackageRoot;
use ruff_linter::packaging::{detect_package_root, is_package};
use ruff_linter::settings::{LinterSettings, TargetVersion, flags};
use ruff_linter::source_kind::SourceKind;
use ruff_linter::suppression::Suppressions;
use ruff_linter::{Locator, SuppressionKind, generate_suppression_edits};
use ruff_python_ast::{ModModule, PySourceType, SourceType};
use ruff_python_codegen::Stylist;
use ruff_python_index::Indexer;
use ruff_python_parser::{Parsed, UnsupportedSyntaxError};
use ruff_source_file::SourceFileBuilder;
use ruff_text_size::TextRange;

use super::bounds::{self, Excess};
use super::versions;
use crate::Document;
use crate::stack::{Failure, on_deep_stack};

/// What ruff says about a text.
pub(crate) struct Checked {
    /// Without what the parser says, but with the syntax errors that it does not know of, those first. The rest in the order
    /// in which the rules ran: among fixes of one place, the first wins.
    pub diagnostics: Vec<Diagnostic>,
    pub has_valid_syntax: bool,
}

/// Why a text was not looked at.
#[derive(Debug)]
pub(crate) enum NotChecked {
    Bound(Excess),
    Failed(Failure),
}

impl fmt::Display for NotChecked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotChecked::Bound(excess) => excess.fmt(f),
            NotChecked::Failed(Failure::NoThread) => f.write_str("the system gives no thread"),
            NotChecked::Failed(Failure::Panic(message)) => write!(f, "a rule panicked: {message}"),
        }
    }
}

/// A text with what ruff wants to know about it before it runs a rule.
struct Source<'a> {
    path: &'a Path,
    settings: &'a LinterSettings,
    kind: &'a SourceKind,
    source_type: PySourceType,
    target_version: TargetVersion,
    parsed: &'a Parsed<ModModule>,
    /// Syntax that the target version does not have.
    unsupported: Vec<UnsupportedSyntaxError>,
    locator: Locator<'a>,
    stylist: Stylist<'a>,
    indexer: Indexer,
    directives: Directives,
    suppressions: Suppressions,
}

/// Runs the rules over `text`, the text of the file at `path`. `parsed` is what the parser made of that text, when at hand;
/// `noqa` says whether comments silence findings.
pub(crate) fn check(
    path: &Path,
    text: &str,
    parsed: Option<&syntax::Parsed>,
    settings: &LinterSettings,
    noqa: flags::Noqa,
) -> Result<Checked, NotChecked> {
    with_source(path, text, parsed, settings, |source| {
        if let Some(excess) = bounds::excess(source.parsed.syntax()) {
            return Err(NotChecked::Bound(excess));
        }
        let checked = check_path(
            path,
            package(path, settings),
            &source.locator,
            &source.stylist,
            &source.indexer,
            &source.directives,
            settings,
            noqa,
            source.kind,
            source.source_type,
            source.parsed,
            source.target_version,
            &source.suppressions,
        );
        // First comes what the parser said: its errors, which everybody who parses knows, and syntax of other versions than
        // that which the text was parsed for. Then what only the rules' walk over the tree finds.
        let parser = source.parsed.errors().len() + source.parsed.unsupported_syntax_errors().len();
        let of_target = source.unsupported.iter().map(|error| invalid_syntax(text, error));
        let diagnostics = of_target.chain(checked.into_iter().skip(parser));
        let diagnostics = diagnostics.filter(|diagnostic| diagnostic.range().is_some()).collect();
        Ok(Checked { diagnostics, has_valid_syntax: source.parsed.has_valid_syntax() })
    })?
}

fn invalid_syntax(text: &str, error: &UnsupportedSyntaxError) -> Diagnostic {
    Diagnostic::invalid_syntax(SourceFileBuilder::new("", text).finish(), error, error)
}

/// The edit that adds a comment which silences the rule `code` at `range`; `None` where it is silent already.
pub(crate) fn suppression(
    document: &Document<'_>,
    settings: &LinterSettings,
    code: &str,
    range: TextRange,
) -> Result<Option<Edit>, NotChecked> {
    with_source(document.path, document.text, Some(document.parsed), settings, |source| {
        let mut diagnostic = Diagnostic::new(DiagnosticId::lint("finding"), Severity::Warning, "");
        let file = SourceFileBuilder::new("", document.text).finish();
        diagnostic.annotate(Annotation::primary(Span::from(file).with_range(range)));
        diagnostic.set_secondary_code(SecondaryCode::new(code.to_owned()));
        let edits = generate_suppression_edits(
            source.path,
            &[diagnostic],
            &source.locator,
            source.indexer.comment_ranges(),
            &source.settings.external,
            &source.directives.noqa_line_for,
            source.stylist.line_ending(),
            &source.suppressions,
            SuppressionKind::Noqa,
            source.settings.preview,
        );
        edits.into_iter().flatten().next()
    })
}

fn with_source<T: Send>(
    path: &Path,
    text: &str,
    parsed: Option<&syntax::Parsed>,
    settings: &LinterSettings,
    look: impl FnOnce(&Source<'_>) -> T + Send,
) -> Result<T, NotChecked> {
    let looked = on_deep_stack(|| {
        let source_type = match settings.extension.get_source_type(path) {
            SourceType::Python(PySourceType::Stub) => PySourceType::Stub,
            _ => PySourceType::Python,
        };
        let kind = SourceKind::Python { code: text.to_owned(), is_stub: source_type.is_stub() };
        let target_version = settings.resolve_target_version(path);
        let parser_version = target_version.parser_version();
        // Neither the version nor being a stub changes the tree, only which syntax is an error.
        let own;
        let parsed = parsed.filter(|_| parser_version >= syntax::OLDEST).and_then(syntax::Parsed::verbatim);
        let (parsed, unsupported) = match parsed {
            Some(parsed) => (parsed, versions::unsupported(parsed.unsupported_syntax_errors(), parser_version)),
            // What was left out as too deep must not reach the parser that way either.
            None if syntax::nests_too_deep(text) => return Err(NotChecked::Bound(Excess::Nesting)),
            None => {
                own = parse_unchecked_source(&kind, source_type, parser_version);
                (&own, own.unsupported_syntax_errors().to_vec())
            }
        };
        let locator = Locator::new(text);
        let indexer = Indexer::from_tokens(parsed.tokens(), text);
        Ok(look(&Source {
            path,
            settings,
            kind: &kind,
            source_type,
            target_version,
            parsed,
            unsupported,
            stylist: Stylist::from_tokens(parsed.tokens(), text),
            directives: extract_directives(parsed.tokens(), Flags::from_settings(settings), &locator, &indexer),
            suppressions: Suppressions::from_tokens(text, parsed.tokens(), &indexer, settings),
            locator,
            indexer,
        }))
    });
    looked.map_err(NotChecked::Failed)?
}

/// The package that the file is part of. As on ruff's command line, one in whose path is a folder without `__init__.py`
/// below another package is nested in that one; only the files at its root are told.
fn package<'a>(path: &'a Path, settings: &LinterSettings) -> Option<PackageRoot<'a>> {
    let folder = path.parent()?;
    let root = detect_package_root(folder, &settings.namespace_packages)?;
    let is_nested =
        root == folder && root.ancestors().skip(1).any(|above| is_package(above, &settings.namespace_packages));
    Some(if is_nested { PackageRoot::nested(root) } else { PackageRoot::root(root) })
}

//! Calls that run text as code or hand it to a shell, where the candidate brings them in and linters, which see one file, do
//! not: by a name that another module gives them, or with a `shell` that is not known.

use graph::{Analysis, FileId, Target};
use syntax::ast::visitor::{Visitor, walk_expr};
use syntax::ast::{Expr, ExprCall};
use syntax::{Ranged, TextRange, TextSize, parse};

use super::Comparison;
use crate::candidate::{Edited, display_path};
use crate::{Finding, Stage};

/// Calls that are insecure whatever their arguments.
const ALWAYS: &[(&str, &str)] = &[
    ("eval", "runs text as code"),
    ("exec", "runs text as code"),
    ("__import__", "imports what nobody can see before it runs"),
    ("os.system", "hands text to a shell"),
    ("os.popen", "hands text to a shell"),
    ("subprocess.getoutput", "hands text to a shell"),
    ("subprocess.getstatusoutput", "hands text to a shell"),
    ("pickle.load", "runs whatever the data says"),
    ("pickle.loads", "runs whatever the data says"),
    ("pickle.Unpickler", "runs whatever the data says"),
    ("marshal.load", "trusts its data"),
    ("marshal.loads", "trusts its data"),
    ("shelve.open", "runs whatever the data says"),
    ("yaml.unsafe_load", "runs whatever the data says"),
    ("tempfile.mktemp", "leaves a gap in which another program can take the file's place"),
];

/// Calls that are insecure with `shell=True`.
const SHELL: &[&str] =
    &["subprocess.run", "subprocess.call", "subprocess.check_call", "subprocess.check_output", "subprocess.Popen"];

/// `said` is where linters have seen dangers, in each edited file that is there after the edit: before and after.
pub(super) fn findings(comparison: &Comparison, said: &[[Vec<TextRange>; 2]]) -> Vec<Finding> {
    let mut found = Vec::new();
    let edited = comparison.files.iter().filter_map(|edited| Some((edited, comparison.after.file(&edited.path)?)));
    for ((edited, file), [said_before, said_after]) in edited.zip(said) {
        let unsaid = |analysis, file, said: &[TextRange]| {
            let mut calls = insecure_calls(analysis, file);
            calls.retain(|(range, _)| !said.iter().any(|said| range.intersect(*said).is_some()));
            calls
        };
        let old = comparison.before.file(&edited.path).map(|file| unsaid(&comparison.before, file, said_before));
        let mut old: Vec<String> = old.unwrap_or_default().into_iter().map(|(_, message)| message).collect();
        for (range, message) in unsaid(&comparison.after, file, said_after) {
            // As many as there were before are not new, even where the candidate has moved or rewritten them.
            if let Some(known) = old.iter().position(|known| *known == message) {
                old.swap_remove(known);
            } else {
                found.push(comparison.finding(Stage::Security, "insecure-call", message, file, range));
            }
        }
    }
    found
}

/// Secrets in new files that are no Python: what linters see of those.
pub(super) fn secrets_in_prose(comparison: &Comparison) -> Vec<Finding> {
    let others = comparison.files.iter().filter(|edited| !graph::is_python(&edited.path));
    let finding = |edited: &Edited| {
        let found = lint::secret_in_prose(&edited.after)?;
        let line = edited.after[..found.range.start().to_usize()].matches('\n').count() as u32 + 1;
        let path = display_path(&comparison.after, &edited.path);
        Some(Finding { stage: Stage::Security, code: found.code.into_owned(), message: found.message, path, line })
    };
    others.filter_map(finding).collect()
}

fn insecure_calls(analysis: &Analysis, file: FileId) -> Vec<(TextRange, String)> {
    let text = analysis.source(file).text();
    let parsed = parse(text);
    let mut calls = Calls(Vec::new());
    calls.visit_body(&parsed.module().body);
    let mut found = Vec::new();
    for call in calls.0 {
        let Some(name) = external_name(analysis, file, &call.func) else { continue };
        let name = name.strip_prefix("builtins.").unwrap_or(&name);
        if let Some((_, why)) = ALWAYS.iter().find(|(insecure, _)| *insecure == name) {
            found.push((call.range(), format!("`{name}` {why}")));
        } else if SHELL.contains(&name) && has_shell(call) {
            found.push((call.range(), format!("`{name}` with `shell=True` hands text to a shell")));
        }
    }
    found
}

struct Calls<'a>(Vec<&'a ExprCall>);

impl<'a> Visitor<'a> for Calls<'a> {
    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Call(call) = expr {
            self.0.push(call);
        }
        walk_expr(self, expr);
    }
}

/// The dotted name of something outside the workspace; that of a name which nothing binds is the name itself.
fn external_name(analysis: &Analysis, file: FileId, callee: &Expr) -> Option<String> {
    let (offset, name): (TextSize, &str) = match callee {
        Expr::Name(name) => (name.start(), name.id.as_str()),
        Expr::Attribute(attribute) => (attribute.attr.start(), attribute.attr.as_str()),
        _ => return None,
    };
    let targets = analysis.targets(file, offset);
    let external = targets.iter().find_map(|target| match target {
        Target::External(dotted) => Some(dotted.clone()),
        Target::Symbol(..) | Target::Local { .. } => None,
    });
    external.or_else(|| (callee.is_name_expr() && targets.is_empty()).then(|| name.to_owned()))
}

/// Anything but a literal `False` may be true.
fn has_shell(call: &ExprCall) -> bool {
    let shell = call.arguments.find_keyword("shell");
    shell.is_some_and(|keyword| !matches!(&keyword.value, Expr::BooleanLiteral(literal) if !literal.value))
}

//! A graph as text: equal text means equal graphs. The tests share it with the examples that fuzz and measure.

use std::fmt::{self, Write};

use graph::{Analysis, AnalysisHost, ImportKind};

/// Everything that linking and flow decide.
pub fn dump(analysis: &Analysis) -> String {
    let mut out = String::new();
    write(&mut out, analysis).expect("a string takes all that is written to it");
    out
}

fn write(out: &mut String, analysis: &Analysis) -> fmt::Result {
    for file in analysis.files() {
        writeln!(out, "{} {}", analysis.path(file).display(), analysis.module_name(file))?;
        for import in analysis.imports(file) {
            let target = match import.kind {
                ImportKind::Module(module) => format!("module {}", analysis.path(module).display()),
                other => format!("{other:?}"),
            };
            writeln!(out, "  {:?} {} -> {target}", import.range, import.text)?;
        }
        for id in analysis.symbols(file) {
            let symbol = analysis.symbol(id);
            writeln!(out, "  {:?} {} {:?}", symbol.kind, symbol.qualified_name(), symbol.name_range)?;
            for base in analysis.bases(id) {
                writeln!(out, "    inherits {}", analysis.symbol(base).qualified_name())?;
            }
            for call in analysis.callees(id) {
                let other = analysis.symbol(call.other);
                for site in call.sites {
                    writeln!(out, "    {:?} calls {} {:?}", site.range, other.qualified_name(), site.confidence)?;
                }
            }
            for call in analysis.implied_callees(id) {
                let other = analysis.symbol(call.other).qualified_name();
                for site in call.sites {
                    writeln!(out, "    {:?} {:?} {other} {:?}", site.range, site.kind, site.confidence)?;
                }
            }
            for call in analysis.callers(id) {
                let other = analysis.symbol(call.other);
                writeln!(out, "    called by {} × {}", other.qualified_name(), call.sites.len())?;
            }
            for (range, name) in analysis.external_calls(id) {
                writeln!(out, "    {range:?} leaves to {name}")?;
            }
            for (range, reason) in analysis.unresolved_calls(id) {
                writeln!(out, "    {range:?} unresolved: {reason}")?;
            }
        }
    }
    Ok(())
}

/// The first line in which two graphs differ.
pub fn difference(actual: &AnalysisHost, expected: &AnalysisHost) -> Option<String> {
    let (actual, expected) = (dump(&actual.analysis()), dump(&expected.analysis()));
    let differing = actual.lines().zip(expected.lines()).find(|(one, other)| one != other);
    (actual != expected).then(|| format!("first difference: {differing:#?}"))
}

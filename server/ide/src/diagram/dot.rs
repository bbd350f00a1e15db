//! Graphviz' language.

use super::adjacency::Diagram;

pub(super) fn write(diagram: &Diagram) -> String {
    let numbered = diagram.numbered();
    let mut text = String::from("digraph {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n");
    for (name, cycle) in numbered.names.iter().zip(&numbered.cycles) {
        let style = if cycle.is_some() { " [color=red]" } else { "" };
        text.push_str(&format!("  {}{style};\n", quoted(name)));
    }
    for &edge in &numbered.edges {
        let style = if numbered.is_in_cycle(edge) { " [color=red]" } else { "" };
        let (from, to) = (quoted(numbered.names[edge.0]), quoted(numbered.names[edge.1]));
        text.push_str(&format!("  {from} -> {to}{style};\n"));
    }
    text.push_str("}\n");
    text
}

/// In a quoted identifier only the quote is special, and a backslash for what is drawn of it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn names_are_quoted_and_cycles_red() {
        let mut diagram = Diagram::default();
        for (from, to) in [("a", "b.c"), ("b.c", "a"), ("a", "odd \"name\\")] {
            diagram.edge(from, to);
        }
        expect![[r#"
            digraph {
              rankdir=LR;
              node [shape=box, fontname="sans-serif"];
              "a" [color=red];
              "b.c" [color=red];
              "odd \"name\\";
              "a" -> "b.c" [color=red];
              "a" -> "odd \"name\\";
              "b.c" -> "a" [color=red];
            }
        "#]]
        .assert_eq(&write(&diagram));
    }
}

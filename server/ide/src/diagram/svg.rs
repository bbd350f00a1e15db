//! A drawing that needs no other program. Lengths are in pixels.

use super::adjacency::{Diagram, Numbered};
use super::layout;

const FONT: f64 = 12.0;
/// Of a letter, on average; names are cut nowhere, so a wide font may touch the frame but not the next node.
const LETTER: f64 = 7.0;
const PADDING: f64 = 8.0;
const NODE_HEIGHT: f64 = 22.0;
const ROW: f64 = 34.0;
const COLUMN_GAP: f64 = 90.0;
const MARGIN: f64 = 24.0;

/// Readable on light and on dark paper: the reader's preference decides. No CSS variables, which only browsers know.
const STYLE: &str = "\
svg { background: #fff }
text { font: 12px sans-serif; fill: #1b1f24 }
rect { fill: #f3f5f8; stroke: #8a94a3 }
path { fill: none; stroke: #8a94a3; opacity: .6 }
.cycle rect { stroke: #c62828 }
path.cycle { stroke: #c62828; opacity: .8 }
.cycle rect, path.cycle { stroke-dasharray: 4 2 }
.head { fill: #8a94a3; stroke: none; opacity: 1 }
.head.cycle { fill: #c62828; stroke: none }
path:hover { stroke-width: 3; opacity: 1 }
a:hover rect, a:focus rect { stroke-width: 2 }
a:focus { outline: none }
[aria-current] rect { fill: #dbe7ff }
@media (prefers-color-scheme: dark) {
  svg { background: #14171c }
  text { fill: #e6e9ee }
  rect { fill: #222832; stroke: #6c7686 }
  [aria-current] rect { fill: #2b4570 }
  path { stroke: #6c7686 }
  .cycle rect, path.cycle { stroke: #ff7a70 }
  .head { fill: #6c7686; stroke: none }
  .head.cycle { fill: #ff7a70; stroke: none }
}
";

#[derive(Clone, Copy, Default)]
struct Node {
    x: f64,
    /// Of the middle.
    y: f64,
    width: f64,
}

/// With what `href` leads to from each name, and the node of `current` told apart.
pub(super) fn write(diagram: &Diagram, current: Option<&str>, href: &dyn Fn(&str) -> Option<String>) -> String {
    let numbered = diagram.numbered();
    let (nodes, width, height) = place(&numbered);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} \
         {height:.0}\">\n<style>\n{STYLE}</style>\n<defs>\n"
    );
    for class in ["head", "head cycle"] {
        let id = class.replace(' ', "-");
        svg.push_str(&format!(
            "<marker id=\"{id}\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" \
             orient=\"auto\" markerUnits=\"userSpaceOnUse\"><path class=\"{class}\" d=\"M0 0L8 4L0 8z\"/></marker>\n"
        ));
    }
    svg.push_str("</defs>\n");
    for &(from, to) in &numbered.edges {
        let (class, head) =
            if numbered.is_in_cycle((from, to)) { (" class=\"cycle\"", "head-cycle") } else { ("", "head") };
        let title = escaped(&format!("{} → {}", numbered.names[from], numbered.names[to]));
        let curve = curve(nodes[from], nodes[to], from == to);
        svg.push_str(&format!(
            "<path{class} d=\"{curve}\" marker-end=\"url(#{head})\"><title>{title}</title></path>\n"
        ));
    }
    let (mut outgoing, mut incoming) = (vec![0; nodes.len()], vec![0; nodes.len()]);
    for &(from, to) in &numbered.edges {
        outgoing[from] += 1;
        incoming[to] += 1;
    }
    for (number, node) in nodes.iter().enumerate() {
        let Node { x, y, width } = *node;
        let (name, top) = (escaped(numbered.names[number]), y - NODE_HEIGHT / 2.0);
        let (class, note) = match numbered.cycles[number] {
            Some(_) => (" class=\"cycle\"", ", in a cycle"),
            None => ("", ""),
        };
        let aria = if current == Some(numbered.names[number]) { " aria-current=\"true\"" } else { "" };
        // Browsers let the keyboard reach what is a link.
        let (start, end) = match href(numbered.names[number]) {
            Some(href) => {
                (format!("<a href=\"{}\" aria-label=\"{name}\"{aria}><g{class}>", escaped(&href)), "</g></a>")
            }
            None => (format!("<g{class}{aria}>"), "</g>"),
        };
        svg.push_str(&format!(
            "{start}<title>{name}: {} out, {} in{note}</title><rect x=\"{x:.0}\" y=\"{top:.0}\" width=\"{width:.0}\" \
             height=\"{NODE_HEIGHT}\" rx=\"4\"/><text x=\"{:.0}\" y=\"{:.0}\">{name}</text>{end}\n",
            outgoing[number],
            incoming[number],
            x + PADDING,
            y + FONT / 3.0,
        ));
    }
    svg.push_str("</svg>\n");
    svg
}

/// Where every node stands, and how large the drawing is.
fn place(diagram: &Numbered) -> (Vec<Node>, f64, f64) {
    let columns = layout::columns(diagram);
    let rows = columns.iter().map(Vec::len).max().unwrap_or(0);
    let mut nodes = vec![Node::default(); diagram.names.len()];
    let mut x = MARGIN;
    for column in &columns {
        let width_of = |node: usize| diagram.names[node].chars().count() as f64 * LETTER + 2.0 * PADDING;
        let width = column.iter().map(|&node| width_of(node)).fold(0.0, f64::max);
        // A short column stands in the middle of the drawing's height.
        let top = MARGIN + (rows - column.len()) as f64 * ROW / 2.0;
        for (row, &node) in column.iter().enumerate() {
            nodes[node] = Node { x, y: top + row as f64 * ROW + ROW / 2.0, width: width_of(node) };
        }
        x += width + COLUMN_GAP;
    }
    (nodes, (x - COLUMN_GAP).max(MARGIN) + MARGIN, rows as f64 * ROW + 2.0 * MARGIN)
}

/// A curve between two nodes: to the right from side to side, inside a column around its right side, back where a cycle
/// takes several columns.
fn curve(from: Node, to: Node, is_loop: bool) -> String {
    let (x0, y0, y1) = (from.x + from.width, from.y, to.y);
    if is_loop {
        let (x0, above) = (x0 - PADDING, y0 - NODE_HEIGHT / 2.0);
        return format!("M{x0:.0} {above:.0}c0 -14 {0:.0} -14 {0:.0} -1", -3.0 * PADDING);
    }
    if from.x == to.x {
        let (x1, bend) = (to.x + to.width, x0.max(to.x + to.width) + COLUMN_GAP / 2.0);
        return format!("M{x0:.0} {y0:.0}C{bend:.0} {y0:.0} {bend:.0} {y1:.0} {x1:.0} {y1:.0}");
    }
    let (x0, x1) = if from.x < to.x { (x0, to.x) } else { (from.x, to.x + to.width) };
    let middle = (x0 + x1) / 2.0;
    format!("M{x0:.0} {y0:.0}C{middle:.0} {y0:.0} {middle:.0} {y1:.0} {x1:.0} {y1:.0}")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_and_edge_is_drawn_once_with_its_title() {
        let mut diagram = Diagram::default();
        for (from, to) in [("a", "b"), ("b", "a"), ("a", "m.<lambda1>"), ("b", "b")] {
            diagram.edge(from, to);
        }
        let svg = write(&diagram, None, &|_| None);
        assert_eq!(svg.matches("<rect ").count(), 3);
        assert_eq!(svg.matches("marker-end").count(), 4);
        assert_eq!(svg.matches("<path class=\"cycle\"").count(), 3);
        assert!(svg.contains("<title>a → m.&lt;lambda1&gt;</title>"), "{svg}");
        assert!(svg.contains("<title>a: 2 out, 1 in, in a cycle</title>"), "{svg}");
        assert_eq!(svg.matches("<g").count(), svg.matches("</g>").count());
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        assert!(write(&Diagram::default(), None, &|_| None).ends_with("</svg>\n"));
    }

    #[test]
    fn a_name_leads_to_its_place() {
        let mut diagram = Diagram::default();
        diagram.edge("a", "b");
        let svg = write(&diagram, Some("a"), &|name| (name == "a").then(|| "file:///a&b.py#L3".to_owned()));
        let link =
            "<a href=\"file:///a&amp;b.py#L3\" aria-label=\"a\" aria-current=\"true\"><g><title>a: 1 out, 0 in</title>";
        assert!(svg.contains(link), "{svg}");
        assert_eq!(svg.matches("<a ").count(), 1);
        assert_eq!(svg.matches("</a>").count(), 1);
    }
}

//! Where the nodes of a drawing stand: in layers, from left to right.
//!
//! The steps are those of Sugiyama, Tagawa and Toda ("Methods for visual understanding of hierarchical system structures",
//! 1981), each in its simplest form, so that thousands of nodes take milliseconds: a node stands right of all that lead to
//! it, and layers are ordered by the mean place of neighbours. Nodes of a cycle share a layer, which shows them as what they
//! are and keeps the drawing short. Long edges have no place of their own; they run behind the nodes.

use super::adjacency::Numbered;

/// A layer takes several columns when it has more nodes than this and than twice the root of all: names are wider than high.
const MIN_ROWS: usize = 20;

/// Times that every layer is ordered by its neighbours; more of them change little.
const SWEEPS: usize = 8;

/// The nodes of each column, from top to bottom.
pub(super) fn columns(diagram: &Numbered) -> Vec<Vec<usize>> {
    let count = diagram.names.len();
    let mut successors: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut has_edge = vec![false; count];
    for &(from, to) in diagram.edges.iter().filter(|(from, to)| from != to) {
        successors[from].push(to);
        (has_edge[from], has_edge[to]) = (true, true);
    }
    let mut layer = vec![0; count];
    for group in &diagram.groups {
        let depth = group.iter().map(|&node| layer[node]).max().unwrap_or(0);
        group.iter().for_each(|&node| layer[node] = depth);
        for &next in group.iter().flat_map(|&node| &successors[node]).filter(|next| !group.contains(next)) {
            layer[next] = layer[next].max(depth + 1);
        }
    }
    let depth = layer.iter().max().map_or(0, |last| last + 1);
    let mut layers = vec![Vec::new(); depth];
    (0..count).filter(|&node| has_edge[node]).for_each(|node| layers[layer[node]].push(node));
    order(&mut layers, &successors);
    // What hangs together with nothing comes last.
    layers.push((0..count).filter(|&node| !has_edge[node]).collect());
    let most = MIN_ROWS.max(2 * count.isqrt());
    let columns = layers.iter().flat_map(|layer| {
        let rows = layer.len().div_ceil(layer.len().div_ceil(most).max(1)).max(1);
        layer.chunks(rows).map(<[usize]>::to_vec)
    });
    columns.collect()
}

/// Orders each layer by the mean place of its neighbours in all other layers, forwards and backwards in turn.
fn order(layers: &mut [Vec<usize>], successors: &[Vec<usize>]) {
    let mut predecessors = vec![Vec::new(); successors.len()];
    for (from, nexts) in successors.iter().enumerate() {
        nexts.iter().for_each(|&next| predecessors[next].push(from));
    }
    // Between 0, the top of the layer, and 1.
    let mut place = vec![0.5; successors.len()];
    let settle = |layer: &[usize], place: &mut [f64]| {
        for (row, &node) in layer.iter().enumerate() {
            place[node] = (row as f64 + 0.5) / layer.len() as f64;
        }
    };
    layers.iter().for_each(|layer| settle(layer, &mut place));
    for sweep in 0..SWEEPS {
        let forwards = sweep % 2 == 0;
        let neighbours = if forwards { &predecessors } else { successors };
        let count = layers.len();
        for step in 0..count {
            let layer = &mut layers[if forwards { step } else { count - 1 - step }];
            let mean = |node: usize| match neighbours[node].len() {
                0 => place[node],
                count => neighbours[node].iter().map(|&other| place[other]).sum::<f64>() / count as f64,
            };
            let mut keyed: Vec<(f64, usize)> = layer.iter().map(|&node| (mean(node), node)).collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            *layer = keyed.into_iter().map(|(_, node)| node).collect();
            settle(layer, &mut place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::adjacency::Diagram;
    use super::*;

    fn names(edges: &[(&str, &str)], alone: &[&str]) -> Vec<Vec<String>> {
        let mut diagram = Diagram::default();
        edges.iter().for_each(|(from, to)| diagram.edge(from, to));
        alone.iter().for_each(|name| diagram.node(name));
        let numbered = diagram.numbered();
        let name = |node: usize| numbered.names[node].to_owned();
        columns(&numbered).into_iter().map(|column| column.into_iter().map(name).collect()).collect()
    }

    #[test]
    fn a_node_stands_right_of_what_leads_to_it() {
        assert_eq!(names(&[("a", "b"), ("b", "c"), ("a", "c")], &["z"]), [["a"], ["b"], ["c"], ["z"]]);
    }

    #[test]
    fn a_cycle_is_one_layer() {
        assert_eq!(names(&[("a", "b"), ("b", "c"), ("c", "b"), ("c", "c"), ("c", "d")], &[]).len(), 3);
    }

    #[test]
    fn edges_do_not_cross_without_need() {
        assert_eq!(names(&[("a", "d"), ("b", "c")], &[]), [["a", "b"], ["d", "c"]]);
    }

    #[test]
    fn thousands_of_nodes_are_no_burden() {
        let name = |number: usize| format!("n{number}");
        let mut diagram = Diagram::default();
        for node in 0..5000 {
            diagram.edge(&name(node), &name((node + 1) % 5000));
            diagram.edge(&name(node), &name(node * 7 % 5000));
        }
        assert_eq!(columns(&diagram.numbered()).iter().map(Vec::len).sum::<usize>(), 5000);
    }
}

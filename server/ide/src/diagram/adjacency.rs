//! A graph between names, as it is drawn.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;

use super::{dot, svg};

/// Names and the edges between them. Equal content is drawn equally, whatever the order in which it was added.
#[derive(Debug, Default)]
pub struct Diagram {
    adjacency: BTreeMap<String, BTreeSet<String>>,
}

/// A diagram by number: nodes are numbered in the order of their names.
pub(super) struct Numbered<'a> {
    pub(super) names: Vec<&'a str>,
    /// Sorted.
    pub(super) edges: Vec<(usize, usize)>,
    /// Sets of nodes that reach each other, most of one node; a set comes before those that it leads to.
    pub(super) groups: Vec<Vec<usize>>,
    /// For each node that is in a cycle: its group.
    pub(super) cycles: Vec<Option<usize>>,
}

impl Diagram {
    pub(super) fn node(&mut self, name: &str) {
        if !self.adjacency.contains_key(name) {
            self.adjacency.insert(name.to_owned(), BTreeSet::new());
        }
    }

    pub(super) fn edge(&mut self, from: &str, to: &str) {
        self.node(to);
        self.adjacency.entry(from.to_owned()).or_default().insert(to.to_owned());
    }

    /// Every name, and where its edges lead.
    pub fn adjacency(&self) -> &BTreeMap<String, BTreeSet<String>> {
        &self.adjacency
    }

    /// For Graphviz; what is part of a cycle is red.
    pub fn to_dot(&self) -> String {
        dot::write(self)
    }

    /// A drawing that follows the reader's preference of light or dark; what is part of a cycle is red and dashed.
    pub fn to_svg(&self) -> String {
        svg::write(self, None, &|_| None)
    }

    /// The same around `current`, which is told apart; each name leads to what `href` says of it, if anything.
    pub fn to_linked_svg(&self, current: &str, href: &dyn Fn(&str) -> Option<String>) -> String {
        svg::write(self, Some(current), href)
    }

    pub(super) fn numbered(&self) -> Numbered<'_> {
        let names: Vec<&str> = self.adjacency.keys().map(String::as_str).collect();
        let numbers: BTreeMap<&str, usize> = names.iter().enumerate().map(|(number, name)| (*name, number)).collect();
        let edges: Vec<(usize, usize)> = self
            .adjacency
            .iter()
            .flat_map(|(from, to)| to.iter().map(|to| (numbers[from.as_str()], numbers[to.as_str()])))
            .collect();
        let mut graph = DiGraphMap::<usize, ()>::from_edges(&edges);
        (0..names.len()).for_each(|node| _ = graph.add_node(node));
        let mut groups = tarjan_scc(&graph);
        groups.reverse();
        let mut cycles = vec![None; names.len()];
        for (number, group) in groups.iter().enumerate() {
            let is_cycle = group.len() > 1 || graph.contains_edge(group[0], group[0]);
            group.iter().filter(|_| is_cycle).for_each(|&node| cycles[node] = Some(number));
        }
        Numbered { names, edges, groups, cycles }
    }
}

impl Numbered<'_> {
    /// Whether the edge closes a cycle.
    pub(super) fn is_in_cycle(&self, (from, to): (usize, usize)) -> bool {
        self.cycles[from].is_some() && self.cycles[from] == self.cycles[to]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_of_a_cycle_are_known() {
        let mut diagram = Diagram::default();
        for (from, to) in [("a", "b"), ("b", "c"), ("c", "b"), ("d", "d")] {
            diagram.edge(from, to);
        }
        let numbered = diagram.numbered();
        let in_cycle: Vec<bool> = numbered.edges.iter().map(|&edge| numbered.is_in_cycle(edge)).collect();
        assert_eq!(numbered.edges, [(0, 1), (1, 2), (2, 1), (3, 3)]);
        assert_eq!(in_cycle, [false, true, true, true]);
    }
}

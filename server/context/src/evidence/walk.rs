//! How well everything is connected to a target.

use super::Gathering;
use crate::features::Feature;

/// Parameters of the random walk: the chance to start again, and the number of steps.
const RESTART: f32 = 0.25;
const STEPS: usize = 8;

impl Gathering<'_> {
    /// Personalised PageRank: a random walk over the graph that keeps coming back to the target, its file, its class and
    /// the types of its signature.
    pub(super) fn walk(&mut self) {
        let Gathering { index, focus, .. } = *self;
        let mut start = vec![0.0f32; index.edges.len()];
        start[index.node_of_file(focus.file)] = 0.25;
        for &seed in focus.unit.iter().chain(&focus.profile.types) {
            start[seed] += 0.3;
        }
        let total: f32 = start.iter().sum();
        start.iter_mut().for_each(|mass| *mass /= total);
        let mut degrees = std::borrow::Cow::Borrowed(&index.degrees);
        let hidden = self.hidden_edges();
        for &(from, to, weight) in &hidden {
            degrees.to_mut()[from] -= weight;
            degrees.to_mut()[to] -= weight;
        }
        let mut mass = start.clone();
        for _ in 0..STEPS {
            let mut next: Vec<f32> = start.iter().map(|mass| RESTART * mass).collect();
            for (edges, (&mass, &degree)) in index.edges.iter().zip(mass.iter().zip(degrees.iter())) {
                if mass > 0.0 {
                    let share = (1.0 - RESTART) * mass / degree.max(0.1);
                    for &(to, weight) in edges {
                        next[to as usize] += share * weight;
                    }
                }
            }
            for &(from, to, weight) in &hidden {
                next[to] -= (1.0 - RESTART) * mass[from] * weight / degrees[from].max(0.1);
                next[from] -= (1.0 - RESTART) * mass[to] * weight / degrees[to].max(0.1);
            }
            mass = next;
        }
        for (row, mass) in self.rows.iter_mut().zip(mass) {
            // On a logarithmic scale, and zero where the walk hardly ever comes.
            row.raise(Feature::Connected, (1.0 + 1e6 * mass.max(0.0)).ln(), None);
        }
    }

    /// The edges of what is not written yet.
    fn hidden_edges(&self) -> Vec<(usize, usize, f32)> {
        let Gathering { index, focus, .. } = *self;
        let body = focus.unit.into_iter().flat_map(|unit| focus.hidden.uses.iter().map(move |&used| (unit, used, 1.0)));
        let file = index.node_of_file(focus.file);
        let hidden = index.files[focus.file].imports.iter().filter(|link| focus.hidden.hides(link));
        let mut imports: Vec<usize> = hidden.flat_map(|link| link.units.iter().copied()).collect();
        imports.sort_unstable();
        imports.dedup();
        body.chain(imports.into_iter().map(|unit| (file, unit, 0.7))).collect()
    }
}

//! The second layer: where values flow.
//!
//! The structural layer evaluates an expression when it is asked for; it does not know what callers pass, what a list was
//! filled with elsewhere, or which closure a factory returned. This layer does: an inclusion-based points-to analysis in the
//! manner of Andersen ("Program Analysis and Specialization for the C Programming Language", 1994) with the call graph
//! built on the fly and difference propagation (Pearce, Kelly, Hankin, "Online cycle detection and difference propagation",
//! 2004). Functions, classes, instances by class, containers by the place that makes them and short constants are the
//! objects; bindings, attributes by class, elements by key, parameters and returned values are the nodes.
//!
//! It works on the same summaries, is the same for any order of files and any number of threads, and is not local: so it
//! is solved as a whole, off the request path, while structural answers stay fresh.

mod attributes;
mod builtins;
mod calls;
mod classes;
mod computed;
mod containers;
mod distinct;
mod dunders;
mod external;
mod functions;
mod hierarchy;
mod library;
mod lists;
mod names;
mod narrowing;
mod nodes;
mod objects;
mod operators;
mod outcome;
mod passes;
mod program;
mod records;
mod solver;
mod stores;
mod watches;

pub use external::{ExternalArgument, ExternalUse, ExternalUseKind, ExternalUses, Externals};
pub(crate) use outcome::{Outcome, fingerprint, merge};
pub(crate) use solver::{external_uses, solve};

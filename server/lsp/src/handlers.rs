//! One module per feature: parameters → `ide` → the protocol's answer. All of them only read a snapshot.

pub(crate) mod call_hierarchy;
pub(crate) mod code_action;
pub(crate) mod code_lens;
pub(crate) mod context;
pub(crate) mod diagnostics;
pub(crate) mod graph;
pub(crate) mod hover;
pub(crate) mod install;
pub(crate) mod navigation;
pub(crate) mod rename;
pub(crate) mod signature_help;
pub(crate) mod symbols;
pub(crate) mod type_hierarchy;

//! One module per subcommand.

pub(crate) mod audit;
pub(crate) mod callgraph;
pub(crate) mod check;
pub(crate) mod commit_message;
pub(crate) mod context;
pub(crate) mod doctor;
pub(crate) mod evidence;
pub(crate) mod explain;
pub(crate) mod fix;
pub(crate) mod gate;
pub(crate) mod graph;
pub(crate) mod impact;
pub(crate) mod index;
pub(crate) mod init;
pub(crate) mod lsp;
pub(crate) mod mcp;
pub(crate) mod memory;
pub(crate) mod model;
pub(crate) mod mutate;
pub(crate) mod propose;
pub(crate) mod review;
pub(crate) mod run;
pub(crate) mod sandbox;
pub(crate) mod snippets;
pub(crate) mod test;
pub(crate) mod usage;

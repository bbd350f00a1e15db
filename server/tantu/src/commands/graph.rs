//! `tantu graph [PATHS]`

use std::path::PathBuf;

use crate::Status;
use crate::commands::impact;
use crate::output::{print_exactly, print_json};
use crate::workspace::Workspace;
use clap::{Args, ValueEnum};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Files and folders whose edges are drawn; the current folder if there are none. All of the workspace around them is
    /// read
    paths: Vec<PathBuf>,
    /// Which module imports which, instead of who calls whom
    #[arg(long)]
    imports: bool,
    /// Only what calls or is called by a definition, directly or through others: shop.cart:Cart.add or shop/cart.py:12
    #[arg(long, value_name = "SYMBOL|FILE:LINE", conflicts_with_all = ["imports", "paths"])]
    around: Option<String>,
    /// How many calls away from the definition
    #[arg(long, default_value_t = 2, requires = "around")]
    depth: usize,
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// `{"from": ["to"]}`, sorted; stable
    Json,
    /// For Graphviz; what is part of a cycle is red
    Dot,
    /// A drawing; what is part of a cycle is red and dashed
    Svg,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let diagram = match &arguments.around {
        Some(symbol) => {
            let (workspace, symbol) = impact::target(symbol)?;
            ide::diagram_around(&workspace.analysis, symbol, arguments.depth, usize::MAX)
        }
        None => {
            let (workspace, files) = Workspace::around(&arguments.paths)?;
            let analysis = &workspace.analysis;
            if arguments.imports { ide::import_diagram(analysis, &files) } else { ide::call_diagram(analysis, &files) }
        }
    };
    match arguments.format {
        Format::Json => print_json(&diagram.adjacency())?,
        Format::Dot => print_exactly(&diagram.to_dot())?,
        Format::Svg => print_exactly(&diagram.to_svg())?,
    }
    Ok(Status::Fine)
}

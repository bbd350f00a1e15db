//! `yaml.load` builds any object that its text names; `yaml.safe_load` only plain data.

use syntax::Ranged;

use super::site::{Site, fix, is_plain, keyword};
use crate::{Applicability, Fix};

pub(super) fn safe_load(site: &Site) -> Option<Fix> {
    let (call, name) = site.call_of(|name| matches!(name, "yaml.load" | "yaml.load_all"))?;
    let arguments = &call.arguments;
    if !is_plain(arguments) || arguments.is_empty() || arguments.len() > 2 {
        return None;
    }
    let safe = if name == "yaml.load" { "safe_load" } else { "safe_load_all" };
    let mut edits = site.renamed(&call.func, safe)?;
    let loader = arguments.find_keyword("Loader").map(Ranged::range);
    if let Some(loader) = loader.or_else(|| arguments.args.get(1).map(Ranged::range)) {
        edits.push(site.remove_argument(arguments, loader)?);
    } else if keyword(call, "stream").is_none() && arguments.len() > 1 {
        return None;
    }
    fix(format!("Use `yaml.{safe}`"), Applicability::Unsafe, edits)
}

#[cfg(test)]
mod tests {
    use crate::security::testing::{check, refused};

    #[test]
    fn loads_become_safe() {
        check("S506", "import yaml\nyaml.load($0f$0)\n", "import yaml\nyaml.safe_load(f)\n");
        check("S506", "import yaml\nyaml.load(f, Loader=$0yaml.Loader$0)\n", "import yaml\nyaml.safe_load(f)\n");
        check("S506", "import yaml as y\ny.load(f, $0y.FullLoader$0,)\n", "import yaml as y\ny.safe_load(f,)\n");
        check(
            "S506",
            "from yaml import load, Loader\nx = load(\n    $0f$0,  # the file\n    Loader=Loader,\n)\n",
            "from yaml import load, safe_load, Loader\nx = safe_load(\n    f,  # the file\n)\n",
        );
        check(
            "S506",
            "from yaml import load as read\nx = read($0f$0)\n",
            "from yaml import load as read, safe_load\nx = safe_load(f)\n",
        );
    }

    #[test]
    fn what_is_unclear_is_left() {
        refused("S506", "import yaml\nyaml.load($0*f$0)\n");
        refused("S506", "yaml = make()\nyaml.load($0f$0)\n");
        refused("S506", "from yaml import load\nsafe_load = 1\nload($0f$0)\n");
    }
}

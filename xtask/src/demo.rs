//! The sample shop as a new user would open it, with a recorded model beside it: no key and no network are needed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::process;

/// What the demo works on: a copy, so that the fixtures stay as they are.
#[derive(Debug)]
struct Stage {
    /// The workspace folder, named as the original.
    workspace: PathBuf,
    /// The recorded conversation that writes `shop.discounts.best_discount` in two attempts.
    replies: PathBuf,
}

pub fn run() -> Result<()> {
    let stage = Stage::set(&std::env::temp_dir().join(format!("tantu-demo-{}", std::process::id())))?;
    println!("demo: workspace {}, replies {}", stage.workspace.display(), stage.replies.display());
    Ok(())
}

impl Stage {
    /// Copies the sample shop into a folder, which is created.
    fn set(folder: &Path) -> Result<Self> {
        let fixtures = process::root().join("fixtures");
        let stage = Self { workspace: folder.join("shop"), replies: fixtures.join("replies/best_discount.json") };
        copy_tree(&fixtures.join("workspaces/shop"), &stage.workspace)?;
        Ok(stage)
    }
}

/// Copies a folder of regular files, leaving out what Python caches.
fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            if entry.file_name() != "__pycache__" {
                copy_tree(&entry.path(), &target)?;
            }
        } else {
            fs::copy(entry.path(), &target).with_context(|| format!("cannot write {}", target.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stage_holds_the_shop_and_its_replies() {
        let folder = std::env::temp_dir().join(format!("tantu-demo-test-{}", std::process::id()));
        let stage = Stage::set(&folder).unwrap();
        let discounts = fs::read_to_string(stage.workspace.join("shop/discounts.py")).unwrap();
        assert!(discounts.ends_with("    raise NotImplementedError\n"));
        assert!(stage.workspace.join("tests/test_best_discount.py").is_file());

        let replies: serde_json::Value = serde_json::from_str(&fs::read_to_string(&stage.replies).unwrap()).unwrap();
        let replies = replies.as_array().unwrap();
        assert_eq!(replies.len(), 2);
        for reply in replies {
            // Each is the whole function: its signature and docstring are those of the stub.
            let stub = &discounts[discounts.find("def best_discount").unwrap()..];
            let head = stub.strip_suffix("    raise NotImplementedError\n").unwrap();
            assert!(reply["reply"].as_str().unwrap().starts_with(&format!("```python\n{head}")));
        }
        fs::remove_dir_all(folder).unwrap();
    }
}

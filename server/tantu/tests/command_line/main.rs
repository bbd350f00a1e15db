//! The program as it is called from a terminal or by other programs, with the real sandbox.

mod assists;
mod consult;
mod models;
mod runs;
mod sizes;
mod terminal;
mod test_runs;
mod types;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A workspace, and a user's cache in which only the sandbox's own files are those of the machine: making them takes minutes.
struct Project {
    folder: TempDir,
    cache: TempDir,
}

impl Project {
    /// A workspace of these files; it is a repository only if it becomes one.
    fn new(files: &[(&str, &str)]) -> Self {
        let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let project = Project { folder, cache };
        project.write("pyproject.toml", "");
        files.iter().for_each(|(path, text)| project.write(path, text));
        let ours = project.cache.path().join("tantu");
        std::fs::create_dir(&ours).unwrap();
        for name in ["guest", "sandbox"] {
            let real = real_cache().join(name);
            std::fs::create_dir_all(&real).unwrap();
            std::os::unix::fs::symlink(real, ours.join(name)).unwrap();
        }
        project
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.root().join(path)).unwrap()
    }

    /// Commits everything.
    fn commit(&self) {
        self.git(&["init", "--quiet"]);
        self.git(&["add", "--all"]);
        self.git(&["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--quiet", "--message", "a"]);
    }

    fn git(&self, arguments: &[&str]) {
        let status = Command::new("git").arg("-C").arg(self.root()).args(arguments).status().unwrap();
        assert!(status.success());
    }

    /// Runs `tantu` in the workspace. Returns the exit status and what it wrote.
    fn tantu(&self, arguments: &[&str]) -> (i32, String, String) {
        self.tantu_with(arguments, &[])
    }

    /// The same with variables of the environment.
    fn tantu_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tantu"));
        command.args(arguments).current_dir(self.root()).env("XDG_CACHE_HOME", self.cache.path());
        command.env("XDG_CONFIG_HOME", self.cache.path().join("config"));
        command.env("XDG_STATE_HOME", self.cache.path().join("state"));
        for name in ["VIRTUAL_ENV", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"] {
            command.env_remove(name);
        }
        command.envs(variables.iter().copied());
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (status.code().unwrap(), without_times(&text(stdout)), text(stderr))
    }

    /// Standard output, which is all that is written, and the exit status.
    #[track_caller]
    fn says(&self, arguments: &[&str], expected: &str, status: i32) {
        let (code, stdout, stderr) = self.tantu(arguments);
        assert_eq!(stdout, expected, "{stderr}");
        assert_eq!((code, &*stderr), (status, ""), "{stdout}");
    }
}

/// `69 ms` as `N ms`.
fn without_times(text: &str) -> String {
    let mut words: Vec<&str> = text.split(' ').collect();
    for index in 1..words.len() {
        let number = words[index - 1].trim_start_matches('(');
        if words[index].starts_with("ms") && !number.is_empty() && number.chars().all(|c| c.is_ascii_digit()) {
            words[index - 1] = if words[index - 1].starts_with('(') { "(N" } else { "N" };
        }
    }
    words.join(" ")
}

fn real_cache() -> PathBuf {
    let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache"))).unwrap().join("tantu")
}

#[test]
fn the_sandbox_says_what_it_has() {
    let project = Project::new(&[("test_a.py", "def test_a(): pass\n")]);
    // So that it is prepared.
    project.says(&["test"], "passed: 1 passed, N ms\n", 0);
    let (status, stdout, _) = project.tantu(&["sandbox", "prepare"]);
    assert!(stdout.starts_with("already prepared: ") && stdout.trim_end().ends_with(" MB)"), "{stdout}");
    assert_eq!(status, 0);
    let (_, stdout, _) = project.tantu(&["sandbox", "prepare", "--format", "json"]);
    let value: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert!(value["millis"].is_null() && value["bytes"].as_u64() > Some(1_000_000), "{value}");
    let (_, stdout, _) = project.tantu(&["sandbox", "status"]);
    assert!(stdout.lines().any(|line| line.starts_with("prepared     /") && line.ends_with(" MB)")), "{stdout}");
    // Another cache has nothing yet.
    let empty = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tantu"));
    let output = command.args(["sandbox", "status"]).env("XDG_CACHE_HOME", empty.path()).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains("prepared     no"), "{stdout}");
}

#[test]
fn the_context_explains_itself() {
    let project = Project::new(&[
        ("cart.py", "class Cart:\n    def total(self):\n        return 1\n"),
        (
            "shop.py",
            "from cart import Cart\n\n\ndef pay(cart: Cart):\n    ...\n\n\ndef other(cart: Cart):\n    return cart.total()\n",
        ),
    ]);
    let (status, stdout, stderr) = project.tantu(&["context", "shop.py:4", "--budget", "200", "--explain"]);
    assert_eq!(status, 0, "{stderr}");
    assert!(stdout.starts_with("shop.pay: ") && stdout.contains(" of 200 tokens\n"), "{stdout}");
    assert!(stdout.contains("cart.Cart (cart.py:1): "), "{stdout}");
}

#[test]
fn a_context_is_printed_in_its_budget() {
    let mut shop = String::new();
    for number in 0..80 {
        shop.push_str(&format!(
            "class Part{number}:\n    def price(self, rate):\n        return rate * {number}\n\n\n"
        ));
    }
    shop.push_str("def total(rate, first: Part1, second: Part2):\n    return first.price(rate) + second.price(rate)\n");
    let project = Project::new(&[("a_package_with_a_long_name/of_a_shop.py", shop.as_str())]);
    for budget in [60, 200, 1_000] {
        let arguments = ["context", "a_package_with_a_long_name/of_a_shop.py:401", "--budget", &budget.to_string()];
        let (status, stdout, stderr) = project.tantu(&arguments);
        assert_eq!(status, 0, "{stderr}");
        let printed = context::count_tokens(&stdout);
        assert!(printed <= budget && printed * 2 > budget, "{printed} of {budget}: {stdout}");
        assert!(stdout.starts_with("# a_package_with_a_long_name/of_a_shop.py:"), "{stdout}");
    }
}

#[test]
fn a_context_has_what_the_documentation_says_and_says_where() {
    let project = Project::new(&[
        ("README.md", "# Shop\n\n## Paying a cart\n\nWho pays a cart pays in cents.\n\n## Licence\n\nMIT.\n"),
        ("shop.py", "def pay_cart(cart):\n    ...\n"),
    ]);
    let (status, stdout, stderr) = project.tantu(&["context", "shop.py:1", "--explain"]);
    assert_eq!(status, 0, "{stderr}");
    assert!(stdout.contains("passage    Paying a cart (README.md:3): speaks of"), "{stdout}");
    assert!(!stdout.contains("Licence"), "{stdout}");
    let (_, stdout, _) = project.tantu(&["context", "shop.py:1", "--format", "json"]);
    let context: serde_json::Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!(context["documents"][0]["end_line"], 5);
}

#[test]
fn a_context_outside_of_the_workspace_or_of_no_place_is_an_error() {
    let project = Project::new(&[("shop.py", "def pay(): ...\n"), (".gitignore", "out/\n"), ("out/a.py", "x = 1\n")]);
    for place in ["out/a.py:1", "shop.py:99", "nowhere.py:1"] {
        let (status, stdout, stderr) = project.tantu(&["context", place]);
        assert_eq!((status, stdout.as_str()), (2, ""), "{place}");
        assert!(stderr.contains(place.split(':').next().expect("a name")), "{stderr}");
    }
}

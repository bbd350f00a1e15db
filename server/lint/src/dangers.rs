//! What is dangerous to call outside of the workspace: one table for whoever judges code by what it reaches.
//!
//! The gate for proposals looks where values of these names flow (`validate`), the search for tainted calls looks what flows
//! into them (`ide`), and quick fixes ask which calls take a command (`security`). It stands in this crate because both of the
//! others depend on it, and because it knows no workspace; the graph is told the names.

mod table;

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use table::{ATTRIBUTES, GROUPS, METHODS};

/// What happens when it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DangerKind {
    /// A text is run as code.
    Code,
    /// A text is handed to a shell.
    Shell,
    /// Another program or process is started, or native code is called.
    Program,
    /// What is read can run code.
    Deserialisation,
    Network,
    Reading,
    Writing,
    Removal,
    /// A module is imported by a name that is made up on the way.
    Import,
    /// The program looks at or changes itself: frames, all objects, other modules' names, what is called later.
    Reflection,
    Sql,
    Template,
    /// A browser is sent to another address.
    Redirect,
    /// A name of a file is made up that somebody else can take first.
    TemporaryName,
}

/// What is done about a call that a proposal brings in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Policy {
    /// No reviewer would let it through.
    Refuse,
    /// It is refused where nobody asked for such a thing and the file has not done so before.
    Unasked,
    /// Whoever reviews is asked.
    Ask,
    /// Only data from outside makes it dangerous.
    Free,
}

/// What of a call must not come from outside: an argument, by its place and name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    Nothing,
    Argument(usize, &'static str),
    Both((usize, &'static str), (usize, &'static str)),
    /// The words of a command, or its text where `shell` is true.
    Command,
    /// The server's name in an address.
    Url(usize, &'static str),
    /// A text; a function that is given instead is fine.
    Text(usize, &'static str),
    /// What a page is made of, unless it is said to be no HTML.
    Page(usize, &'static str),
    /// A document, unless a safe loader reads it.
    Document,
}

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Danger {
    pub kind: DangerKind,
    pub policy: Policy,
    pub input: Input,
}

struct Names {
    exact: HashMap<String, Danger>,
    /// Modules and classes all of whose members are meant.
    whole: HashMap<String, Danger>,
    last: HashSet<String>,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let mut names = Names { exact: HashMap::new(), whole: HashMap::new(), last: HashSet::new() };
    for group in GROUPS {
        let danger = Danger { kind: group.kind, policy: group.policy, input: group.input };
        for owner in group.owners.split_whitespace() {
            for member in group.members.split_whitespace() {
                if member == "*" {
                    names.whole.insert(owner.to_owned(), danger);
                    continue;
                }
                let name = if owner == BUILTINS { member.to_owned() } else { format!("{owner}.{member}") };
                names.exact.insert(name, danger);
                names.last.insert(member.to_owned());
            }
        }
    }
    names
});

/// What rows about built-in functions give as their owner; their names have no module before them.
const BUILTINS: &str = "builtins";

impl Danger {
    /// The row of a dotted name; a call in it is followed by `()`: `zipfile.ZipFile().extractall`.
    pub fn of(dotted: &str) -> Option<Danger> {
        let dotted = dotted.strip_prefix("builtins.").unwrap_or(dotted);
        if let Some(danger) = NAMES.exact.get(dotted) {
            return Some(*danger);
        }
        let (owner, member) = dotted.rsplit_once('.')?;
        // Exceptions of a module do nothing.
        if ["Error", "Exception", "Warning", "Timeout", "Response"].iter().any(|end| member.ends_with(end)) {
            return None;
        }
        let owners = std::iter::successors(Some(owner), |owner| owner.rsplit_once('.').map(|(outer, _)| outer));
        owners.into_iter().find_map(|owner| NAMES.whole.get(owner)).copied()
    }

    /// The row of a method by its name alone, for receivers of which nothing is known.
    pub fn of_method(name: &str) -> Option<Danger> {
        let group = METHODS.iter().find(|group| group.members.split_whitespace().any(|member| member == name))?;
        Some(Danger { kind: group.kind, policy: group.policy, input: group.input })
    }

    /// What rows are about: dotted names, those that end in `.*` for all members of a module.
    pub fn names() -> impl Iterator<Item = String> {
        let whole = NAMES.whole.keys().map(|owner| format!("{owner}.*"));
        NAMES.exact.keys().cloned().chain(whole)
    }

    /// Attributes that lead out of any object to the whole program.
    pub fn attributes() -> impl Iterator<Item = &'static str> {
        ATTRIBUTES.split_whitespace()
    }

    /// Whether the name of a row ends so, after its last dot.
    pub fn is_last_name(name: &str) -> bool {
        NAMES.last.contains(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(name: &str) -> Option<DangerKind> {
        Danger::of(name).map(|danger| danger.kind)
    }

    #[test]
    fn names_are_found_with_their_families_and_methods() {
        assert_eq!(kind("eval"), Some(DangerKind::Code));
        assert_eq!(kind("builtins.eval"), Some(DangerKind::Code));
        assert_eq!(kind("os.spawnlpe"), Some(DangerKind::Program));
        assert_eq!(kind("zipfile.ZipFile().extractall"), Some(DangerKind::Writing));
        assert_eq!(kind("requests.Session().get"), Some(DangerKind::Network));
        assert_eq!(kind("code.InteractiveInterpreter().runsource"), Some(DangerKind::Code));
    }

    #[test]
    fn what_only_stands_beside_them_is_harmless() {
        for name in [
            "ast.literal_eval",
            "subprocess.STDOUT",
            "subprocess.CalledProcessError",
            "re.compile",
            "requests.ConnectionError",
            "os.path.join",
            "pickle.dumps",
            "model.eval",
            "evaluate",
        ] {
            assert_eq!(kind(name), None, "{name}");
        }
    }

    #[test]
    fn no_name_has_two_rows() {
        let mut seen = HashSet::new();
        for group in GROUPS {
            for owner in group.owners.split_whitespace() {
                for member in group.members.split_whitespace() {
                    assert!(seen.insert((owner, member)), "{owner}.{member}");
                }
            }
        }
    }
}

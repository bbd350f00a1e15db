//! What diagnostics are about: one row says all there is to know of a code. Its page in the manual bears its name.

use lint::Severity;

/// What the program itself may be prepared for, by catching an exception or asking for a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guarded {
    Never,
    /// By whoever catches `ImportError`.
    Imports,
    /// By whoever catches `NameError`.
    Names,
    /// By whoever catches `AttributeError`.
    Members,
    /// By whoever catches `TypeError`.
    Calls,
}

/// All that is known of one code.
struct Row {
    /// The stable name, in kebab case.
    name: &'static str,
    page: &'static str,
    severity: Severity,
    guarded: Guarded,
    /// Type checkers report it too, so that comments for them silence it.
    is_type_error: bool,
}

/// `Code => "its-name", severity, what it is guarded by, whether type checkers report it`.
macro_rules! codes {
    ($($code:ident => $name:literal, $severity:ident, $guarded:ident, $is_type_error:literal;)*) => {
        /// What a diagnostic is about. The names are part of the interface: suppression comments and settings use them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($code,)*
        }

        impl Code {
            pub const ALL: [Code; [$($name),*].len()] = [$(Code::$code),*];

            fn row(self) -> &'static Row {
                match self {
                    $(Code::$code => &Row {
                        name: $name,
                        page: include_str!(concat!("../../../../docs/diagnostics/", $name, ".md")),
                        severity: Severity::$severity,
                        guarded: Guarded::$guarded,
                        is_type_error: $is_type_error,
                    },)*
                }
            }
        }
    };
}

codes! {
    SyntaxError => "syntax-error", Error, Never, false;
    UnresolvedImport => "unresolved-import", Error, Imports, true;
    UnknownModule => "unknown-module", Warning, Imports, true;
    UndefinedName => "undefined-name", Error, Names, true;
    MissingMember => "missing-member", Error, Members, true;
    IncompatibleCall => "incompatible-call", Error, Calls, true;
    IncompatibleOverride => "incompatible-override", Information, Never, true;
    ImportCycle => "import-cycle", Warning, Never, false;
    Deprecated => "deprecated", Hint, Never, true;
    Unused => "unused", Hint, Never, false;
    Duplicate => "duplicate", Hint, Never, false;
    TaintedCall => "tainted-call", Warning, Never, false;
}

impl Code {
    /// The stable name, in kebab case.
    pub fn as_str(self) -> &'static str {
        self.row().name
    }

    /// What the manual says, in Markdown: the name as a heading, one sentence, the rest.
    pub fn page(self) -> &'static str {
        self.row().page
    }

    /// The manual's first sentence.
    pub fn title(self) -> &'static str {
        self.page().lines().skip(1).find(|line| !line.is_empty()).unwrap_or_default()
    }

    /// How grave it is as a rule; a single diagnostic may be milder.
    pub fn severity(self) -> Severity {
        self.row().severity
    }

    /// Whether what it marks can go.
    pub fn is_unnecessary(self) -> bool {
        self == Code::Unused
    }

    /// Whether what it marks is to be used no longer.
    pub fn is_deprecated(self) -> bool {
        self == Code::Deprecated
    }

    pub(super) fn guarded(self) -> Guarded {
        self.row().guarded
    }

    pub(super) fn is_type_error(self) -> bool {
        self.row().is_type_error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_stable() {
        let names = Code::ALL.map(Code::as_str);
        let expected = [
            "syntax-error",
            "unresolved-import",
            "unknown-module",
            "undefined-name",
            "missing-member",
            "incompatible-call",
            "incompatible-override",
            "import-cycle",
            "deprecated",
            "unused",
            "duplicate",
            "tainted-call",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn the_manual_has_a_page_for_each_code_and_lists_it() {
        let [findings, contents] =
            [include_str!("../../../../docs/findings.md"), include_str!("../../../../docs/SUMMARY.md")];
        for code in Code::ALL {
            let name = code.as_str();
            assert_eq!(code.page().lines().next(), Some(&*format!("# {name}")));
            assert!(code.title().ends_with('.'), "{}", code.title());
            assert!(code.page().contains(&format!("# tantu: ignore[{name}]")) || code == Code::SyntaxError);
            let link = format!("(diagnostics/{name}.md)");
            assert!(findings.contains(&link) && contents.contains(&link), "{name} is not listed");
        }
    }
}

//! Quick fixes for security findings: each is one function of a text, its tree and the range of a finding, without a guess.
//!
//! What is unclear is refused: a fix that is wrong is worse here than none. Those of ruff's own rules that already bring a
//! fix are not repeated.

mod call;
mod check;
mod cryptography;
mod csrf;
mod eval;
mod hash;
mod imports;
mod jwt;
mod markup;
mod random;
mod secret;
mod shell;
mod site;
mod sql;
mod switch;
mod template;
mod temporary;
mod tls;
mod transfer;
mod xml;
mod yaml;

use syntax::TextRange;

use crate::stack::on_deep_stack;
use crate::{Document, Fix};
pub(crate) use imports::Imports;
use site::Site;

/// The rules that a fix is for, and the fix.
type Entry = (&'static [&'static str], fn(&Site) -> Option<Fix>);

/// In the order in which fixes of one rule are offered.
const FIXES: &[Entry] = &[
    (&["S101"], check::raise_instead_of_assert),
    (&["S103"], switch::owner_only),
    (&["S105", "S106", "S107", "secret"], secret::from_environment),
    (&["S108"], temporary::below_temporary_folder),
    (&["S113"], call::with_timeout),
    (&["S201"], switch::without_debugger),
    (&["S202"], call::with_filter),
    (&["S306"], temporary::named_file),
    (&["S307"], eval::literal_eval),
    (&["S308"], markup::format_html),
    (&["S311"], random::secrets),
    (&["S321"], transfer::over_tls),
    (&["S323"], tls::checked_context),
    (&["S324"], hash::sha256),
    (&["S324"], hash::not_for_security),
    (&["S501"], tls::verify),
    (&["S502", "S503", "S504"], tls::newer_version),
    (&["S505"], cryptography::stronger),
    (&["S506"], yaml::safe_load),
    (&["S507"], transfer::known_hosts),
    (&["S602", "S604", "S605", "S607"], shell::without_shell),
    (&["S605"], shell::output_of_subprocess),
    (&["S605", "S607"], shell::subprocess_instead_of_system),
    (&["S608"], sql::parameters),
    (&["S701"], call::with_autoescape),
    (&["S704"], markup::format),
    (&["autoescape-off"], switch::autoescape),
    (&["exempt-from-csrf"], csrf::protected),
    (&["unverified-jwt"], jwt::verified),
    (&["xml-entities"], xml::closed),
];

/// What fixes the finding of the rule `code` at `range`; the first is to be preferred. Every result parses if the text does.
pub fn fixes(document: &Document<'_>, code: &str, range: TextRange) -> Vec<Fix> {
    if document.parsed.has_errors() || usize::from(range.end()) > document.text.len() {
        return Vec::new();
    }
    let entries: Vec<&Entry> = FIXES.iter().filter(|(codes, _)| codes.contains(&code)).collect();
    if entries.is_empty() {
        return Vec::new();
    }
    let found = on_deep_stack(|| {
        let site = Site::new(*document, range);
        entries.iter().filter_map(|(_, fix)| fix(&site)).collect()
    });
    // Without a thread, or when a fix panics, there is none.
    found.unwrap_or_default()
}

#[cfg(test)]
mod testing;

//! What a candidate does that is dangerous: it runs text as code, starts programs, uses the network, writes or removes files,
//! loads what can run code, or reaches into the running program.
//!
//! What is dangerous is said in one table ([`Danger`]); where it is called, handed on or mentioned, the flow of values says on
//! the graph with the edit, whatever it is called there. Only what is new counts. What no reviewer would let through is
//! refused; what nobody asked for is refused where the file has not done so before; the rest, and what the graph cannot
//! follow, is a question to whoever reviews.

mod asked;
mod places;
#[cfg(test)]
mod tests;
mod ways;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use graph::{Analysis, ExternalUse, ExternalUseKind, ExternalUses, Externals, FileId, Target};
use lint::{Danger, DangerKind, Input, Policy};
use syntax::ast::Expr;
use syntax::{Ranged, TextRange, parse};

use self::asked::Asked;
use self::places::Places;
use self::ways::{Way, way};
use super::Comparison;
use super::ranges::Ranges;
use crate::candidate::{Edited, display_path};
use crate::{Finding, Scope, Stage};

static FOLLOWED: LazyLock<Externals> = LazyLock::new(|| Externals::new(Danger::names(), Danger::attributes()));

/// What is found, and what whoever reviews is asked.
#[derive(Default)]
pub(super) struct Judgement {
    pub findings: Vec<Finding>,
    pub questions: Vec<Finding>,
}

/// `said` is where linters have seen dangers, in each edited file that is there after the edit: before and after. `person` is
/// what the person said.
pub(super) fn judge(comparison: &Comparison, scope: &Scope, person: &str, said: &[[Vec<TextRange>; 2]]) -> Judgement {
    let edited = comparison.files.iter().filter_map(|edited| Some((edited, comparison.after.file(&edited.path)?)));
    let files: Vec<(&Edited, FileId, &[TextRange])> =
        edited.zip(said).map(|((edited, file), [_, said])| (edited, file, said.as_slice())).collect();
    if files.is_empty() {
        return Judgement::default();
    }
    let asked = Asked::new(comparison, scope, person);
    let after = Uses::of(&comparison.after, files.iter().map(|(_, file, _)| *file).collect());
    // Without a use in what was written nothing can be new.
    let is_written =
        |it: &ExternalUse| files.iter().any(|(edited, file, _)| it.file == *file && edited.wrote(it.range));
    let before = if after.all.uses.iter().any(is_written) || after.all.is_cut {
        let then = |(edited, ..): &(&Edited, FileId, &[TextRange])| comparison.before.file(&edited.path);
        Uses::of(&comparison.before, files.iter().filter_map(then).collect())
    } else {
        Uses::default()
    };
    let mut judgement = Judgement::default();
    for &(edited, file, said) in &files {
        let text = comparison.after.source(file).text();
        let parsed = parse(text);
        let old = comparison.before.file(&edited.path).map(|old| (old, parse(comparison.before.source(old).text())));
        let of_file = OfFile {
            comparison,
            asked: &asked,
            edited,
            file,
            said: said.iter().copied().collect(),
            text,
            places: Places::new(&parsed),
            old: old.as_ref().map(|(old, parsed)| (*old, Places::new(parsed))),
            after: &after,
            before: &before,
            is_test: graph::is_test_file(&edited.path),
        };
        of_file.judge(&mut judgement);
    }
    if after.all.is_cut && !before.all.is_cut {
        let (_, file, _) = files[0];
        let message = "values flow in so many ways here that they were not followed to their end".to_owned();
        let finding = comparison.finding(Stage::Security, "possible-danger", message, file, TextRange::default());
        judgement.questions.push(Finding { line: 0, ..finding });
    }
    judgement
}

/// The uses in one state of the workspace.
#[derive(Default)]
struct Uses {
    all: ExternalUses,
    /// How often a name is called or handed on, by file.
    calls: BTreeMap<(FileId, String), usize>,
    /// How often it is used otherwise.
    others: BTreeMap<(FileId, ExternalUseKind, String), usize>,
}

impl Uses {
    fn of(analysis: &Analysis, files: Vec<FileId>) -> Self {
        let all = analysis.external_uses(&FOLLOWED, &files);
        let mut uses = Uses::default();
        for it in &all.uses {
            if is_call(it) {
                *uses.calls.entry((it.file, it.name.clone())).or_default() += 1;
            } else {
                *uses.others.entry((it.file, it.kind, it.name.clone())).or_default() += 1;
            }
        }
        Uses { all, ..uses }
    }

    fn calls_of(&self, file: Option<FileId>, name: &str) -> usize {
        file.and_then(|file| self.calls.get(&(file, name.to_owned()))).copied().unwrap_or(0)
    }
}

fn is_call(it: &ExternalUse) -> bool {
    matches!(it.kind, ExternalUseKind::Called | ExternalUseKind::HandedOn)
}

/// One edited file, and what is known of it.
struct OfFile<'a> {
    comparison: &'a Comparison,
    asked: &'a Asked,
    edited: &'a Edited,
    file: FileId,
    said: Ranges,
    text: &'a str,
    places: Places<'a>,
    old: Option<(FileId, Places<'a>)>,
    after: &'a Uses,
    before: &'a Uses,
    is_test: bool,
}

/// What is to be done about a use.
enum Verdict {
    Refused {
        code: &'static str,
        message: String,
    },
    /// As [`Verdict::Refused`], unless somebody asked for it.
    Unasked(&'static Way, String),
    Asked(&'static Way, String),
}

impl OfFile<'_> {
    fn judge(&self, judgement: &mut Judgement) {
        let mut found: Vec<(TextRange, Verdict)> = Vec::new();
        let mut called: BTreeSet<&str> = BTreeSet::new();
        for (it, is_said) in self.new_calls(&mut called) {
            let verdicts = self.of_call(it).into_iter();
            let verdicts = verdicts.filter(|verdict| !(is_said && matches!(verdict, Verdict::Refused { .. })));
            found.extend(verdicts.map(|verdict| (it.range, verdict)));
        }
        found.extend(self.elsewhere(&mut called));
        found.extend(self.mentions(&called));
        found.extend(self.methods());
        found.extend(self.strings());
        found.sort_by_key(|(range, _)| range.start());
        let mut told: BTreeSet<&str> = BTreeSet::new();
        for (range, verdict) in found {
            match verdict {
                Verdict::Refused { code, message } => judgement.findings.push(self.finding(code, message, range)),
                // Once for each way out of the program.
                Verdict::Unasked(way, message) if !self.is_granted(way) => {
                    if told.insert(way.unasked) {
                        let finding = self.finding(way.unasked, message, range);
                        let is_likely = self.is_likely(way);
                        if is_likely { &mut judgement.questions } else { &mut judgement.findings }.push(finding);
                    }
                }
                Verdict::Asked(way, message) if !self.asked.for_way(way) => {
                    let question = self.finding(way.question, message, range);
                    if !judgement.questions.contains(&question) {
                        judgement.questions.push(question);
                    }
                }
                Verdict::Unasked(..) | Verdict::Asked(..) => {}
            }
        }
    }

    fn finding(&self, code: &str, message: String, range: TextRange) -> Finding {
        self.comparison.finding(Stage::Security, code, message, self.file, range)
    }

    /// Whether somebody asked for what the way does, the file did so before, or tests may do so: they clean up behind
    /// themselves.
    fn is_granted(&self, way: &Way) -> bool {
        let is_of_tests = matches!(way.kind, DangerKind::Writing | DangerKind::Removal);
        self.is_test && is_of_tests || self.asked.for_way(way) || self.did_so(way)
    }

    /// Whether something speaks for it that nobody has said in so many words: the file imports before the edit what is there for
    /// nothing else. What its docstrings say further down does not: that is where orders to a model are hidden.
    fn is_likely(&self, way: &Way) -> bool {
        let Some((old, _)) = &self.old else { return false };
        let imports = self.comparison.before.imports(*old);
        let is_for_it = |module: &str| way.modules.contains(&module.split('.').next().unwrap_or(module));
        imports.iter().any(|import| is_for_it(&import.text))
    }

    fn did_so(&self, way: &Way) -> bool {
        let Some((old, places)) = &self.old else { return false };
        let is_of_way = |it: &&ExternalUse| {
            it.file == *old && is_call(it) && danger_of(it, places).is_some_and(|danger| danger.kind == way.kind)
        };
        self.before.all.uses.iter().any(|it| is_of_way(&it))
            || self
                .methods_in(&self.comparison.before, *old, places)
                .iter()
                .any(|(_, danger, _)| danger.kind == way.kind)
    }

    /// Calls in this file that were not there before, and whether linters have said so: of a name that is called more often
    /// than before, the last that were written. All that are written are `called`.
    fn new_calls<'a>(&'a self, called: &mut BTreeSet<&'a str>) -> Vec<(&'a ExternalUse, bool)> {
        let mut by_name: BTreeMap<&str, Vec<&ExternalUse>> = BTreeMap::new();
        for it in self.after.all.uses.iter().filter(|it| it.file == self.file && is_call(it)) {
            by_name.entry(&it.name).or_default().push(it);
        }
        let mut calls = Vec::new();
        for (name, all) in by_name {
            let before = self.before.calls_of(self.old.as_ref().map(|(old, _)| *old), name);
            let count = all.len().saturating_sub(before);
            let is_said = |it: &&ExternalUse| self.said.touch(it.range);
            let (said, unsaid): (Vec<_>, Vec<_>) =
                all.into_iter().filter(|it| self.edited.wrote(it.range)).partition(is_said);
            if !said.is_empty() || !unsaid.is_empty() {
                called.insert(name);
            }
            let left = unsaid.len().saturating_sub(count);
            calls.extend(said.into_iter().take(count).map(|it| (it, true)));
            calls.extend(unsaid.into_iter().skip(left).map(|it| (it, false)));
        }
        calls
    }

    /// What the candidate mentions and other places call now: a function that it is given to, or one that reads where it
    /// stores it.
    fn elsewhere<'a>(&'a self, called: &mut BTreeSet<&'a str>) -> Vec<(TextRange, Verdict)> {
        let mut found = Vec::new();
        let path = |analysis: &Analysis, file: FileId| analysis.path(file).to_owned();
        let (now, then) = (&self.comparison.after, &self.comparison.before);
        let count_before = |wanted: &Path, name: &str| -> usize {
            let same = self.before.calls.iter().filter(|((file, it), _)| it == name && path(then, *file) == wanted);
            same.map(|(_, count)| count).sum()
        };
        let mut new: BTreeSet<&str> = self.after.all.unplaced.iter().map(String::as_str).collect();
        self.before.all.unplaced.iter().for_each(|name| {
            new.remove(name.as_str());
        });
        for ((file, name), count) in &self.after.calls {
            if *count > count_before(&path(now, *file), name) {
                new.insert(name);
            }
        }
        for it in self.written(ExternalUseKind::Mentioned) {
            if new.contains(it.name.as_str()) && !self.places.is_inert(it.range) && called.insert(&it.name) {
                found.extend(self.of_call(it).into_iter().map(|verdict| (it.range, verdict)));
            }
        }
        found
    }

    fn written(&self, kind: ExternalUseKind) -> impl Iterator<Item = &ExternalUse> {
        let here = self.after.all.uses.iter().filter(move |it| it.file == self.file && it.kind == kind);
        here.filter(|it| self.edited.wrote(it.range))
    }

    /// What is dangerous in a call, or in what is handed on.
    fn of_call(&self, it: &ExternalUse) -> Vec<Verdict> {
        let Some(danger) = danger_of(it, &self.places) else {
            return self
                .mode_is_open(it)
                .then(|| asked(it, DangerKind::Writing, "may write files: its mode is not known"))
                .into_iter()
                .collect();
        };
        let call = self.places.call(it.range);
        let way = way(danger.kind);
        let name = &it.name;
        let does = match it.kind {
            ExternalUseKind::HandedOn => format!("{}, and is handed to something that may call it", does(name, way)),
            _ => does(name, way).to_owned(),
        };
        let is_plain_text = it.arguments.first().is_some_and(|first| first.is_function);
        match danger.input {
            Input::Text(..) if is_plain_text => return Vec::new(),
            Input::Document if call.is_some_and(|call| places::has_safe_loader(call, self.text)) => return Vec::new(),
            _ => {}
        }
        let mut verdicts = Vec::new();
        if danger.input == Input::Command && call.is_some_and(places::has_shell) {
            let message = format!("`{name}` with `shell=True` hands text to a shell");
            verdicts.push(Verdict::Refused { code: "insecure-call", message });
        }
        verdicts.extend(match danger.policy {
            Policy::Refuse => Some(Verdict::Refused { code: "insecure-call", message: format!("`{name}` {does}") }),
            Policy::Unasked => Some(Verdict::Unasked(way, unasked(name, &does))),
            Policy::Ask => Some(Verdict::Asked(way, format!("`{name}` {does}: is that meant?"))),
            Policy::Free => None,
        });
        verdicts
    }

    /// Whether something is opened here that may be written to, for all that is known.
    fn mode_is_open(&self, it: &ExternalUse) -> bool {
        opens(&it.name)
            && match self.places.call(it.range).map(places::writes) {
                Some(Some(_)) => false,
                _ => mode_of(it).is_some_and(|mode| !mode.is_known),
            }
    }

    /// What is mentioned in the text and not called, and what cannot be followed.
    fn mentions(&self, called: &BTreeSet<&str>) -> Vec<(TextRange, Verdict)> {
        let old = self.old.as_ref().map(|(old, _)| *old);
        let is_new = |it: &ExternalUse| {
            let count = |uses: &Uses, file: Option<FileId>| {
                let key = file.map(|file| (file, it.kind, it.name.clone()));
                key.and_then(|key| uses.others.get(&key)).copied().unwrap_or(0)
            };
            count(self.after, Some(self.file)) > count(self.before, old)
        };
        let mut found = Vec::new();
        for it in self.written(ExternalUseKind::Computed).filter(|it| is_new(it) && !self.is_patched(it.range)) {
            let message = format!(
                "which member of `{}` is taken here is not known before it runs, and any may be: is that meant?",
                it.name
            );
            found.push((it.range, Verdict::Asked(way(DangerKind::Reflection), message)));
        }
        let mut told = BTreeSet::new();
        for it in self.written(ExternalUseKind::Mentioned).filter(|it| is_new(it)) {
            let is_called = called.contains(it.name.as_str()) || self.after.calls_of(Some(self.file), &it.name) > 0;
            // A constant of a module does nothing.
            let is_constant = it.name.rsplit('.').next().is_some_and(|last| !last.contains(char::is_lowercase));
            if is_called || is_constant || self.places.is_inert(it.range) || !told.insert(&it.name) {
                continue;
            }
            match Danger::of(&it.name) {
                None => found
                    .push((it.range, asked(it, DangerKind::Reflection, "leads from any object to the whole program"))),
                Some(danger) if danger.policy == Policy::Free => {}
                Some(danger) => {
                    let way = way(danger.kind);
                    // What a file does may be mentioned there.
                    if danger.policy != Policy::Unasked || !self.is_granted(way) {
                        let message = format!(
                            "`{}` {}; it is mentioned here, and where it is called is not known: is that meant?",
                            it.name,
                            does(&it.name, way)
                        );
                        found.push((it.range, Verdict::Asked(way, message)));
                    }
                }
            }
        }
        found
    }

    /// Whether a test puts something else in the place of a module's member.
    fn is_patched(&self, range: TextRange) -> bool {
        let callee = self.places.call(range).map(|call| &*call.func);
        let method = callee.and_then(Expr::as_attribute_expr).map(|method| method.attr.as_str());
        self.is_test && method.is_some_and(|method| matches!(method, "object" | "setattr" | "delattr" | "spy" | "stub"))
    }

    /// Texts that name what leads from any object to the whole program: formats read attributes.
    fn strings(&self) -> Vec<(TextRange, Verdict)> {
        let named = |text: &str| {
            let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
            words
                .find(|word| word.starts_with("__") && Danger::attributes().any(|attribute| attribute == *word))
                .map(str::to_owned)
        };
        let before: Vec<String> =
            self.old.iter().flat_map(|(_, places)| &places.strings).filter_map(|it| named(it.as_str())).collect();
        let written = self.places.strings.iter().filter(|it| self.edited.wrote(it.range()));
        let new =
            written.filter_map(|it| Some((it.range(), named(it.as_str()).filter(|name| !before.contains(name))?)));
        // By `getattr`, it is read there.
        let is_read = |name: &str| self.written(ExternalUseKind::Mentioned).any(|it| it.name == name);
        let new = new.filter(|(_, name)| !is_read(name));
        let question = |(range, name): (TextRange, String)| {
            let message =
                format!("a text names `{name}`, which leads from any object to the whole program: is that meant?");
            (range, Verdict::Asked(way(DangerKind::Reflection), message))
        };
        new.map(question).collect()
    }

    /// Methods that mean something whatever they are called on, where the receiver is not known.
    fn methods(&self) -> Vec<(TextRange, Verdict)> {
        let mut found = Vec::new();
        for (name, danger, range) in self.methods_in(&self.comparison.after, self.file, &self.places) {
            let is_followed =
                self.after.all.uses.iter().any(|it| it.file == self.file && it.range == range && is_call(it));
            if is_followed || !self.edited.wrote(range) {
                continue;
            }
            let way = way(danger.kind);
            let verdict = match danger.policy {
                Policy::Refuse | Policy::Unasked => Verdict::Unasked(way, unasked(name, way.does)),
                Policy::Ask if self.did_so(way) => continue,
                Policy::Ask => Verdict::Asked(way, format!("`{name}` may be what {}: is that meant?", way.does)),
                Policy::Free => continue,
            };
            found.push((range, verdict));
        }
        found
    }

    fn methods_in<'p>(
        &self,
        analysis: &Analysis,
        file: FileId,
        places: &Places<'p>,
    ) -> Vec<(&'p str, Danger, TextRange)> {
        let mut resolver = analysis.resolver(file);
        let mut found = Vec::new();
        for &(name, range) in &places.attributes {
            let opens = name == "open" && places.call(range).is_some_and(|call| places::writes(call) == Some(true));
            let writing = Danger { kind: DangerKind::Writing, policy: Policy::Unasked, input: Input::Nothing };
            let Some(danger) = (if opens { Some(writing) } else { Danger::of_method(name) }) else { continue };
            let is_ours = |target: &Target| matches!(target, Target::Symbol(..));
            if !resolver.targets(range.start()).iter().any(is_ours) {
                found.push((name, danger, range));
            }
        }
        found
    }
}

/// The row of what is used; opening a file is dangerous where its mode writes.
fn danger_of(it: &ExternalUse, places: &Places<'_>) -> Option<Danger> {
    let danger = Danger::of(&it.name)?;
    if !opens(&it.name) {
        return Some(danger);
    }
    let in_text = places.call(it.range).and_then(places::writes);
    let writes = in_text.unwrap_or_else(|| {
        let mode = mode_of(it);
        mode.is_some_and(|mode| mode.texts.iter().any(|text| text.contains(['w', 'a', 'x', '+'])))
    });
    writes.then_some(Danger { kind: DangerKind::Writing, policy: Policy::Unasked, ..danger })
}

/// Whether a mode says if something is written.
fn opens(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    matches!(last, "open" | "FileIO") && Danger::of(name).is_some_and(|danger| danger.kind == DangerKind::Reading)
}

fn mode_of(it: &ExternalUse) -> Option<&graph::ExternalArgument> {
    let named = it.arguments.iter().find(|argument| argument.name.as_deref() == Some("mode"));
    named.or_else(|| it.arguments.get(1).filter(|argument| argument.name.is_none()))
}

fn does<'a>(name: &str, way: &'a Way) -> &'a str {
    match name {
        "marshal.load" | "marshal.loads" => "trusts its data",
        "compile" => "makes code of text",
        _ => way.does,
    }
}

fn unasked(name: &str, does: &str) -> String {
    format!(
        "`{name}` {does}, and neither the function's name, the first sentence of its docstring nor the person who asks speaks \
         of that"
    )
}

fn asked(it: &ExternalUse, kind: DangerKind, does: &str) -> Verdict {
    Verdict::Asked(way(kind), format!("`{}` {does}: is that meant?", it.name))
}

/// Secrets in new files that are no Python: what linters see of those.
pub(super) fn secrets_in_prose(comparison: &Comparison) -> Vec<Finding> {
    let others = comparison.files.iter().filter(|edited| !graph::is_python(&edited.path));
    let finding = |edited: &Edited| {
        let found = lint::secret_in_prose(&edited.after)?;
        let line = edited.after[..found.range.start().to_usize()].matches('\n').count() as u32 + 1;
        let path = display_path(&comparison.after, &edited.path);
        Some(Finding { stage: Stage::Security, code: found.code.into_owned(), message: found.message, path, line })
    };
    others.filter_map(finding).collect()
}

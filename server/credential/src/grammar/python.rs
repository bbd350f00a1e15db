//! Python: which name a string is given to. By assignment, keyword, default, key of a dictionary, comparison, or by its place
//! in a call; in whole or in parts that are joined. It reads tokens and keeps the brackets that are open, no more: code that
//! is cut off or has mistakes is read as far as it goes.

mod calls;
mod lexer;

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use self::lexer::{Lexer, Literal, Token};
use super::{Scan, Syntax, Writing, indentation, json, line, markup, syntax};
use crate::formats;
use crate::names::WRAPPERS;
use crate::promises::{Promise, promise};
use crate::values;

pub(super) fn scan(scan: &mut Scan, range: Range<usize>) {
    let text = scan.text;
    let indent = indentation(&text[range.clone()]);
    let mut reader = Reader {
        text,
        frames: vec![Frame::default()],
        scopes: Vec::new(),
        indent,
        matched: None,
        last: Last::default(),
        literals: HashMap::new(),
        start: range.start,
    };
    for (token, at) in Lexer::new(text, range.clone()) {
        scan.work += at.len();
        match token {
            Token::Comment => {
                line::scan(scan, at.clone(), Writing::Prose);
                markup::setting(scan, at);
            }
            Token::Newline(indent) => {
                reader.end_of_line(scan);
                reader.start = at.end;
                reader.indent = indent;
            }
            Token::String(literal) => reader.string(literal),
            Token::Name => reader.name(scan, &text[at]),
            Token::Number => reader.last = Last::default(),
            Token::Sign => reader.sign(scan, &text[at]),
        }
    }
    reader.end_of_line(scan);
}

const KEYWORDS: &[&str] = &[
    "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else", "except",
    "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise",
    "return", "try", "while", "with", "yield",
];

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Open {
    /// A statement.
    #[default]
    Statement,
    Group,
    Call,
    List,
    Dict,
    Subscript,
}

/// A bracket that is open, or the statement that it is all in.
#[derive(Default)]
struct Frame<'t> {
    open: Open,
    /// Of a call or a subscript, what is before the bracket.
    callee: Option<&'t str>,
    /// A list of parameters.
    is_definition: bool,
    /// What all that is inside is given to.
    given: Option<&'t str>,
    /// What the next value is given to.
    name: Option<&'t str>,
    /// The name before an annotation.
    annotated: Option<&'t str>,
    /// The targets of an assignment, where there are several.
    targets: Vec<Option<&'t str>>,
    /// Commas before.
    position: usize,
    /// The literals of the value that is being read; they are one where they are joined.
    value: Vec<Literal>,
    /// The left side of a comparison.
    compared: Option<&'t str>,
    compared_value: Vec<Literal>,
    /// Behind a `+`.
    is_joined: bool,
    /// Between `if` and `else`.
    is_condition: bool,
    /// `lambda`s whose colon is still to come.
    lambdas: usize,
    /// The literal at the place before, and the first that promises something: `getenv("PASSWORD", "…")`.
    before: Option<&'t str>,
    label: Option<&'t str>,
    content: Option<Literal>,
    /// An argument that is a name: `compare_digest(password, "…")`.
    argument: Option<&'t str>,
    /// Literals by their place that no name was found for.
    positional: Vec<Literal>,
    /// What the hole of a template stands for: `"password=%s"`.
    template: Option<&'t str>,
    /// The first word of a statement.
    first: Option<&'t str>,
}

/// The expression that was read last.
#[derive(Clone, Copy, Default)]
struct Last<'t> {
    /// Its name: of a variable, an attribute, a key.
    subject: Option<&'t str>,
    /// Whether a bracket behind it is a call or a subscript.
    is_callable: bool,
    is_keyword: bool,
    is_string: bool,
}

struct Scope<'t> {
    indent: usize,
    name: &'t str,
    is_class: bool,
}

struct Reader<'t> {
    text: &'t str,
    /// The first is the statement.
    frames: Vec<Frame<'t>>,
    scopes: Vec<Scope<'t>>,
    indent: usize,
    /// What `match` looks at.
    matched: Option<&'t str>,
    last: Last<'t>,
    /// What a variable was given last, as far as it is literals: `password = first + second`.
    literals: HashMap<&'t str, Vec<Literal>>,
    /// Of the statement.
    start: usize,
}

/// Literals that one variable stands for.
const MAX_PIECES: usize = 4;
/// Of a literal that a variable stands for; longer ones are texts.
const MAX_PIECE_BYTES: usize = 64;

/// Brackets that are kept apart; what is deeper counts as in the last.
const MAX_BRACKETS: usize = 200;

impl<'t> Reader<'t> {
    fn frame(&mut self) -> &mut Frame<'t> {
        if self.frames.is_empty() {
            self.frames.push(Frame::default());
        }
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    /// What the value at this place is given to.
    fn given(&self) -> Option<&'t str> {
        let frame = self.frames.last()?;
        if frame.is_condition {
            return frame.compared;
        }
        frame.compared.or(frame.name).or(frame.given)
    }

    fn string(&mut self, literal: Literal) {
        let text = self.text;
        let content = &text[literal.content.clone()];
        let frame = self.frame();
        frame.template = calls::template(content).or(frame.template);
        frame.value.push(literal);
        self.last = Last {
            subject: (content.len() <= 96).then_some(content),
            is_callable: false,
            is_keyword: false,
            is_string: true,
        };
    }

    fn name(&mut self, scan: &mut Scan<'t>, name: &'t str) {
        let before = self.last;
        let is_first = self.frames.len() == 1 && self.frame().first.is_none();
        if is_first {
            let indent = self.indent;
            self.scopes.retain(|scope| scope.indent < indent);
            self.frame().first = Some(name);
            if name == "case" {
                let matched = self.matched;
                self.frame().given = matched;
            }
        }
        if before.is_keyword
            && matches!(self.frame().first, Some("def" | "class" | "async"))
            && self.frames.len() == 1
            && !KEYWORDS.contains(&name)
        {
            let is_class = self.frame().first == Some("class");
            let indent = self.indent;
            if self.frame().callee.is_none() {
                self.scopes.push(Scope { indent, name, is_class });
                self.frame().callee = Some(name);
            }
        }
        if !KEYWORDS.contains(&name) {
            self.last = Last { subject: Some(name), is_callable: true, is_keyword: false, is_string: false };
            return;
        }
        match name {
            "or" | "and" | "for" | "not" => self.flush(scan),
            "if" => {
                self.flush(scan);
                self.frame().is_condition = self.frames.len() > 1 || !is_first;
            }
            "else" => {
                self.flush(scan);
                self.frame().is_condition = false;
            }
            "in" | "is" => {
                let subject = before.subject.filter(|_| !before.is_string);
                self.flush(scan);
                self.frame().compared = subject;
            }
            "lambda" => self.frame().lambdas += 1,
            "return" | "yield" => {
                let function = self.scopes.iter().rev().find(|scope| !scope.is_class).map(|scope| scope.name);
                self.frame().name = function.filter(|name| calls::gives_what_it_says(name));
            }
            _ => {}
        }
        self.last = Last { is_keyword: true, ..Last::default() };
    }

    fn sign(&mut self, scan: &mut Scan<'t>, sign: &'t str) {
        match sign {
            "(" | "[" | "{" => return self.open(sign),
            ")" | "]" | "}" => return self.close(scan),
            "." => {
                self.last = Last { is_callable: true, ..self.last };
                return;
            }
            // What is joined is one value.
            "+" => {
                self.operand();
                self.frame().is_joined = true;
            }
            "," => self.comma(scan),
            ";" if self.frames.len() == 1 => return self.end_of_line(scan),
            "=" | "+=" | ":=" | "|=" => self.assign(scan),
            "==" | "!=" => {
                let subject = self.last.subject.filter(|_| !self.last.is_string);
                let frame = self.frame();
                if frame.value.is_empty() {
                    frame.compared = subject;
                } else {
                    frame.compared_value = std::mem::take(&mut frame.value);
                }
            }
            ":" => self.colon(scan),
            "%" => {
                let template = self.frame().template;
                self.flush(scan);
                if template.is_some() {
                    self.frame().name = template;
                }
            }
            _ => self.flush(scan),
        }
        self.last = Last::default();
    }

    fn open(&mut self, bracket: &str) {
        let last = self.last;
        let given = self.given();
        let position = self.frame().position;
        let template = self.frame().template;
        // `parametrize("password", ["…"])`
        let of_argument = self.frame().before.filter(|name| {
            self.frames.last().is_some_and(|frame| frame.open == Open::Call && frame.position > 0)
                && promise(name).is_some()
        });
        let given = given.or(of_argument);
        let is_definition = self.frames.len() == 1
            && matches!(self.frame().first, Some("def" | "async"))
            && self.frame().callee.is_some();
        let is_behind = last.is_callable && last.subject.is_some();
        let mut frame = Frame::default();
        match bracket {
            "(" if is_behind => {
                frame.open = Open::Call;
                frame.callee = last.subject;
                frame.is_definition = is_definition;
                let callee = last.subject.unwrap_or_default();
                let is_class = callee.starts_with(char::is_uppercase) && self.frame().name.is_some();
                let stands_for_it = WRAPPERS.contains(&callee) || calls::hands_on(callee) || is_class;
                frame.given = match callee {
                    "format" => template.or(given),
                    _ => given.filter(|_| stands_for_it),
                };
            }
            "(" => frame.open = Open::Group,
            "[" if is_behind || last.is_string => {
                frame.open = Open::Subscript;
                frame.callee = last.subject;
                if last.subject == Some("Literal") {
                    frame.open = Open::List;
                    frame.given = self.frame().annotated;
                }
            }
            "[" => frame.open = Open::List,
            _ => frame.open = Open::Dict,
        }
        if matches!(frame.open, Open::Group | Open::List | Open::Dict) && frame.given.is_none() {
            frame.given = given;
            // `users, passwords = ("bob", "…"), …` keeps its places; `("bob", "…")` alone has its own.
            if frame.open == Open::Group && self.frame().targets.len() > 1 && position == 0 {
                frame.targets = self.frame().targets.clone();
                frame.given = None;
                frame.name = frame.targets.first().copied().flatten();
            }
        }
        if self.frames.len() < MAX_BRACKETS {
            self.frames.push(frame);
        }
        self.last = Last::default();
    }

    fn close(&mut self, scan: &mut Scan<'t>) {
        self.flush(scan);
        if self.frames.len() == 1 {
            self.last = Last { is_callable: true, ..Last::default() };
            return;
        }
        let Some(frame) = self.frames.pop() else { return };
        let mut subject = None;
        match frame.open {
            Open::Call => {
                calls::end(scan, &frame);
                subject = frame.label.or(frame.callee);
            }
            Open::Subscript => subject = frame.before.or(frame.callee),
            Open::Group => subject = frame.argument,
            _ => {}
        }
        if frame.open != Open::Call {
            for literal in &frame.positional {
                self.look_inside(scan, literal);
            }
        }
        self.last = Last { subject, is_callable: true, is_keyword: false, is_string: false };
    }

    fn comma(&mut self, scan: &mut Scan<'t>) {
        let last = self.last;
        self.flush(scan);
        let is_statement = self.frames.len() == 1;
        let frame = self.frame();
        frame.position += 1;
        if frame.open == Open::Statement && frame.name.is_none() && frame.given.is_none() {
            frame.targets.push(last.subject.filter(|_| !last.is_string));
        } else if !frame.targets.is_empty() {
            frame.name = frame.targets.get(frame.position).copied().flatten();
        } else if !is_statement {
            frame.name = None;
        }
        frame.annotated = None;
        frame.is_condition = false;
    }

    fn assign(&mut self, scan: &mut Scan<'t>) {
        let last = self.last;
        // The key of `d["x"]` is no value.
        self.flush(scan);
        let class =
            self.scopes.last().filter(|scope| scope.is_class && scope.indent < self.indent).map(|scope| scope.name);
        let is_statement = self.frames.len() == 1;
        let frame = self.frame();
        let subject = frame.annotated.take().or(last.subject.filter(|_| !last.is_string));
        match frame.open {
            Open::Statement if is_statement => {
                frame.targets.push(subject);
                frame.position = 0;
                if frame.targets.len() == 1 || frame.name.is_some() {
                    frame.targets.clear();
                    let is_known = |name: &&str| promise(name).is_some();
                    // `a = password = "…"`; `class Passwords: BOB = "…"`.
                    let of_class = class.filter(|class| promise(class).is_some_and(|promise| promise <= Promise::Key));
                    frame.name = subject.filter(is_known).or(frame.name.filter(is_known)).or(of_class).or(subject);
                } else {
                    frame.name = frame.targets.first().copied().flatten();
                }
            }
            _ => frame.name = subject,
        }
    }

    fn colon(&mut self, scan: &mut Scan<'t>) {
        let last = self.last;
        let is_statement = self.frames.len() == 1;
        let frame = self.frame();
        if frame.lambdas > 0 {
            frame.lambdas -= 1;
            frame.name = frame.name.or(frame.given);
            return;
        }
        match frame.open {
            Open::Dict => self.key(scan),
            Open::Call if frame.is_definition => frame.annotated = last.subject,
            Open::Statement if is_statement => match frame.first {
                Some(first)
                    if KEYWORDS.contains(&first) || matches!(first, "match" | "case") && frame.name.is_none() =>
                {
                    if first == "match" {
                        self.matched = last.subject;
                    }
                    self.flush(scan);
                    self.frames[0] = Frame::default();
                }
                // A line that was cut out of a dictionary.
                _ if last.is_string => self.key(scan),
                _ => frame.annotated = frame.annotated.or(last.subject),
            },
            _ => self.flush(scan),
        }
    }

    /// What was read last names the next value. Keys are no values, except of what they are by themselves.
    fn key(&mut self, scan: &mut Scan<'t>) {
        let key = self.last.subject;
        let frame = self.frame();
        let keys = std::mem::take(&mut frame.value);
        frame.name = key;
        for literal in keys {
            self.look_inside(scan, &literal);
        }
    }

    fn end_of_line(&mut self, scan: &mut Scan<'t>) {
        while self.frames.len() > 1 {
            self.close(scan);
        }
        self.flush(scan);
        if let Some(statement) = self.frames.pop() {
            for literal in &statement.positional {
                self.look_inside(scan, literal);
            }
        }
        self.frames.push(Frame::default());
        self.last = Last::default();
    }

    /// What was read last is joined with something: if it is a variable, the literals that it stands for are.
    fn operand(&mut self) {
        let last = self.last;
        let Some(name) = last.subject.filter(|_| last.is_callable) else { return };
        let Some(pieces) = self.literals.get(name).cloned() else { return };
        let frame = self.frame();
        if frame.value.len() + pieces.len() <= MAX_PIECES {
            frame.value.extend(pieces);
        }
    }

    /// The value that was being read ends.
    fn flush(&mut self, scan: &mut Scan<'t>) {
        let text = self.text;
        if std::mem::take(&mut self.frame().is_joined) {
            self.operand();
        }
        let subject = self.last.subject;
        let is_name = !self.last.is_string && !self.last.is_keyword;
        let given = self.given();
        let frame = self.frame();
        let compared = std::mem::take(&mut frame.compared_value);
        if !compared.is_empty() {
            let is_taken = subject.filter(|_| is_name).is_some_and(|name| offer(scan, name, None, &compared));
            if !is_taken {
                compared.iter().for_each(|literal| self.look_inside(scan, literal));
            }
        }
        let is_statement = self.frames.len() == 1;
        let frame = self.frame();
        let value = std::mem::take(&mut frame.value);
        let variable = frame.name.filter(|_| is_statement && frame.targets.is_empty() && !value.is_empty());
        let is_short = value.len() <= MAX_PIECES && value.iter().all(|piece| piece.content.len() <= MAX_PIECE_BYTES);
        if let Some(name) = variable.filter(|_| is_short) {
            self.literals.insert(name, value.clone());
        }
        let frame = self.frame();
        if is_name && frame.compared.is_none() {
            frame.argument = subject.filter(|name| promise(name).is_some()).or(frame.argument);
        }
        frame.compared = None;
        let Some(first) = value.first() else { return };
        let content = &text[first.content.clone()];
        let is_taken = match frame.open {
            Open::Subscript => false,
            Open::Dict => pair(scan, frame, first, &value),
            Open::Call => calls::argument(scan, frame, &value),
            _ => {
                let is_second = given.is_some_and(line::is_of_pair) && frame.position > 0;
                let by_name =
                    given.is_some_and(|name| offer(scan, name, is_second.then_some(Promise::Password), &value));
                by_name || calls::element(scan, frame, &value)
            }
        };
        frame.before = (content.len() <= 96).then_some(content);
        frame.label = frame.label.or(frame.before.filter(|name| !name.contains(' ') && promise(name).is_some()));
        if is_taken || joined(scan, &value) {
            return;
        }
        // What variables stand for was looked at where it is.
        let value: Vec<Literal> = value.into_iter().filter(|piece| piece.content.start >= self.start).collect();
        let frame = self.frame();
        if frame.open == Open::Call && frame.name.is_none() && frame.positional.len() < calls::MAX_ARGUMENTS {
            // It may turn out to be the last.
            frame.positional.extend(value);
        } else {
            value.iter().for_each(|literal| self.look_inside(scan, literal));
        }
    }

    /// A literal that is no secret as a whole may hold one.
    fn look_inside(&self, scan: &mut Scan<'t>, literal: &Literal) {
        look_inside(scan, literal);
    }
}

fn look_inside(scan: &mut Scan, literal: &Literal) {
    let content = &scan.text[literal.content.clone()];
    if content.len() < 8 {
        return;
    }
    if !content.contains('\n') {
        line::scan(scan, literal.content.clone(), Writing::Prose);
        return markup::setting(scan, literal.content.clone());
    }
    let syntax = match syntax::guess(content) {
        // Documentation has examples in it.
        Syntax::Python => Syntax::Markup,
        syntax => syntax,
    };
    scan.part(literal.content.clone(), syntax);
}

/// The text of joined literals, and where it is.
fn whole<'t>(text: &'t str, literals: &[Literal]) -> (Cow<'t, str>, Vec<Range<usize>>) {
    match literals {
        [literal] if !literal.is_format => {
            (Cow::Borrowed(&text[literal.content.clone()]), vec![literal.content.clone()])
        }
        _ => {
            let value: String = literals.iter().map(|literal| literal.value(text)).collect();
            (Cow::Owned(value), literals.iter().flat_map(|literal| literal.pieces(text)).collect())
        }
    }
}

/// Takes `literals` if they may be what `name` promises, or what is known besides.
fn offer(scan: &mut Scan, name: &str, known: Option<Promise>, literals: &[Literal]) -> bool {
    let Some(promise) = known.or_else(|| promise(name)) else { return false };
    if let [literal] = literals
        && known.is_none()
        && let Some(password) = scan.behind_user(promise, name, &literal.content)
    {
        return scan.offer_as(Promise::Password, name, password, Writing::Literal);
    }
    let (value, pieces) = whole(scan.text, literals);
    scan.offer_pieces(promise, name, &value, &pieces)
}

/// A value of a dictionary: by its key, by what the dictionary is given to, or by another of its values.
fn pair<'t>(scan: &mut Scan<'t>, frame: &mut Frame<'t>, first: &Literal, value: &[Literal]) -> bool {
    let text = scan.text;
    let Some(key) = frame.name else {
        return frame.given.is_some_and(|given| offer(scan, given, None, value));
    };
    let content = &text[first.content.clone()];
    if json::is_label(key) && promise(content).is_some() {
        frame.label = Some(content);
    } else if json::is_content(key) {
        frame.content = Some(first.clone());
    }
    let of_label = match (frame.label, frame.content.take()) {
        (Some(label), Some(content)) => offer(scan, label, None, &[content]),
        (_, content) => {
            frame.content = content;
            false
        }
    };
    of_label
        || offer(scan, key, None, value)
        || frame.given.is_some_and(|given| json::is_of_collection(given, key) && offer(scan, given, None, value))
}

/// Literals that are a token of a known form, or a random one, only when they are put together.
fn joined(scan: &mut Scan, literals: &[Literal]) -> bool {
    if literals.len() < 2 {
        return false;
    }
    let (value, pieces) = whole(scan.text, literals);
    scan.work += value.len();
    let is_one = !value.contains(char::is_whitespace) && value.len() <= 4096;
    let is_secret = is_one && (values::is_random(&value) || formats::candidates(&value).next().is_some());
    is_secret && scan.offer_pieces(Promise::Key, "literals that are joined", &value, &pieces)
}

#[cfg(test)]
mod tests {
    use crate::grammar::Syntax;
    use crate::grammar::tests::check;

    #[test]
    fn what_a_string_is_given_to() {
        for text in [
            "password = \"«hunter2»\"\n",
            "f(user=\"u\", password=\"«hunter2»\")\n",
            "config[\"password\"] = \"«hunter2»\"\n",
            "{\"password\": \"«hunter2»\"}\n",
            "password = (\"«hun»\"\n            \"«ter2»\")\n",
            "def f(password=\"«hunter2»\"): ...\n",
            "if password == \"«hunter2»\":\n    pass\n",
            "user, password = \"bob\", \"«hunter2»\"\n",
            "password: str = \"«hunter2»\"\n",
            "a = \"«hun»\"\nb = \"«ter2»\"\npassword = a + b\n",
            "a = \"«hun»\"\npassword = a + \"«ter2»\"\n",
            "a = \"«hun»\"\na = a + \"«ter2»\"\nf(password=a + \"«x»\")\n",
            "a = \"x\"\nb = a + \"y\"\n",
            "# password = «hunter2»\n",
            "password = get(\"x\")\n",
            "fields = [\"user\", \"password\"]\n",
            "password = f\"{a}{b}\"\n",
            "class C:\n    \"\"\"password: «hunter2»\"\"\"\n",
        ] {
            check(Syntax::Python, text);
        }
    }
}

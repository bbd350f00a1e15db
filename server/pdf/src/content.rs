//! Follows what a page draws, and writes down its text.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::Error;
use crate::file::File;
use crate::font::Font;
use crate::lexer::{Lexer, Object};

/// What an operator costs, in [`File::spend`]'s steps.
const OPERATOR: usize = 4;
/// Drawings in drawings.
const MAX_DEPTH: usize = 6;
/// States that are put away at a time.
const MAX_STATES: usize = 512;
/// Values before an operator.
const MAX_OPERANDS: usize = 64;

/// An affine map, as the format writes it.
type Matrix = [f64; 6];

const IDENTITY: Matrix = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];

/// First `a`, then `b`.
fn product(a: &Matrix, b: &Matrix) -> Matrix {
    [
        a[0] * b[0] + a[1] * b[2],
        a[0] * b[1] + a[1] * b[3],
        a[2] * b[0] + a[3] * b[2],
        a[2] * b[1] + a[3] * b[3],
        a[4] * b[0] + a[5] * b[2] + b[4],
        a[4] * b[1] + a[5] * b[3] + b[5],
    ]
}

#[derive(Clone)]
struct State {
    matrix: Matrix,
    font: Option<Rc<Font>>,
    size: f64,
    leading: f64,
    character_space: f64,
    word_space: f64,
    scale: f64,
}

impl State {
    fn new(matrix: Matrix) -> Self {
        let (leading, character_space, word_space) = (0.0, 0.0, 0.0);
        State { matrix, font: None, size: 1.0, leading, character_space, word_space, scale: 1.0 }
    }
}

/// Where the last text ended.
#[derive(Clone, Copy)]
struct End {
    x: f64,
    y: f64,
    size: f64,
}

/// Collects the text of pages.
pub(crate) struct Writer<'f, 'b> {
    file: &'f File<'b>,
    text: String,
    most: usize,
    end: Option<End>,
    /// By object.
    fonts: FxHashMap<u32, Rc<Font>>,
}

impl<'f, 'b> Writer<'f, 'b> {
    pub(crate) fn new(file: &'f File<'b>, most: usize) -> Self {
        Writer { file, text: String::new(), most, end: None, fonts: FxHashMap::default() }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.text.len() >= self.most
    }

    /// Lines without what only places them; paragraphs are parted by one empty line.
    pub(crate) fn finish(self) -> String {
        let mut text = String::new();
        for line in self.text.lines().map(str::trim) {
            if !line.is_empty() || !text.is_empty() && !text.ends_with("\n\n") {
                text.push_str(line);
                text.push('\n');
            }
        }
        text.truncate(text.floor_char_boundary(self.most));
        text.truncate(text.trim_end().len());
        text
    }

    /// # Errors
    /// [`Error::TooMuch`]
    pub(crate) fn page(&mut self, content: &[u8], resources: Option<&Object>) -> Result<(), Error> {
        self.end = None;
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
        }
        self.draw(content, resources, State::new(IDENTITY), 0)
    }

    fn draw(
        &mut self,
        content: &[u8],
        resources: Option<&Object>,
        mut state: State,
        depth: usize,
    ) -> Result<(), Error> {
        let mut lexer = Lexer::new(content, 0);
        let mut operands: Vec<Object> = Vec::new();
        let mut states: Vec<State> = Vec::new();
        // Of the line, and of the next sign in it.
        let (mut line, mut at) = (IDENTITY, IDENTITY);
        while let Some(object) = lexer.next() {
            let Object::Word(operator) = object else {
                if operands.len() < MAX_OPERANDS {
                    operands.push(object);
                }
                continue;
            };
            self.file.spend(OPERATOR)?;
            if self.is_full() {
                return Ok(());
            }
            let number = |place: usize| operands.get(place).and_then(Object::number).unwrap_or(0.0);
            let matrix = || std::array::from_fn(number);
            let mut next_line = |x: f64, y: f64, at: &mut Matrix| {
                line = product(&[1.0, 0.0, 0.0, 1.0, x, y], &line);
                *at = line;
            };
            match operator.as_slice() {
                b"q" if states.len() < MAX_STATES => states.push(state.clone()),
                b"Q" => state = states.pop().unwrap_or(state),
                b"cm" => state.matrix = product(&matrix(), &state.matrix),
                b"BT" => (line, at) = (IDENTITY, IDENTITY),
                b"Tm" => (line, at) = (matrix(), matrix()),
                b"Td" => next_line(number(0), number(1), &mut at),
                b"TD" => {
                    state.leading = -number(1);
                    next_line(number(0), number(1), &mut at);
                }
                b"T*" => next_line(0.0, -state.leading, &mut at),
                b"TL" => state.leading = number(0),
                b"Tc" => state.character_space = number(0),
                b"Tw" => state.word_space = number(0),
                b"Tz" => state.scale = number(0) / 100.0,
                b"Tf" => {
                    state.size = number(1);
                    state.font = match operands.first().and_then(Object::name) {
                        Some(name) => self.font(resources, name)?,
                        None => None,
                    };
                }
                b"Tj" => self.show(&state, &mut at, &operands)?,
                b"'" | b"\"" => {
                    if let [word, character, _] = operands.as_slice() {
                        state.word_space = word.number().unwrap_or(0.0);
                        state.character_space = character.number().unwrap_or(0.0);
                    }
                    next_line(0.0, -state.leading, &mut at);
                    self.show(&state, &mut at, &operands)?;
                }
                b"TJ" => self.show(&state, &mut at, operands.first().map_or(&[], Object::elements))?,
                b"Do" if depth < MAX_DEPTH => {
                    if let Some(name) = operands.first().and_then(Object::name) {
                        self.form(resources, name, &state, depth)?;
                    }
                }
                // A picture among the operators: its bytes are none.
                b"ID" => lexer.at = after_picture(content, lexer.at),
                _ => {}
            }
            operands.clear();
        }
        Ok(())
    }

    fn form(&mut self, resources: Option<&Object>, name: &str, state: &State, depth: usize) -> Result<(), Error> {
        let Some(number) = self.resource(resources, "XObject", name)?.and_then(Object::reference) else {
            return Ok(());
        };
        let Some(form) = self.file.get(number) else { return Ok(()) };
        if form.get("Subtype").and_then(Object::name) != Some("Form") {
            return Ok(());
        }
        let mut state = state.clone();
        if let Some(Object::Array(matrix)) = form.get("Matrix").map(|matrix| self.file.resolve(matrix)) {
            let number = |place: usize| matrix.get(place).and_then(Object::number).unwrap_or(IDENTITY[place]);
            state.matrix = product(&std::array::from_fn(number), &state.matrix);
        }
        let own = form.get("Resources").map(|own| self.file.resolve(own));
        let content = self.file.stream(number)?;
        self.draw(&content, own.or(resources), state, depth + 1)
    }

    fn resource<'o>(&self, resources: Option<&'o Object>, kind: &str, name: &str) -> Result<Option<&'o Object>, Error>
    where
        'f: 'o,
    {
        let Some(resources) = resources else { return Ok(None) };
        let kind = resources.get(kind).map(|kind| self.file.resolve(kind));
        self.file.spend(resources.size() + kind.map_or(0, Object::size))?;
        Ok(kind.and_then(|kind| kind.get(name)))
    }

    fn font(&mut self, resources: Option<&Object>, name: &str) -> Result<Option<Rc<Font>>, Error> {
        let Some(font) = self.resource(resources, "Font", name)? else { return Ok(None) };
        let number = font.reference();
        if let Some(known) = number.and_then(|number| self.fonts.get(&number)) {
            return Ok(Some(known.clone()));
        }
        let font = Rc::new(Font::read(self.file, self.file.resolve(font))?);
        if let Some(number) = number {
            self.fonts.insert(number, font.clone());
        }
        Ok(Some(font))
    }

    /// Writes strings; numbers between them move what follows to the left.
    fn show(&mut self, state: &State, at: &mut Matrix, parts: &[Object]) -> Result<(), Error> {
        let Some(font) = &state.font else { return Ok(()) };
        let advance = |amount: f64, at: &mut Matrix| {
            *at = product(&[1.0, 0.0, 0.0, 1.0, amount * state.scale, 0.0], at);
        };
        for part in parts {
            match part {
                Object::Number(number) => advance(-number / 1000.0 * state.size, at),
                Object::String(string) => {
                    self.file.spend(string.len())?;
                    for (text, width, is_space) in font.signs(string) {
                        let before = product(at, &state.matrix);
                        let spacing = state.character_space + if is_space { state.word_space } else { 0.0 };
                        advance(width / 1000.0 * state.size, at);
                        let after = product(at, &state.matrix);
                        self.write(&text, &before, after[4], state.size);
                        advance(spacing, at);
                        if self.is_full() {
                            return Ok(());
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Writes one sign, after what its distance to the last one stands for.
    fn write(&mut self, text: &str, place: &Matrix, end: f64, size: f64) {
        if text.is_empty() {
            return;
        }
        let (x, y) = (place[4], place[5]);
        let size = (size * place[2].hypot(place[3])).abs();
        if let Some(last) = self.end {
            let height = size.max(last.size).max(0.1);
            let (down, gap) = ((y - last.y).abs(), x - last.x);
            if down > 1.8 * height {
                self.text.push_str("\n\n");
            } else if down > 0.5 * height || gap < -2.0 * height {
                self.text.push('\n');
            } else if gap > 0.15 * height && !self.text.ends_with(' ') {
                self.text.push(' ');
            }
        }
        self.text.extend(text.chars().map(|c| if c.is_control() { ' ' } else { c }));
        self.end = Some(End { x: end, y, size });
    }
}

/// Behind the `EI` of a picture whose bytes begin at `from`.
fn after_picture(content: &[u8], from: usize) -> usize {
    let rest = &content[from.min(content.len())..];
    let is_end = |window: &[u8]| matches!(window, [b' ' | b'\n' | b'\r', b'E', b'I', b' ' | b'\n' | b'\r']);
    rest.windows(4).position(is_end).map_or(content.len(), |at| from + at + 4)
}

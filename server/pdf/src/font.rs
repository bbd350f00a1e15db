//! What the signs of a font mean, and how wide they are.

use rustc_hash::FxHashMap;

use crate::Error;
use crate::file::File;
use crate::glyphs::{glyph, mac_roman, windows_1252};
use crate::lexer::{Lexer, Object};

/// Signs that a font's table tells of.
const MAX_SIGNS: usize = 70_000;
/// Bytes of the text of one sign, for which a whole range of signs stands.
const MAX_SIGN: usize = 64;

pub(crate) struct Font {
    /// How many bytes a sign takes.
    width: usize,
    /// By code.
    texts: FxHashMap<u32, String>,
    /// Thousandths of the font's size, by code.
    widths: FxHashMap<u32, f64>,
    default_width: f64,
    rest: Rest,
}

/// What a code without an entry means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    Unknown,
    /// As in the encoding of old Windows or Mac OS.
    Windows,
    Mac,
}

impl Font {
    /// # Errors
    /// [`Error::TooMuch`]
    pub(crate) fn read(file: &File<'_>, font: &Object) -> Result<Self, Error> {
        file.spend(font.size())?;
        let get = |object: &Object, key: &str| object.get(key).map(|value| file.resolve(value).clone());
        let is_composite = font.get("Subtype").and_then(Object::name) == Some("Type0");
        let mut made = Font {
            width: if is_composite { 2 } else { 1 },
            texts: FxHashMap::default(),
            widths: FxHashMap::default(),
            default_width: if is_composite { 1000.0 } else { 500.0 },
            rest: if is_composite { Rest::Unknown } else { Rest::Windows },
        };
        if is_composite {
            let parts = get(font, "DescendantFonts");
            if let Some(part) = parts.as_ref().and_then(|parts| parts.elements().first()) {
                let part = file.resolve(part);
                made.default_width = get(part, "DW").and_then(|width| width.number()).unwrap_or(1000.0);
                made.composite_widths(file, get(part, "W").as_ref().map_or(&[], Object::elements))?;
            }
        } else {
            let first = get(font, "FirstChar").and_then(|first| first.number()).unwrap_or(0.0).max(0.0) as u32;
            let widths = get(font, "Widths");
            file.spend(widths.as_ref().map_or(0, Object::size))?;
            for (code, width) in (first..).zip(widths.as_ref().map_or(&[][..], Object::elements)) {
                made.widths.extend(file.resolve(width).number().map(|width| (code, width)));
            }
            let encoding = get(font, "Encoding").unwrap_or(Object::Null);
            let base = encoding.name().or_else(|| encoding.get("BaseEncoding")?.name());
            if base == Some("MacRomanEncoding") {
                made.rest = Rest::Mac;
            }
            let differences = get(&encoding, "Differences");
            file.spend(differences.as_ref().map_or(0, Object::size))?;
            let mut code = 0u32;
            for entry in differences.as_ref().map_or(&[][..], Object::elements) {
                match entry {
                    Object::Number(number) => code = number.max(0.0) as u32,
                    Object::Name(name) => {
                        made.texts.insert(code, glyph(name).unwrap_or_default());
                        code = code.saturating_add(1);
                    }
                    _ => {}
                }
            }
        }
        if let Some(table) = font.get("ToUnicode").and_then(Object::reference) {
            made.unicode(file, &file.stream(table)?)?;
        }
        Ok(made)
    }

    /// The signs of a string: what each means and its width in thousandths of the font's size.
    pub(crate) fn signs<'a>(&'a self, string: &'a [u8]) -> impl Iterator<Item = (String, f64, bool)> + 'a {
        string.chunks(self.width).map(|code| {
            let code = code.iter().fold(0u32, |value, &byte| value << 8 | u32::from(byte));
            let known = self.texts.get(&code).cloned();
            let text = known.or_else(|| match self.rest {
                Rest::Unknown => None,
                Rest::Windows => Some(windows_1252(code as u8).to_string()),
                Rest::Mac => Some(mac_roman(code as u8).to_string()),
            });
            let width = self.widths.get(&code).copied().unwrap_or(self.default_width);
            (text.unwrap_or_default(), width, self.width == 1 && code == 32)
        })
    }

    /// `[first [width …] first last width …]`
    fn composite_widths(&mut self, file: &File<'_>, entries: &[Object]) -> Result<(), Error> {
        file.spend(entries.len())?;
        let mut at = 0;
        while let Some(first) = entries.get(at).and_then(Object::number) {
            match entries.get(at + 1).map(|entry| file.resolve(entry)) {
                Some(Object::Array(widths)) => {
                    file.spend(widths.len())?;
                    let numbers = (first as u32..).zip(widths);
                    self.widths.extend(numbers.filter_map(|(code, width)| Some((code, width.number()?))));
                    at += 2;
                }
                Some(Object::Number(last)) => {
                    let width = entries.get(at + 2).and_then(Object::number).unwrap_or(self.default_width);
                    let codes = first as u32..=(*last as u32).min(0xffff);
                    file.spend(codes.clone().count())?;
                    self.widths.extend(codes.map(|code| (code, width)));
                    at += 3;
                }
                _ => break,
            }
        }
        Ok(())
    }

    /// Reads a table from codes to UTF-16 (`bfchar` and `bfrange`).
    fn unicode(&mut self, file: &File<'_>, table: &[u8]) -> Result<(), Error> {
        file.spend(table.len())?;
        let mut lexer = Lexer::new(table, 0);
        let mut operands: Vec<Object> = Vec::new();
        while let Some(object) = lexer.next() {
            let Object::Word(word) = object else {
                if operands.len() < MAX_SIGNS {
                    operands.push(object);
                }
                continue;
            };
            match word.as_slice() {
                b"endcodespacerange" => {
                    if let Some(Object::String(code)) = operands.last() {
                        self.width = code.len().clamp(1, 4);
                    }
                }
                b"endbfchar" => {
                    for pair in operands.chunks_exact(2) {
                        if let [Object::String(code), Object::String(text)] = pair {
                            self.tell(number(code), utf_16(text));
                        }
                    }
                }
                b"endbfrange" => operands.chunks_exact(3).try_for_each(|range| self.range(file, range))?,
                _ => {}
            }
            operands.clear();
        }
        Ok(())
    }

    fn range(&mut self, file: &File<'_>, range: &[Object]) -> Result<(), Error> {
        let [Object::String(first), Object::String(last), target] = range else { return Ok(()) };
        let codes = number(first)..=number(last).min(number(first).saturating_add(0xffff));
        match target {
            Object::Array(texts) => {
                for (code, text) in codes.zip(texts) {
                    if let Object::String(text) = text {
                        self.tell(code, utf_16(text));
                    }
                }
            }
            Object::String(start) if start.len() <= MAX_SIGN => {
                let Some((last, before)) = start.split_last() else { return Ok(()) };
                file.spend(codes.clone().count())?;
                for (step, code) in codes.enumerate() {
                    let mut text = before.to_vec();
                    let low = usize::from(*last) + step;
                    text.push(low as u8);
                    if let [.., high, _] = text.as_mut_slice() {
                        *high = high.wrapping_add((low >> 8) as u8);
                    }
                    self.tell(code, utf_16(&text));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn tell(&mut self, code: u32, text: String) {
        if self.texts.len() < MAX_SIGNS {
            self.texts.insert(code, text);
        }
    }
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |value, &byte| value << 8 | u32::from(byte))
}

fn utf_16(bytes: &[u8]) -> String {
    let units: Vec<u16> = bytes.chunks(2).map(|unit| number(unit) as u16).collect();
    String::from_utf16_lossy(&units).replace(['\0', '\u{fffd}'], "")
}

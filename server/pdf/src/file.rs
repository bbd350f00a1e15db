//! The objects of a file.

use std::cell::Cell;

use rustc_hash::FxHashMap;

use crate::Error;
use crate::filter::unpack;
use crate::lexer::{Lexer, Object, is_space};

/// Objects that are looked at.
const MAX_OBJECTS: usize = 500_000;
/// Bytes that streams may be unpacked to, all of them together: a kilobyte can become a megabyte.
const MAX_UNPACKED: usize = 64 << 20;
/// Steps of reading: bytes of packed objects, entries of tables, operators. Every file that people wrote takes less, and
/// takes a second at most.
const MAX_WORK: usize = 8_000_000;
/// References that lead to references.
const MAX_STEPS: usize = 16;

/// A file, in which objects are found by number.
pub(crate) struct File<'a> {
    bytes: &'a [u8],
    objects: FxHashMap<u32, Entry>,
    /// The catalogue, where a trailer names it.
    root: Option<u32>,
    unpacked: Cell<usize>,
    work: Cell<usize>,
}

struct Entry {
    object: Object,
    /// Where the stream that belongs to it lies in the file.
    stream: Option<(usize, usize)>,
}

impl<'a> File<'a> {
    /// # Errors
    /// When this is no PDF file, or an encrypted one.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        // The header need not come first, only early.
        if find(&bytes[..bytes.len().min(1024)], b"%PDF-", 0).is_none() {
            return Err(Error::NotPdf);
        }
        let mut file =
            File { bytes, objects: FxHashMap::default(), root: None, unpacked: Cell::new(0), work: Cell::new(0) };
        file.find_objects();
        let mut trailers = file.trailers();
        let tables: Vec<&Entry> = file.objects.values().filter(|it| it.object.is_type("XRef")).collect();
        trailers.extend(tables.into_iter().map(|table| table.object.clone()));
        if trailers.iter().any(|trailer| trailer.get("Encrypt").is_some_and(|it| *it != Object::Null)) {
            return Err(Error::Encrypted);
        }
        file.root = trailers.iter().rev().find_map(|trailer| trailer.get("Root")?.reference());
        file.open_packed()?;
        Ok(file)
    }

    /// Pays for so many steps.
    ///
    /// # Errors
    /// [`Error::TooMuch`]
    pub(crate) fn spend(&self, steps: usize) -> Result<(), Error> {
        self.work.set(self.work.get().saturating_add(steps));
        if self.work.get() > MAX_WORK { Err(Error::TooMuch) } else { Ok(()) }
    }

    pub(crate) fn get(&self, number: u32) -> Option<&Object> {
        self.objects.get(&number).map(|entry| &entry.object)
    }

    /// What a reference stands for; anything else stands for itself.
    pub(crate) fn resolve<'b>(&'b self, mut object: &'b Object) -> &'b Object {
        for _ in 0..MAX_STEPS {
            let Object::Reference(number) = object else { return object };
            object = self.get(*number).unwrap_or(&Object::Null);
        }
        &Object::Null
    }

    /// Where the tree of pages begins.
    pub(crate) fn page_tree(&self) -> Option<u32> {
        let catalogues = || self.of_type("Catalog").into_iter().rev();
        self.root.into_iter().chain(catalogues()).find_map(|root| self.get(root)?.get("Pages")?.reference())
    }

    /// The objects of a type, by number.
    pub(crate) fn of_type(&self, name: &str) -> Vec<u32> {
        let mut found: Vec<u32> =
            self.objects.iter().filter(|(_, entry)| entry.object.is_type(name)).map(|(number, _)| *number).collect();
        found.sort_unstable();
        found
    }

    /// The content of a stream, unpacked; nothing where it holds no text.
    ///
    /// # Errors
    /// [`Error::TooMuch`]
    pub(crate) fn stream(&self, number: u32) -> Result<Vec<u8>, Error> {
        let entry = self.objects.get(&number);
        let Some((entry, (start, end))) = entry.and_then(|entry| Some((entry, entry.stream?))) else {
            return Ok(Vec::new());
        };
        let all = |key: &str| match entry.object.get(key).map(|value| self.resolve(value)) {
            Some(Object::Array(values)) => values.iter().map(|value| self.resolve(value)).collect(),
            Some(value) => vec![value],
            None => Vec::new(),
        };
        let (filters, parameters): (Vec<&Object>, Vec<&Object>) = (all("Filter"), all("DecodeParms"));
        self.unpack(end - start)?;
        let mut data = self.bytes[start..end].to_vec();
        for (number, filter) in filters.into_iter().enumerate() {
            let limit = MAX_UNPACKED.saturating_sub(self.unpacked.get());
            let name = filter.name().unwrap_or_default();
            match unpack(name, &data, parameters.get(number).copied(), limit) {
                Some(unpacked) => data = unpacked?,
                None => return Ok(Vec::new()),
            }
            self.unpack(data.len())?;
        }
        Ok(data)
    }

    fn unpack(&self, bytes: usize) -> Result<(), Error> {
        self.unpacked.set(self.unpacked.get() + bytes);
        if self.unpacked.get() > MAX_UNPACKED { Err(Error::TooMuch) } else { Ok(()) }
    }

    /// Looks for `NUMBER GENERATION obj`. What comes later in the file replaces what came before.
    fn find_objects(&mut self) {
        let mut at = 0;
        while let Some(word) = find(self.bytes, b"obj", at) {
            at = word + 3;
            let Some(number) = number_before(self.bytes, word) else { continue };
            let mut lexer = Lexer::new(self.bytes, at);
            let Some(object) = lexer.next() else { break };
            let mut entry = Entry { object, stream: None };
            at = lexer.at;
            lexer.skip_space();
            if self.bytes[lexer.at..].starts_with(b"stream") {
                let start = lexer.at + b"stream".len();
                let start = start + usize::from(self.bytes[start..].starts_with(b"\r"));
                let start = start + usize::from(self.bytes[start..].starts_with(b"\n"));
                let end = self.end_of_stream(start, &entry.object);
                entry.stream = Some((start, end));
                at = end;
            }
            self.objects.insert(number, entry);
            if self.objects.len() >= MAX_OBJECTS {
                break;
            }
        }
    }

    /// Where its length says, if that is true, or else where it says that it ends.
    fn end_of_stream(&self, start: usize, dictionary: &Object) -> usize {
        let length = dictionary.get("Length").and_then(Object::number).filter(|length| *length >= 0.0);
        let end = length.map(|length| start.saturating_add(length as usize)).filter(|&end| end <= self.bytes.len());
        let is_end = |end: &usize| {
            let rest = &self.bytes[*end..];
            let space = rest.iter().take_while(|&&byte| is_space(byte)).count();
            rest[space..].starts_with(b"endstream")
        };
        end.filter(is_end).or_else(|| find(self.bytes, b"endstream", start)).unwrap_or(self.bytes.len())
    }

    fn trailers(&self) -> Vec<Object> {
        let (mut found, mut at) = (Vec::new(), 0);
        while let Some(word) = find(self.bytes, b"trailer", at) {
            let mut lexer = Lexer::new(self.bytes, word + b"trailer".len());
            found.extend(lexer.next());
            at = lexer.at;
        }
        found
    }

    /// Objects may be packed into streams.
    fn open_packed(&mut self) -> Result<(), Error> {
        let mut packs = self.of_type("ObjStm");
        // As they lie in the file: later ones replace earlier ones.
        packs.sort_by_key(|number| self.objects[number].stream);
        for pack in packs {
            let data = self.stream(pack)?;
            let number = |key: &str| self.get(pack)?.get(key)?.number().filter(|number| *number >= 0.0);
            let (Some(count), Some(first)) = (number("N"), number("First")) else { continue };
            let mut numbers = Lexer::new(&data, 0);
            for _ in 0..(count as usize).min(MAX_OBJECTS) {
                let (Some(Object::Number(number)), Some(Object::Number(offset))) = (numbers.next(), numbers.next())
                else {
                    break;
                };
                let mut lexer = Lexer::new(&data, (first + offset).max(0.0) as usize);
                let start = lexer.at;
                let object = lexer.next();
                self.spend(lexer.at - start)?;
                if let Some(object) = object.filter(|_| self.objects.len() < MAX_OBJECTS) {
                    self.objects.insert(number as u32, Entry { object, stream: None });
                }
            }
        }
        Ok(())
    }
}

/// Where `wanted` is, from `from` on.
fn find(bytes: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.windows(wanted.len()).position(|window| window == wanted).map(|at| from + at)
}

/// The number of the object that begins with the `obj` at `at`.
fn number_before(bytes: &[u8], at: usize) -> Option<u32> {
    let mut rest = &bytes[..at];
    let mut number = || {
        let spaced = rest.len();
        rest = rest.trim_ascii_end();
        let digits = rest.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let (before, number) = rest.split_at(rest.len() - digits);
        let is_apart = rest.len() < spaced;
        rest = before;
        std::str::from_utf8(number).ok().filter(|_| is_apart)?.parse::<u32>().ok()
    };
    number()?;
    number()
}

//! Server-sent events, as far as models need them: the data of each event.
//!
//! The format is in the HTML standard, "Server-sent events", section "Parsing an event stream". Names, ids and retry hints
//! of events are skipped.

use std::mem;

/// An incremental reader: bytes go in wherever the network happened to cut them, whole events come out.
#[derive(Default)]
pub(crate) struct Parser {
    /// The line that has not ended yet.
    line: Vec<u8>,
    /// The data lines of the event that has not ended yet, each ended by a line feed.
    data: Vec<u8>,
    has_data: bool,
    /// The last byte was a carriage return, so a line feed that follows belongs to the same line end.
    after_return: bool,
}

/// An event or line grew beyond the limit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

impl Parser {
    /// Takes the next bytes and calls `event` with the data of each event that they complete. An event at the end of the
    /// input that lacks its blank line is never reported, as the standard wants it: it may be cut off.
    ///
    /// `limit` bounds an event in bytes.
    pub(crate) fn feed(&mut self, bytes: &[u8], limit: usize, mut event: impl FnMut(String)) -> Result<(), TooLong> {
        for &byte in bytes {
            let ends_pair = mem::replace(&mut self.after_return, byte == b'\r') && byte == b'\n';
            match byte {
                b'\n' if ends_pair => {}
                b'\n' | b'\r' => {
                    if let Some(data) = self.end_line() {
                        event(data);
                    }
                }
                _ if self.line.len() + self.data.len() >= limit => return Err(TooLong),
                _ => self.line.push(byte),
            }
        }
        Ok(())
    }

    fn end_line(&mut self) -> Option<String> {
        let line = mem::take(&mut self.line);
        if line.is_empty() {
            let mut data = mem::take(&mut self.data);
            data.pop();
            return mem::take(&mut self.has_data).then(|| String::from_utf8_lossy(&data).into_owned());
        }
        let (field, value) = match line.iter().position(|&byte| byte == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (&line[..], &line[line.len()..]),
        };
        if field == b"data" {
            self.data.extend(value.strip_prefix(b" ").unwrap_or(value));
            self.data.push(b'\n');
            self.has_data = true;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(pieces: &[&[u8]]) -> Vec<String> {
        let mut parser = Parser::default();
        let mut events = Vec::new();
        for piece in pieces {
            parser.feed(piece, 1000, |event| events.push(event)).unwrap();
        }
        events
    }

    #[test]
    fn line_ends_comments_fields_and_multi_line_data() {
        let stream =
            b": hello\n\ndata: one\n\ndata: two\r\ndata:  2\r\n\r\nevent: x\rid: 7\rdata:three\r\rretry: 3\ndata\n\n";
        assert_eq!(events(&[stream]), ["one", "two\n 2", "three", ""]);
    }

    #[test]
    fn nothing_depends_on_where_the_network_cuts() {
        let stream = "data: gr\u{fc}n \u{1f40d}\r\ndata: b\r\n\r\n: c\n\ndata: d\n\n".as_bytes();
        let whole = events(&[stream]);
        assert_eq!(whole, ["gr\u{fc}n \u{1f40d}\nb", "d"]);
        for first in 0..=stream.len() {
            for second in first..=stream.len() {
                let pieces = [&stream[..first], &stream[first..second], &stream[second..]];
                assert_eq!(events(&pieces), whole, "cut at {first} and {second}");
            }
        }
    }

    #[test]
    fn an_event_without_its_blank_line_is_not_reported() {
        assert_eq!(events(&[b"data: one\n\ndata: two\n"]), ["one"]);
    }

    #[test]
    fn a_line_that_never_ends_is_refused() {
        let mut parser = Parser::default();
        assert_eq!(parser.feed(&[b'x'; 1001], 1000, |_| {}), Err(TooLong));
        let mut parser = Parser::default();
        assert_eq!(parser.feed(&b"data: 12345678\n".repeat(200), 1000, |_| {}), Err(TooLong));
    }
}

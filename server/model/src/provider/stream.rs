//! The bytes of an answer → deltas: what all providers have in common. What one event says is for its [`Dialect`].

use std::collections::VecDeque;
use std::mem;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::try_unfold;
use tokio::time::timeout;

use crate::http::Body;
use crate::{Delta, Deltas, Error, StopReason, Usage, sse};

/// The most text that one answer may have, and the most that one event may have, in bytes. A model that writes for us
/// writes functions and files.
pub(crate) const TEXT_LIMIT: usize = 1 << 20;
/// The same for an answer in one piece, whose text is escaped.
const BODY_LIMIT: usize = 4 * TEXT_LIMIT;

/// How long to wait for the token counts, which a server may send after the last piece of text, or never.
pub(crate) const WAIT_FOR_USAGE: Duration = Duration::from_secs(2);

/// How a provider says what a model says.
pub(crate) trait Dialect: Default + Send + 'static {
    /// Whether a stream is JSON values one a line. Else it is server-sent events.
    const LINES: bool = false;

    /// Reads one event, one line, or a whole answer; tells whether it held a part of the answer. Messages of errors are the
    /// server's own words, as long as they may be.
    fn read(&mut self, json: &[u8], answer: &mut Answer) -> Result<bool, Error>;
}

/// What has been heard of one answer.
#[derive(Default)]
pub(crate) struct Answer {
    ready: VecDeque<Delta>,
    /// Bytes of text so far.
    received: usize,
    finish: Option<StopReason>,
    refusal: String,
    usage: Option<Usage>,
    over: bool,
}

impl Answer {
    /// The next piece of text, which may be empty; tells whether it is not.
    pub(crate) fn text(&mut self, text: String) -> Result<bool, Error> {
        self.grow(text.len())?;
        let grew = !text.is_empty();
        if grew {
            self.ready.push_back(Delta::Text(text));
        }
        Ok(grew)
    }

    /// The next piece of a refusal, as [`Answer::text`].
    pub(crate) fn refusal(&mut self, text: &str) -> Result<bool, Error> {
        self.grow(text.len())?;
        self.refusal.push_str(text);
        Ok(!text.is_empty())
    }

    fn grow(&mut self, bytes: usize) -> Result<(), Error> {
        self.received += bytes;
        if self.received > TEXT_LIMIT { Err(Error::TooLarge { limit: TEXT_LIMIT }) } else { Ok(()) }
    }

    pub(crate) fn count(&mut self, usage: Usage) {
        self.usage = Some(usage);
    }

    pub(crate) fn counted(&self) -> Option<Usage> {
        self.usage
    }

    /// The model has said why it stopped; only token counts can follow.
    pub(crate) fn finish(&mut self, reason: StopReason) {
        self.finish = Some(reason);
    }

    /// Nothing follows.
    pub(crate) fn stop(&mut self) {
        if mem::replace(&mut self.over, true) {
            return;
        }
        let reason = match self.finish.take() {
            Some(StopReason::End) | None if !self.refusal.is_empty() => {
                StopReason::Refused(mem::take(&mut self.refusal))
            }
            Some(reason) => reason,
            // An answer without a reason to stop, but with a mark of its end, is one that its server holds for complete.
            None => StopReason::End,
        };
        self.ready.push_back(Delta::Stop { reason, usage: self.usage });
    }
}

/// Turns the bytes of an answer into deltas.
///
/// What the body is decides how it is read, not its content type: there are servers that mislabel events, and servers that
/// answer in one piece although a stream was asked for.
#[derive(Default)]
pub(crate) struct Decoder<D> {
    dialect: D,
    answer: Answer,
    framing: Framing,
}

#[derive(Default)]
enum Framing {
    /// No more than white space has come yet.
    #[default]
    Unknown,
    Events {
        parser: sse::Parser,
        any: bool,
    },
    /// The line that has not ended yet.
    Lines(Vec<u8>),
    Whole(Vec<u8>),
}

impl<D: Dialect> Decoder<D> {
    pub(crate) fn next_delta(&mut self) -> Option<Delta> {
        self.answer.ready.pop_front()
    }

    /// Whether the model has said why it stopped, so that only token counts can follow.
    fn has_finished(&self) -> bool {
        self.answer.finish.is_some()
    }

    /// Whether the last delta is, or was, ready.
    fn is_over(&self) -> bool {
        self.answer.over
    }

    /// Takes the next bytes; tells whether they held a part of the answer.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) -> Result<bool, Error> {
        if let Framing::Unknown = self.framing {
            let blank = |byte: &u8| byte.is_ascii_whitespace() || b"\xef\xbb\xbf".contains(byte);
            let Some(start) = bytes.iter().position(|byte| !blank(byte)) else {
                return Ok(false);
            };
            bytes = &bytes[start..];
            self.framing = match bytes[0] {
                b'{' | b'[' if D::LINES => Framing::Lines(Vec::new()),
                b'{' | b'[' => Framing::Whole(Vec::new()),
                b'<' => {
                    return Err(malformed("it is a web page; does base-url end where the API begins?"));
                }
                _ => Framing::Events { parser: sse::Parser::default(), any: false },
            };
        }
        let mut items = Vec::new();
        let mut progressed = false;
        match &mut self.framing {
            Framing::Unknown => {}
            Framing::Whole(body) if body.len() + bytes.len() > BODY_LIMIT => {
                return Err(Error::TooLarge { limit: BODY_LIMIT });
            }
            Framing::Whole(body) => {
                body.extend_from_slice(bytes);
                progressed = true;
            }
            Framing::Lines(line) => {
                let mut rest = bytes;
                while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
                    line.extend_from_slice(&rest[..end]);
                    items.push(mem::take(line));
                    rest = &rest[end + 1..];
                }
                line.extend_from_slice(rest);
                if line.len().max(items.iter().map(Vec::len).max().unwrap_or(0)) > TEXT_LIMIT {
                    return Err(Error::TooLarge { limit: TEXT_LIMIT });
                }
            }
            Framing::Events { parser, any } => {
                parser
                    .feed(bytes, TEXT_LIMIT, |event| items.push(event.into_bytes()))
                    .map_err(|_| Error::TooLarge { limit: TEXT_LIMIT })?;
                *any |= !items.is_empty();
            }
        }
        for item in items {
            progressed |= self.item(&item)?;
        }
        Ok(progressed)
    }

    /// Takes the end of the body.
    pub(crate) fn end(&mut self) -> Result<(), Error> {
        match mem::take(&mut self.framing) {
            Framing::Whole(body) => {
                self.item(&body)?;
                if self.answer.finish.is_none() && self.answer.received == 0 {
                    return Err(malformed("it is JSON without an answer"));
                }
                self.answer.stop();
                return Ok(());
            }
            Framing::Lines(last) => self.item(&last).map(drop)?,
            Framing::Events { any: false, .. } => {
                return Err(malformed("it holds neither events nor JSON; is base-url the API that provider names?"));
            }
            Framing::Events { .. } | Framing::Unknown => {}
        }
        if self.answer.over || self.answer.finish.is_some() {
            self.answer.stop();
            return Ok(());
        }
        Err(Error::Interrupted { cause: "the connection was closed before the model had finished".into() })
    }

    fn item(&mut self, json: &[u8]) -> Result<bool, Error> {
        let json = json.trim_ascii();
        if self.answer.over || json.is_empty() {
            Ok(false)
        } else if json == b"[DONE]" {
            self.answer.stop();
            Ok(false)
        } else {
            self.dialect.read(json, &mut self.answer)
        }
    }
}

/// Reads `body` to its end, or until nobody wants to know.
pub(crate) fn deltas<D: Dialect>(body: Body) -> Deltas {
    try_unfold((body, Decoder::<D>::default()), |(mut body, mut decoder)| async move {
        loop {
            if let Some(delta) = decoder.next_delta() {
                return Ok(Some((delta, (body, decoder))));
            }
            if decoder.is_over() {
                return Ok(None);
            }
            let chunk = if decoder.has_finished() {
                // A connection that fails from here on cannot take the answer back.
                timeout(WAIT_FOR_USAGE, body.chunk()).await.unwrap_or(Ok(None)).unwrap_or(None)
            } else {
                body.chunk().await?
            };
            let decoded = match chunk {
                Some(bytes) => decoder.feed(bytes.as_ref()),
                None => decoder.end().map(|()| false),
            };
            if decoded.map_err(|error| body.without_key(error))? {
                body.has_progressed();
            }
        }
    })
    .boxed()
}

/// JSON as the dialect knows it.
pub(crate) fn parse<'de, T: serde::Deserialize<'de>>(json: &'de [u8]) -> Result<T, Error> {
    serde_json::from_slice(json).map_err(|error| malformed(&format!("unexpected JSON, {error}")))
}

pub(crate) fn malformed(message: &str) -> Error {
    Error::Malformed { message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::provider::{anthropic, ollama, openai};

    type Heard = Result<Vec<Delta>, Error>;
    type Hear = fn(&[&[u8]]) -> Heard;

    /// The deltas of a body that comes in these pieces; neighbouring texts are one.
    fn hear<D: Dialect>(pieces: &[&[u8]]) -> Heard {
        let mut decoder = Decoder::<D>::default();
        for piece in pieces {
            decoder.feed(piece)?;
        }
        decoder.end()?;
        let mut heard: Vec<Delta> = Vec::new();
        while let Some(delta) = decoder.next_delta() {
            match (heard.last_mut(), delta) {
                (Some(Delta::Text(text)), Delta::Text(more)) => text.push_str(&more),
                (_, delta) => heard.push(delta),
            }
        }
        Ok(heard)
    }

    fn check_every_cut<D: Dialect>(body: &str) {
        let body = body.as_bytes();
        let whole = hear::<D>(&[body]);
        let bytes: Vec<&[u8]> = body.chunks(1).collect();
        assert_eq!(hear::<D>(&bytes), whole);
        for cut in 0..=body.len() {
            assert_eq!(hear::<D>(&[&body[..cut], &body[cut..]]), whole, "cut at {cut}");
        }
    }

    /// Streams as the three protocols have them, good ones and bad ones.
    fn bodies() -> [(Hear, Vec<String>); 3] {
        [
            (hear::<openai::Chat>, openai::fixtures()),
            (hear::<anthropic::Messages>, anthropic::fixtures()),
            (hear::<ollama::Lines>, ollama::fixtures()),
        ]
    }

    #[test]
    fn a_cut_at_every_byte_changes_nothing() {
        openai::fixtures().iter().for_each(|body| check_every_cut::<openai::Chat>(body));
        anthropic::fixtures().iter().for_each(|body| check_every_cut::<anthropic::Messages>(body));
        ollama::fixtures().iter().for_each(|body| check_every_cut::<ollama::Lines>(body));
    }

    #[test]
    fn the_fixtures_are_not_all_failures() {
        for (hear, bodies) in bodies() {
            assert!(bodies.iter().any(|body| hear(&[body.as_bytes()]).is_ok()));
            assert!(bodies.iter().any(|body| hear(&[body.as_bytes()]).is_err()));
        }
    }

    proptest! {
        #[test]
        fn many_cuts_change_nothing(cuts in prop::collection::vec(0.0..1.0f64, 0..40), protocol in 0..3usize, which: u8) {
            let (hear, bodies) = &bodies()[protocol];
            let body = bodies[usize::from(which) % bodies.len()].as_bytes();
            let mut places: Vec<usize> = cuts.iter().map(|cut| (cut * body.len() as f64) as usize).collect();
            places.extend([0, body.len()]);
            places.sort_unstable();
            let pieces: Vec<&[u8]> = places.windows(2).map(|pair| &body[pair[0]..pair[1]]).collect();
            prop_assert_eq!(hear(&pieces), hear(&[body]));
        }

        #[test]
        fn no_bytes_break_the_reader(body in prop::collection::vec(any::<u8>(), 0..400), protocol in 0..3usize) {
            let (hear, _) = &bodies()[protocol];
            // Whatever it is, it is an answer or an error, and never a panic.
            let _ = hear(&[&body]);
        }
    }
}

//! Code out of a model's reply, which wraps it in fences, thoughts and courtesies as it pleases.
//!
//! What comes out looks like Python by its tag or its first lines; whether it is Python is for a parser to say.

mod language;

/// Python code found in a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// The lines of the code as they were indented, each ended by `\n`.
    pub text: String,
    /// Whether the end was seen. A fence that was never closed is likely to be an answer that was cut off.
    pub complete: bool,
    /// How many blocks of Python the reply has. `text` is the first one.
    pub blocks: usize,
}

/// Why a reply holds no code. The messages are fit to be sent back to the model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoCode {
    #[error("the reply is empty")]
    Empty,
    #[error("the reply has no Python code, only text")]
    Prose,
    #[error("the reply has no Python code, only code that looks like `{0}`")]
    OtherLanguage(String),
    #[error("the reply has no JSON object")]
    NoJson,
}

impl NoCode {
    /// In kebab case.
    pub fn code(&self) -> &'static str {
        match self {
            NoCode::Empty | NoCode::Prose | NoCode::NoJson => "no-code",
            NoCode::OtherLanguage(_) => "wrong-language",
        }
    }
}

/// Finds the JSON object in a reply: that of the first fenced block tagged as JSON or, where there is none, from the first
/// brace to the last. Whether it is JSON is for a parser to say.
pub fn json_code(reply: &str) -> Result<Code, NoCode> {
    let reply = without_thoughts(reply);
    let blocks = fenced_blocks(reply);
    if let Some(block) = blocks.iter().find(|block| block.language.starts_with("json")) {
        return Ok(Code { text: block.text.clone(), complete: block.closed, blocks: 1 });
    }
    let start = reply.find('{').ok_or(NoCode::NoJson)?;
    let end = reply.rfind('}').filter(|end| *end > start);
    let text = reply[start..end.map_or(reply.len(), |end| end + 1)].to_owned();
    Ok(Code { text, complete: end.is_some(), blocks: 1 })
}

/// Finds the Python code in a reply: the first fenced block tagged as Python, else the first without a tag, else, where
/// there is no fence, the lines between introduction and farewell.
///
/// # Errors
/// When there is none, also where a block says that it is Python and looks like another language.
pub fn python_code(reply: &str) -> Result<Code, NoCode> {
    let code = first_code(without_thoughts(reply))?;
    match language::other_than_python(&code.text) {
        Some(language) => Err(NoCode::OtherLanguage(language.to_owned())),
        None => Ok(code),
    }
}

fn first_code(reply: &str) -> Result<Code, NoCode> {
    let blocks = fenced_blocks(reply);
    let Some(first) = blocks.first() else {
        return bare_code(reply);
    };
    let has_code = |block: &&Block| !block.text.trim().is_empty();
    let python: Vec<&Block> = blocks.iter().filter(|block| is_python(&block.language)).collect();
    let untagged = || blocks.iter().filter(|block| block.language.is_empty()).find(has_code);
    match python.iter().copied().find(has_code).or_else(untagged) {
        Some(block) => Ok(Code { text: block.text.clone(), complete: block.closed, blocks: python.len().max(1) }),
        None if python.is_empty() && !first.language.is_empty() => Err(NoCode::OtherLanguage(first.language.clone())),
        None => Err(NoCode::Empty),
    }
}

fn is_python(language: &str) -> bool {
    matches!(language, "python" | "python3" | "py" | "py3" | "pyi" | "ipython")
}

/// Drops what a reasoning model thinks aloud before it answers. Some servers swallow the opening tag.
pub(crate) fn without_thoughts(reply: &str) -> &str {
    const OPEN: &str = "<think>";
    const CLOSE: &str = "</think>";
    let reply = reply.trim_start_matches('\u{feff}');
    match reply.find(CLOSE) {
        Some(end)
            if reply.trim_start().starts_with(OPEN) || !reply[..end].contains(OPEN) && on_own_line(reply, end) =>
        {
            &reply[end + CLOSE.len()..]
        }
        None if reply.trim_start().starts_with(OPEN) => "",
        _ => reply,
    }
}

fn on_own_line(text: &str, at: usize) -> bool {
    let before = text[..at].trim_end_matches([' ', '\t']);
    before.is_empty() || before.ends_with('\n')
}

pub(crate) struct Block {
    /// The first word of the tag in lower case, or nothing.
    pub(crate) language: String,
    pub(crate) text: String,
    closed: bool,
}

pub(crate) fn fenced_blocks(reply: &str) -> Vec<Block> {
    let lines: Vec<&str> = reply.lines().collect();
    let mut blocks = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let Some(fence) = Fence::opening(lines[at]) else {
            at += 1;
            continue;
        };
        let body = &lines[at + 1..];
        let end = fence.end_of(body);
        let text = body[..end.unwrap_or(body.len())]
            .iter()
            .map(|line| format!("{}\n", &line[fence.indent.min(indent_of(line))..]))
            .collect();
        blocks.push(Block { language: fence.language, text, closed: end.is_some() });
        at += 1 + end.map_or(body.len(), |end| end + 1);
    }
    blocks
}

/// The opening line of a fenced block, as CommonMark has it, except that it may be indented at will (lists).
struct Fence {
    mark: char,
    length: usize,
    indent: usize,
    language: String,
}

impl Fence {
    fn opening(line: &str) -> Option<Fence> {
        let indent = indent_of(line);
        let content = &line[indent..];
        let mark = content.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
        let length = content.chars().take_while(|&c| c == mark).count();
        let tag = &content[length..];
        // Backticks behind the opening make it inline code.
        if length < 3 || (mark == '`' && tag.contains('`')) {
            return None;
        }
        let language = tag
            .trim_start_matches([' ', '\t', '{', '.'])
            .split(|c: char| !c.is_alphanumeric() && !matches!(c, '+' | '#'))
            .next()
            .unwrap_or_default()
            .to_lowercase();
        Some(Fence { mark, length, indent, language })
    }

    /// The line that closes the block. A docstring may hold fences of its own, so a fence inside an open triple-quoted
    /// string does not count; unless none other is left, because the quotes may have been miscounted.
    fn end_of(&self, body: &[&str]) -> Option<usize> {
        let mut quotes = 0;
        let mut inside_string = None;
        for (at, line) in body.iter().enumerate() {
            if self.is_closed_by(line) {
                if quotes % 2 == 0 {
                    return Some(at);
                }
                inside_string.get_or_insert(at);
            }
            quotes += line.matches("\"\"\"").count() + line.matches("'''").count();
        }
        inside_string
    }

    fn is_closed_by(&self, line: &str) -> bool {
        let content = line.trim();
        content.len() >= self.length && content.chars().all(|c| c == self.mark) && indent_of(line) <= self.indent + 3
    }
}

/// The number of spaces and tabs that a line begins with.
fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len()
}

/// A reply without a fence: from the first line that looks like code to the last one that does not look like prose.
fn bare_code(reply: &str) -> Result<Code, NoCode> {
    if reply.trim().is_empty() {
        return Err(NoCode::Empty);
    }
    let lines: Vec<&str> = reply.lines().collect();
    let start = lines.iter().position(|line| looks_like_code(line)).ok_or(NoCode::Prose)?;
    let end = lines
        .iter()
        .rposition(|line| !line.trim().is_empty() && !looks_like_prose(line))
        .filter(|end| *end >= start)
        .ok_or(NoCode::Prose)?;
    Ok(Code { text: lines[start..=end].iter().map(|line| format!("{line}\n")).collect(), complete: true, blocks: 1 })
}

fn looks_like_code(line: &str) -> bool {
    let content = line.trim();
    let (word, rest) =
        content.split_at(content.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(content.len()));
    let statement = match word {
        "def" | "class" | "import" | "async" | "return" | "raise" | "assert" | "yield" | "del" | "global" => {
            rest.is_empty() || rest.starts_with([' ', '('])
        }
        "from" => rest.contains(" import "),
        "if" | "for" | "while" | "with" | "match" | "try" => content.ends_with(':'),
        "pass" | "break" | "continue" => rest.is_empty(),
        "" => content.starts_with(['@', '#']) || content.starts_with("\"\"\"") || content.starts_with("'''"),
        _ => {
            // `name = …`, `name.attribute = …`, `name: type = …`, `name(…)`.
            rest.starts_with('(') && content.ends_with([')', '('])
                || (content.contains(" = ") && !rest.starts_with(' '))
                || rest.starts_with(" = ")
        }
    };
    statement || (!content.is_empty() && line.starts_with([' ', '\t']))
}

fn looks_like_prose(line: &str) -> bool {
    line.starts_with(|c: char| c.is_uppercase() || matches!(c, '*' | '-' | '>'))
        && line.split_whitespace().count() >= 3
        && !looks_like_code(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stands_in_a_fence_or_between_braces() {
        let text = |reply: &str| json_code(reply).map(|code| (code.text, code.complete));
        let whole = |text: &str| Ok((text.to_owned(), true));
        assert_eq!(text("Here:\n```json\n{\"a\": \"```\"}\n```\nDone {}."), whole("{\"a\": \"```\"}\n"));
        assert_eq!(text("<think>{no}</think>\nIt is {\"a\": {}}, so."), whole("{\"a\": {}}"));
        assert_eq!(text("```\n{\"a\": 1}\n```"), whole("{\"a\": 1}"));
        assert_eq!(text("```json\n{\"a\": 1"), Ok(("{\"a\": 1\n".to_owned(), false)));
        assert_eq!(text("I cannot."), Err(NoCode::NoJson));
    }

    const CODE: &str = "def f():\n    return 1\n";

    fn text(reply: &str) -> String {
        let code = python_code(reply).unwrap_or_else(|no_code| panic!("{no_code}: {reply}"));
        assert!(code.complete, "{reply}");
        code.text
    }

    #[test]
    fn one_block_with_prose_around() {
        for reply in [
            "```python\ndef f():\n    return 1\n```",
            "Here it is:\n\n```py\ndef f():\n    return 1\n```\n\nHope this helps!",
            "```Python3 title=\"a.py\"\r\ndef f():\r\n    return 1\r\n```\r\n",
            "~~~python\ndef f():\n    return 1\n~~~~",
            "````{.python}\ndef f():\n    return 1\n````",
            "```python:src/a.py\ndef f():\n    return 1\n```",
            "```\ndef f():\n    return 1\n```",
            "1. Like this:\n   ```python\n   def f():\n       return 1\n   ```\n",
            "- Or this:\n \u{3000}\n ```python\n def f():\n     return 1\n ```\n",
            "Use `` ```x``` `` like so\n```inline``` is not a fence\n```python\ndef f():\n    return 1\n```",
        ] {
            assert_eq!(text(reply), CODE, "{reply}");
        }
    }

    #[test]
    fn the_first_python_block_wins() {
        let reply =
            "```bash\npip install x\n```\n```\nnoise\n```\n```python\ndef f():\n    return 1\n```\n```python\nf()\n```";
        let code = python_code(reply).unwrap();
        assert_eq!((code.text.as_str(), code.blocks), (CODE, 2));
        assert_eq!(text("```python\n\n```\n```python\ndef f():\n    return 1\n```"), CODE);
    }

    #[test]
    fn fences_within_docstrings() {
        let module = "\"\"\"Use:\n\n```python\nf()\n```\n\"\"\"\n\ndef f():\n    '''\n    ```\n    '''\n";
        assert_eq!(text(&format!("Sure.\n```python\n{module}```\nBye.")), module);
        // An odd number of quotes must not swallow the end.
        let odd = "x = '\"\"\"'\n";
        assert_eq!(text(&format!("```python\n{odd}```\nBye.")), odd);
    }

    #[test]
    fn thoughts_are_not_the_answer() {
        let block = "```python\ndef f():\n    return 1\n```";
        let thought = "maybe\n```python\nwrong()\n```\nno\n";
        assert_eq!(text(&format!("<think>\n{thought}</think>\n\n{block}")), CODE);
        assert_eq!(text(&format!("{thought}</think>\n\n{block}")), CODE);
        assert_eq!(python_code(&format!("<think>\n{thought}")), Err(NoCode::Empty));
        assert_eq!(text("```python\ntag = '</think>'\n```"), "tag = '</think>'\n");
    }

    #[test]
    fn an_open_fence_is_incomplete() {
        let code = python_code("```python\ndef f():\n    return").unwrap();
        assert!(!code.complete);
        assert_eq!(code.text, "def f():\n    return\n");
    }

    #[test]
    fn answer_without_a_fence() {
        for reply in [
            "def f():\n    return 1",
            "Here is the function:\n\ndef f():\n    return 1\n\nThis returns 1, as you asked.\n",
            "Sure! I can do that.\n\ndef f():\n    return 1\n\n- It is short.\n- It is tested well.\n",
        ] {
            assert_eq!(text(reply), CODE, "{reply}");
        }
        for code in [
            "    return 1\n",
            "x = 1\n",
            "self.x = 1\n",
            "@property\ndef f(self): ...\n",
            "print(1)\n",
            "from a import b\n",
            "async def f(): ...\n",
            "for x in y:\n    pass\n",
        ] {
            assert_eq!(text(code), code);
        }
    }

    #[test]
    fn replies_without_code() {
        assert_eq!(python_code(" \n"), Err(NoCode::Empty));
        assert_eq!(python_code("```python\n```"), Err(NoCode::Empty));
        assert_eq!(python_code("I cannot do that.\nfor example, it is\nwith care"), Err(NoCode::Prose));
        assert_eq!(python_code("```JavaScript\nlet x = 1;\n```"), Err(NoCode::OtherLanguage("javascript".into())));
        let script = "```python\nconst sum = (a, b) => {\n  return a + b;\n};\n```";
        assert_eq!(python_code(script), Err(NoCode::OtherLanguage("javascript".into())));
        assert_eq!(python_code(script).unwrap_err().code(), "wrong-language");
        assert_eq!(python_code("```c++\nint x;\n```"), Err(NoCode::OtherLanguage("c++".into())));
    }
}

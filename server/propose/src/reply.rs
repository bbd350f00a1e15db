//! What a model's reply says, beside being code.

use assists::Answer;
use model::{Reply, StopReason, json_code, python_code};
use validate::{Finding, Stage};

/// The code of a reply, and how sure the model says it is of it, from 0 to 1.
pub(crate) fn read(reply: &Reply, answer: Answer, path: &str) -> Result<(String, Option<f64>), Finding> {
    let finding = |code: &str, message: String| Finding {
        stage: Stage::Reply,
        code: code.to_owned(),
        message,
        path: path.to_owned(),
        line: 0,
    };
    match &reply.reason {
        StopReason::Refused(why) => {
            let why = if why.is_empty() { "without saying why" } else { why };
            return Err(finding("declined", format!("the model declined to answer: {why}")));
        }
        StopReason::Filtered => {
            return Err(finding("filtered", "the provider's content filter stopped the answer".to_owned()));
        }
        _ => {}
    }
    let code = match answer {
        Answer::Python => python_code(&reply.text),
        Answer::Json => json_code(&reply.text),
    };
    let code = code.map_err(|no_code| finding(no_code.code(), no_code.to_string()))?;
    if matches!(reply.reason, StopReason::Length | StopReason::ContextFull) || !code.complete {
        let message = "the reply was cut off before its end; a shorter one is needed".to_owned();
        return Err(finding("cut-off", message));
    }
    Ok((code.text, statement(&reply.text)))
}

/// The line `Confidence: N` behind the code.
fn statement(text: &str) -> Option<f64> {
    let behind = text.rsplit("```").next().unwrap_or(text);
    behind.lines().rev().find_map(|line| {
        let line = line.trim_matches(|c: char| c.is_whitespace() || "*_`#>-.".contains(c)).to_lowercase();
        let value = line.strip_prefix("confidence")?.trim_matches(|c: char| c.is_whitespace() || "*_`:=".contains(c));
        let value = match value.strip_suffix('%') {
            Some(percent) => percent.trim().parse::<f64>().ok()? / 100.0,
            None => value.parse().ok()?,
        };
        (0.0..=1.0).contains(&value).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(text: &str, reason: StopReason) -> Reply {
        Reply { text: text.to_owned(), reason, usage: None, cost: None }
    }

    #[test]
    fn code_and_statement() {
        let whole = reply("```python\nx = 1\n```\nConfidence: 0.85\n", StopReason::End);
        assert_eq!(read(&whole, Answer::Python, "a.py"), Ok(("x = 1\n".to_owned(), Some(0.85))));
        for (line, expected) in [
            ("**Confidence:** 0.5", Some(0.5)),
            ("confidence = 80%", Some(0.8)),
            ("Confidence: 1.", Some(1.0)),
            ("Confidence: 7", None),
            ("Confidence: high", None),
            ("I have confidence.", None),
        ] {
            assert_eq!(statement(&format!("```python\nx = 1\n```\n{line}\n")), expected, "{line}");
        }
        assert_eq!(statement("```python\n# Confidence: 1\n```"), None, "code is no statement");
    }

    #[test]
    fn replies_without_usable_code() {
        let code = |text: &str, reason| read(&reply(text, reason), Answer::Python, "a.py").expect_err("no code").code;
        assert_eq!(code("I cannot do that, sorry.", StopReason::End), "no-code");
        assert_eq!(code("```python\nx = 1\n```", StopReason::Length), "cut-off");
        assert_eq!(code("```python\nx = 1\n", StopReason::End), "cut-off");
        assert_eq!(code("```python\nx = 1\n```", StopReason::ContextFull), "cut-off");
        assert_eq!(code("```python\nx = 1\n```", StopReason::Filtered), "filtered");
        assert_eq!(code("", StopReason::Refused(String::new())), "declined");
    }
}

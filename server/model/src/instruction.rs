//! What a person wants besides, before it becomes part of a prompt.

/// Longer ones are pasted by mistake: what a model must see of the workspace is chosen by the graph. In characters.
const LONGEST: usize = 4000;

/// Why an instruction is not sent; for the person who gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadInstruction {
    #[error("the instruction is empty")]
    Empty,
    #[error("the instruction has {0} characters, more than {LONGEST}; say what you want in fewer words")]
    TooLong(usize),
    #[error("the instruction is no text: it has control characters, or is not UTF-8")]
    Binary,
    #[error("the instruction has no words")]
    NoWords,
}

/// Whether `text` can be an instruction, in whatever language people speak.
///
/// # Errors
/// With what is wrong with it.
pub fn check_instruction(text: &str) -> Result<(), BadInstruction> {
    let length = text.chars().count();
    let is_control = |c: char| c == '\u{fffd}' || c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if text.trim().is_empty() {
        Err(BadInstruction::Empty)
    } else if text.contains(is_control) {
        Err(BadInstruction::Binary)
    } else if length > LONGEST {
        Err(BadInstruction::TooLong(length))
    } else if !text.contains(char::is_alphabetic) {
        Err(BadInstruction::NoWords)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions() {
        for (text, expected) in [
            ("round half up", Ok(())),
            ("nutze eine Liste,\n\tkeine Menge", Ok(())),
            ("列表", Ok(())),
            (" \n", Err(BadInstruction::Empty)),
            ("a\0b", Err(BadInstruction::Binary)),
            ("\u{fffd}PNG", Err(BadInstruction::Binary)),
            ("...?!", Err(BadInstruction::NoWords)),
        ] {
            assert_eq!(check_instruction(text), expected, "{text}");
        }
        assert_eq!(check_instruction(&"ä".repeat(4000)), Ok(()));
        assert_eq!(check_instruction(&"ä".repeat(4001)), Err(BadInstruction::TooLong(4001)));
    }
}

//! What signs are called in fonts that do not say it in Unicode: a part of the Adobe Glyph List, and Windows' encoding.

/// The text of a sign by its name; `None` where the name says nothing.
pub(crate) fn glyph(name: &str) -> Option<String> {
    let base = name.split('.').next().unwrap_or(name);
    if let Some((_, text)) = NAMES.iter().find(|(known, _)| *known == base) {
        return Some((*text).to_owned());
    }
    let mut chars = base.chars();
    if let (Some(only), None) = (chars.next(), chars.next()) {
        return Some(only.to_string());
    }
    let coded = base.strip_prefix("uni").filter(|code| code.len() == 4);
    let coded = coded.or_else(|| base.strip_prefix('u').filter(|code| (4..=6).contains(&code.len())));
    if let Some(text) = coded.and_then(|code| char::from_u32(u32::from_str_radix(code, 16).ok()?)) {
        return Some(text.to_string());
    }
    // Such as `eacute`: a letter and the accent that follows it.
    let (accent, mark) = ACCENTS.iter().find(|(accent, _)| base.len() == accent.len() + 1 && base.ends_with(accent))?;
    let letter = base.strip_suffix(accent)?;
    Some(format!("{letter}{mark}"))
}

const ACCENTS: [(&str, char); 8] = [
    ("acute", '\u{301}'),
    ("grave", '\u{300}'),
    ("circumflex", '\u{302}'),
    ("dieresis", '\u{308}'),
    ("tilde", '\u{303}'),
    ("ring", '\u{30a}'),
    ("caron", '\u{30c}'),
    ("cedilla", '\u{327}'),
];

#[rustfmt::skip]
const NAMES: [(&str, &str); 86] = [
    ("space", " "), ("exclam", "!"), ("quotedbl", "\""), ("numbersign", "#"), ("dollar", "$"), ("percent", "%"),
    ("ampersand", "&"), ("quotesingle", "'"), ("parenleft", "("), ("parenright", ")"), ("asterisk", "*"),
    ("plus", "+"), ("comma", ","), ("hyphen", "-"), ("minus", "-"), ("period", "."), ("slash", "/"), ("zero", "0"),
    ("one", "1"), ("two", "2"), ("three", "3"), ("four", "4"), ("five", "5"), ("six", "6"), ("seven", "7"),
    ("eight", "8"), ("nine", "9"), ("colon", ":"), ("semicolon", ";"), ("less", "<"), ("equal", "="),
    ("greater", ">"), ("question", "?"), ("at", "@"), ("bracketleft", "["), ("backslash", "\\"),
    ("bracketright", "]"), ("asciicircum", "^"), ("underscore", "_"), ("grave", "`"), ("braceleft", "{"),
    ("bar", "|"), ("braceright", "}"), ("asciitilde", "~"), ("quoteleft", "‘"), ("quoteright", "’"),
    ("quotedblleft", "“"), ("quotedblright", "”"), ("quotesinglbase", "‚"), ("quotedblbase", "„"),
    ("guillemotleft", "«"), ("guillemotright", "»"), ("endash", "–"), ("emdash", "—"), ("bullet", "•"),
    ("ellipsis", "…"), ("dagger", "†"), ("section", "§"), ("paragraph", "¶"), ("copyright", "©"),
    ("registered", "®"), ("trademark", "™"), ("degree", "°"), ("plusminus", "±"), ("multiply", "×"), ("divide", "÷"),
    ("lessequal", "≤"), ("greaterequal", "≥"), ("notequal", "≠"), ("infinity", "∞"), ("mu", "µ"), ("arrowright", "→"),
    ("arrowleft", "←"), ("periodcentered", "·"), ("germandbls", "ß"), ("ae", "æ"), ("AE", "Æ"), ("oslash", "ø"),
    ("Oslash", "Ø"), ("Euro", "€"), ("sterling", "£"), ("ff", "ff"), ("fi", "fi"), ("fl", "fl"), ("ffi", "ffi"),
    ("ffl", "ffl"),
];

/// The sign with a code of Windows' encoding for western languages.
pub(crate) fn windows_1252(code: u8) -> char {
    const HIGH: [char; 32] = [
        '€', ' ', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', ' ', 'Ž', ' ', ' ', '‘', '’', '“', '”', '•',
        '–', '—', '˜', '™', 'š', '›', 'œ', ' ', 'ž', 'Ÿ',
    ];
    match code {
        0x80..=0x9f => HIGH[usize::from(code - 0x80)],
        code => char::from(code),
    }
}

/// The sign with a code of Mac OS' encoding for western languages.
pub(crate) fn mac_roman(code: u8) -> char {
    const HIGH: &str = "ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø¿¡¬√ƒ≈∆«»… ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€‹›ﬁﬂ‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\u{f8ff}ÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ";
    match code {
        0x80.. => HIGH.chars().nth(usize::from(code - 0x80)).unwrap_or(' '),
        code => char::from(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_signs() {
        let text = |name: &str| glyph(name).unwrap_or_default();
        assert_eq!(["A", "fi", "uni20AC", "u1F600", "eacute", "zero.alt"].map(text).concat(), "Afi€😀e\u{301}0");
        assert_eq!(glyph("g123"), None);
        assert_eq!((mac_roman(0x80), mac_roman(0xde), mac_roman(0xff)), ('Ä', 'ﬁ', 'ˇ'));
        assert_eq!((windows_1252(0x93), windows_1252(b'a'), windows_1252(0xe9)), ('“', 'a', 'é'));
    }
}

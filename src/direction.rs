//! Characters that turn the direction of text, as Hebrew and Arabic need it. In a text from outside they can also make a
//! line read otherwise than it is: what follows them stands reversed, beyond the end of that text.

/// Whether it is one of Unicode's `Bidi_Control` characters.
pub(crate) fn is_control(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}') || is_isolate(character)
}

/// Whether it begins or ends an isolate.
pub(crate) fn is_isolate(character: char) -> bool {
    matches!(character, '\u{2066}'..='\u{2069}')
}

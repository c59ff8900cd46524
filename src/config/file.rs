//! Reading the configuration file as text.
//!
//! What comes out is UTF-8 without a byte order mark and without control characters: YAML allows none, and a parser
//! that takes U+0000 for the end would silently lose the rest.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::problem::{Origin, Problem, Report};

/// Far more than ten thousand instances by hand need.
const LARGEST: u64 = 1 << 20;

/// The text of the file; what is wrong with it goes to the report.
pub(super) fn read(path: &Path, name: &Arc<str>, report: &Report) -> Option<String> {
    decode(bytes(path), name, report)
}

/// The text of what was read from the file of this name.
pub(crate) fn decode(bytes: std::io::Result<Vec<u8>>, name: &Arc<str>, report: &Report) -> Option<String> {
    let problem = |line: usize, sentence: String| {
        report.problem(Problem::new(Origin::File { file: Arc::clone(name), line }, "", sentence));
    };
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(error) => {
            problem(0, format!("cannot be read: {error}"));
            return None;
        }
    };
    if bytes.len() as u64 > LARGEST {
        problem(0, "is larger than 1 MiB; this is not a configuration file".to_owned());
        return None;
    }
    match text(bytes) {
        Ok(text) => Some(text),
        Err((line, sentence)) => {
            problem(line, sentence);
            None
        }
    }
}

/// The bytes of the file, at most one more than are allowed.
pub(crate) fn bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(std::io::Error::other("it is a directory; name a file in it"));
    }
    let mut bytes = Vec::new();
    // One byte more than allowed tells a file that is too large; its size may be unknown (a pipe).
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn text(bytes: Vec<u8>) -> Result<String, (usize, String)> {
    let line_of = |bytes: &[u8]| bytes.split(|byte| *byte == b'\n').count();
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = line_of(&error.as_bytes()[..error.utf8_error().valid_up_to()]);
        (line, "is not UTF-8; save the file as UTF-8".to_owned())
    })?;
    let text = match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    };
    let forbidden = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}');
    if let Some((at, c)) = text.char_indices().find(|(_, c)| forbidden(*c)) {
        let sentence = format!("holds a control character (U+{:04X}), which YAML does not allow; remove it", c as u32);
        return Err((line_of(&text.as_bytes()[..at]), sentence));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_text_is_refused_with_its_line() {
        let table: [(&[u8], usize, &str); 4] = [
            (b"a: 1\nb: \xff\n", 2, "is not UTF-8"),
            (b"\xff\xfea\0:\0", 1, "is not UTF-8"),
            (b"a: 1\n\nb: \0x", 3, "U+0000"),
            (b"a: \x1b[31m", 1, "U+001B"),
        ];
        for (bytes, line, words) in table {
            let (found, sentence) = text(bytes.to_vec()).unwrap_err();
            assert_eq!(found, line, "{bytes:?}");
            assert!(sentence.contains(words), "{sentence}");
        }
    }

    #[test]
    fn a_byte_order_mark_tabs_and_any_line_end_are_fine() {
        assert_eq!(text("\u{feff}a: 1\r\nb:\t2\n".into()).unwrap(), "a: 1\r\nb:\t2\n");
    }
}

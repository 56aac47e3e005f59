//! Text files, in whichever encoding the computer of an office wrote them.

use std::borrow::Cow;

/// The text of a file, without the mark that tells its encoding; `None` when it is no text. UTF-8 and UTF-16 say what they
/// are; GB18030 does not, and accepts much, so it is tried last.
#[must_use]
pub fn decoded(bytes: &[u8]) -> Option<String> {
    let (encoding, bytes) = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => (encoding_rs::UTF_8, rest),
        [0xFF, 0xFE, rest @ ..] => (encoding_rs::UTF_16LE, rest),
        [0xFE, 0xFF, rest @ ..] => (encoding_rs::UTF_16BE, rest),
        _ if std::str::from_utf8(bytes).is_ok() => (encoding_rs::UTF_8, bytes),
        _ => (encoding_rs::GB18030, bytes),
    };
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    text.map(Cow::into_owned)
}

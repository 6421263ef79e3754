//! What one pass over a cell says of its bytes: most cells need no closer look.
//!
//! Does not: decide anything. A class that was seen is a reason to look closer, one that was not
//! is proof that nothing of it is there.

/// The classes of bytes that stand in a cell.
#[derive(Debug, Clone, Copy)]
pub(super) struct Glance(u8);

/// Classes of bytes; several may be asked for at once with `|`.
pub(super) mod seen {
    /// The end of a line.
    pub(in super::super) const BREAK: u8 = 1;
    /// A space or a control character.
    pub(in super::super) const SPACE: u8 = 1 << 1;
    /// A part of a character beyond ASCII, which may be a space as well as a letter.
    pub(in super::super) const HIGH: u8 = 1 << 2;
    /// A digit.
    pub(in super::super) const DIGIT: u8 = 1 << 3;
    /// A colon or an equals sign: what stands between the name of a secret and the secret.
    pub(in super::super) const SIGN: u8 = 1 << 4;
    /// A hyphen.
    pub(in super::super) const DASH: u8 = 1 << 5;
    /// An ASCII character that no id has.
    pub(in super::super) const ODD: u8 = 1 << 6;
    /// A plus sign.
    pub(in super::super) const PLUS: u8 = 1 << 7;
}

impl Glance {
    pub(super) fn at(cell: &str) -> Self {
        Self(cell.bytes().fold(0, |seen, byte| {
            seen | CLASSES.get(usize::from(byte)).copied().unwrap_or_default()
        }))
    }

    /// Whether a byte of one of the classes is there.
    pub(super) fn any(self, classes: u8) -> bool {
        self.0 & classes != 0
    }
}

const CLASSES: [u8; 256] = classes();

#[expect(clippy::indexing_slicing, reason = "checked when it is compiled")]
const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 0x80_u8 {
        let mut class = match byte {
            b'\n' | b'\r' => seen::BREAK | seen::SPACE,
            0..=b' ' => seen::SPACE,
            b'0'..=b'9' => seen::DIGIT,
            b':' | b'=' => seen::SIGN,
            b'-' => seen::DASH,
            b'+' => seen::PLUS,
            _ => 0,
        };
        if !is_plain_id_byte(byte) {
            class |= seen::ODD;
        }
        classes[byte as usize] = class;
        byte += 1;
    }
    let mut high = 0x80;
    while high < classes.len() {
        classes[high] = seen::HIGH;
        high += 1;
    }
    classes
}

/// Whether the ASCII character can be part of an id.
pub(super) const fn is_plain_id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'_' | b'-' | b'.' | b':' | b'@' | b'+' | b'/' | b'|')
}

//! Which encoding an export is in, and its bytes as UTF-8.
//!
//! UTF-8 is proven, UTF-16 too by its byte order mark or by where its zero bytes stand.
//! Windows-1252 is a guess, made only where no byte sequence of the file speaks for UTF-8.
//!
//! Does not: replace what it cannot decode. Such a cell is an error, and the row is set aside.

use super::header;
use super::refusal::{Disguise, Refusal, Unreadable};

/// A character encoding that an export may be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding(&'static encoding_rs::Encoding);

impl Encoding {
    /// The encoding of that name, as web standards name it, or `macroman`.
    pub fn parse(label: &str) -> Option<Self> {
        let found = match label.trim().to_ascii_lowercase().as_str() {
            "macroman" | "mac-roman" | "mac_roman" => encoding_rs::MACINTOSH,
            other => encoding_rs::Encoding::for_label_no_replacement(other.as_bytes())?,
        };
        Some(Self(found))
    }

    /// Its name in lower case.
    pub fn name(self) -> String {
        self.0.name().to_ascii_lowercase()
    }
}

/// The encoding of a file and how it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodingFact {
    /// Its name in lower case.
    pub name: String,
    /// Whether a byte order mark says so.
    pub bom: bool,
    /// Whether it is a guess.
    pub guessed: bool,
}

/// An encoding, and what follows from how it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Detected {
    pub(super) encoding: Encoding,
    /// Length of the byte order mark.
    pub(super) bom: usize,
    /// Whether it is a guess.
    pub(super) guessed: bool,
    /// Whether it may still turn out otherwise: no mark and no order settles it.
    pub(super) open: bool,
}

impl Detected {
    pub(super) fn fact(self) -> EncodingFact {
        EncodingFact { name: self.encoding.name(), bom: self.bom > 0, guessed: self.guessed }
    }

    /// The same file read as Windows-1252, or as UTF-8 if it was read so.
    pub(super) fn other(self) -> Self {
        if self.guessed { Self::assumed(encoding_rs::UTF_8) } else { Self::windows_1252() }
    }

    /// Whether the stream must be turned into UTF-8 before its records can be told apart.
    pub(super) fn decoder(self) -> Option<encoding_rs::Decoder> {
        let encoding = self.encoding.0;
        let scans = encoding == encoding_rs::UTF_8 || encoding.is_single_byte();
        (!scans).then(|| encoding.new_decoder_without_bom_handling())
    }

    /// How the cells of the stream are to be read.
    pub(super) fn text(self) -> Text {
        let encoding = self.encoding.0;
        if encoding == encoding_rs::UTF_8 || !encoding.is_single_byte() {
            return Text::Utf8;
        }
        let mut table = Box::new([None; 128]);
        for (byte, slot) in (0x80..=0xff_u8).zip(table.iter_mut()) {
            let decoded = encoding
                .decode_without_bom_handling_and_without_replacement(std::slice::from_ref(&byte));
            // Windows-1252 leaves five bytes undefined, which web standards map to controls.
            *slot = decoded.and_then(|text| text.chars().next()).filter(|c| !c.is_control());
        }
        Text::Table(table)
    }

    fn windows_1252() -> Self {
        Self { guessed: true, ..Self::assumed(encoding_rs::WINDOWS_1252) }
    }

    fn assumed(encoding: &'static encoding_rs::Encoding) -> Self {
        Self { encoding: Encoding(encoding), bom: 0, guessed: false, open: true }
    }

    fn settled(encoding: &'static encoding_rs::Encoding, bom: usize) -> Self {
        Self { encoding: Encoding(encoding), bom, guessed: false, open: false }
    }
}

/// The encoding of the file that begins with `sample`, which is whole if the file is.
pub(super) fn detect(sample: &[u8], asked: Option<Encoding>) -> Result<Detected, Refusal> {
    const UTF_32: [&[u8]; 2] = [b"\xff\xfe\0\0", b"\0\0\xfe\xff"];
    if UTF_32.iter().any(|mark| sample.starts_with(mark)) {
        return Err(Refusal::Encoding(Unreadable::Utf32));
    }
    let marked = encoding_rs::Encoding::for_bom(sample);
    if let Some(Encoding(encoding)) = asked {
        // A mark of UTF-8 is no text in any other encoding either.
        let fits = |found| found == encoding || found == encoding_rs::UTF_8;
        let bom = marked.filter(|(found, _)| fits(*found)).map_or(0, |(_, length)| length);
        return Ok(Detected::settled(encoding, bom));
    }
    if let Some((encoding, bom)) = marked {
        return Ok(Detected::settled(encoding, bom));
    }
    if let Some(encoding) = by_zeros(sample) {
        return Ok(Detected::settled(encoding, 0));
    }
    if Census::of(sample).wants_windows_1252() {
        return Ok(Detected::windows_1252());
    }
    Ok(Detected::assumed(encoding_rs::UTF_8))
}

/// What a file is if it is no CSV, by its first bytes.
pub fn disguise(sample: &[u8]) -> Option<Disguise> {
    let magic: [(&[u8], Disguise); 4] = [
        (b"PK\x03\x04", Disguise::Zip),
        (b"\x1f\x8b", Disguise::Gzip),
        (b"%PDF", Disguise::Pdf),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Disguise::Ole),
    ];
    if let Some((_, found)) = magic.iter().find(|(mark, _)| sample.starts_with(mark)) {
        return Some(*found);
    }
    let text = sample.strip_prefix(b"\xef\xbb\xbf").unwrap_or(sample).trim_ascii_start();
    let first = text.get(..text.len().min(16)).unwrap_or_default().to_ascii_lowercase();
    let tags: [&[u8]; 6] = [b"<!doctype", b"<html", b"<head", b"<body", b"<table", b"<?xml"];
    if tags.iter().any(|tag| first.starts_with(tag)) {
        return Some(Disguise::Html);
    }
    let opened = first.strip_prefix(b"{").or_else(|| first.strip_prefix(b"["))?;
    let next = opened.trim_ascii_start().first().copied();
    matches!(next, Some(b'"' | b'{' | b'[' | b'}' | b']')).then_some(Disguise::Json)
}

/// UTF-16 without a mark: in western text every second byte is zero.
fn by_zeros(sample: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    let (pairs, _) = sample.as_chunks::<2>();
    let (mut first, mut second) = (0, 0);
    for pair in pairs {
        let [high, low] = *pair;
        first += usize::from(high == 0);
        second += usize::from(low == 0);
    }
    let half = pairs.len() / 2;
    if pairs.len() < 2 {
        None
    } else if second > half && first * 20 <= second {
        Some(encoding_rs::UTF_16LE)
    } else if first > half && second * 20 <= first {
        Some(encoding_rs::UTF_16BE)
    } else {
        None
    }
}

/// What the bytes beyond ASCII say about the encoding; sums over any division of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Census {
    /// Whether a sequence of several bytes is valid UTF-8.
    pub(super) multibyte: bool,
    /// Whether some byte is not.
    pub(super) invalid: bool,
    /// Bytes beyond ASCII.
    high: u64,
    /// Of these, those that stand beside another one.
    beside: u64,
    /// Letters of words in Windows-1252.
    latin: u64,
    /// Letters of words in Mac Roman that are no letters in Windows-1252.
    mac: u64,
}

impl Census {
    /// Counts what is known to be UTF-8.
    pub(super) fn of_text(text: &str) -> Self {
        Self { multibyte: !text.is_ascii(), ..Self::default() }
    }

    /// Counts `bytes`, which must not be cut within a line.
    pub(super) fn of(bytes: &[u8]) -> Self {
        // The rule, and many times faster than looking at each sequence.
        if let Ok(text) = std::str::from_utf8(bytes) {
            return Self::of_text(text);
        }
        let mut census = Self::default();
        for chunk in bytes.utf8_chunks() {
            census.multibyte |= !chunk.valid().is_ascii();
            // A character cut off by the end of the buffer is no evidence.
            census.invalid |= !chunk.invalid().is_empty();
        }
        if census.multibyte || !census.invalid {
            return census;
        }
        let mut before = b'\n';
        let mut rest = bytes.iter().copied().peekable();
        while let Some(byte) = rest.next() {
            if !byte.is_ascii() {
                census.weigh(before, byte, rest.peek().copied().unwrap_or(b'\n'));
            }
            before = byte;
        }
        census
    }

    pub(super) fn add(&mut self, other: Self) {
        self.multibyte |= other.multibyte;
        self.invalid |= other.invalid;
        self.high += other.high;
        self.beside += other.beside;
        self.latin += other.latin;
        self.mac += other.mac;
    }

    /// Whether the bytes cannot be UTF-8 and nothing speaks for it.
    pub(super) fn wants_windows_1252(self) -> bool {
        self.invalid && !self.multibyte
    }

    /// Refuses to guess Windows-1252 where something else is more likely.
    pub(super) fn doubt(self) -> Result<(), Refusal> {
        if self.mac > self.latin {
            return Err(Refusal::Encoding(Unreadable::LooksMacRoman));
        }
        // Western words have their accents apart; Cyrillic or Japanese text has runs.
        if self.high >= 8 && self.beside * 2 > self.high {
            return Err(Refusal::Encoding(Unreadable::Unknown));
        }
        Ok(())
    }

    fn weigh(&mut self, before: u8, byte: u8, after: u8) {
        self.high += 1;
        self.beside += u64::from(!before.is_ascii() || !after.is_ascii());
        let in_word = before.is_ascii_lowercase() || after.is_ascii_lowercase();
        match byte {
            // Undefined in Windows-1252.
            0x81 | 0x8d | 0x8f | 0x90 | 0x9d => self.mac += 1,
            // á à â ä ã å é ï ò õ ü in Mac Roman; signs and capitals in Windows-1252, which
            // follow no small letter.
            0x87..=0x8c | 0x8e | 0x95 | 0x98 | 0x9b | 0x9f if before.is_ascii_lowercase() => {
                self.mac += 1;
            }
            0xc0.. if in_word => self.latin += 1,
            _ => {}
        }
    }
}

/// How the bytes of a cell become text.
#[derive(Debug, Clone)]
pub(super) enum Text {
    Utf8,
    /// What each byte beyond ASCII stands for, if anything.
    Table(Box<[Option<char>; 128]>),
}

impl Text {
    /// Appends the text of `bytes`, or says that they are none.
    pub(super) fn decode(&self, bytes: &[u8], out: &mut String) -> Result<(), NotText> {
        match self {
            Self::Utf8 => out.push_str(std::str::from_utf8(bytes).map_err(|_| NotText)?),
            Self::Table(table) => {
                for &byte in bytes {
                    out.push(match byte.checked_sub(0x80) {
                        None => char::from(byte),
                        Some(high) => {
                            table.get(usize::from(high)).copied().flatten().ok_or(NotText)?
                        }
                    });
                }
            }
        }
        Ok(())
    }

    /// Whether `bytes` are that name. Nothing is copied: they may be of a cell that is not wanted.
    pub(super) fn is(&self, bytes: &[u8], name: &str) -> bool {
        match self {
            Self::Utf8 => std::str::from_utf8(bytes).is_ok_and(|text| header::is(text, name)),
            Self::Table(table) => {
                let chars = bytes.trim_ascii().iter().map(|&byte| match byte.checked_sub(0x80) {
                    None => Some(char::from(byte)),
                    Some(high) => table.get(usize::from(high)).copied().flatten(),
                });
                chars.eq(name.chars().map(Some))
            }
        }
    }

    /// The text of `bytes` where they are UTF-8 as they stand.
    pub(super) fn borrow<'b>(&self, bytes: &'b [u8]) -> Option<&'b str> {
        match self {
            Self::Table(_) if !bytes.is_ascii() => None,
            Self::Utf8 | Self::Table(_) => std::str::from_utf8(bytes).ok(),
        }
    }
}

/// Bytes that are not text in the file's encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotText;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expect: &str) {
        let doubted = |found: Detected| {
            let doubt = if found.guessed { Census::of(bytes).doubt() } else { Ok(()) };
            doubt.map(|()| found)
        };
        let found = match detect(bytes, None).and_then(doubted) {
            Ok(found) => {
                let fact = found.fact();
                let bom = if fact.bom { " bom" } else { "" };
                let guessed = if fact.guessed { " guessed" } else { "" };
                format!("{}{bom}{guessed}", fact.name)
            }
            Err(refusal) => refusal.to_string(),
        };
        assert_eq!(found, expect);
    }

    #[test]
    fn the_encoding_is_told_from_the_bytes() {
        check(b"Id,Name\n1,Ann\n", "utf-8");
        check("Id\nÄnne\n".as_bytes(), "utf-8");
        check(b"\xef\xbb\xbfId\n", "utf-8 bom");
        check(b"\xff\xfeI\0d\0", "utf-16le bom");
        check(b"\xfe\xff\0I\0d", "utf-16be bom");
        check(b"I\0d\0\n\0", "utf-16le");
        check(b"\0I\0d\0\n", "utf-16be");
        check(b"\xff\xfe\0\0I\0\0\0", "is UTF-32");
        check(b"Id\nM\xfcller\n", "windows-1252 guessed");
        check(b"Id\nO\x92Brien\n", "windows-1252 guessed");
        check(b"Id\nGonz\x87lez,caf\x8e\n", "is not UTF-8 and looks like Mac Roman");
        check("Id\nMüller\nM\u{fc}".as_bytes(), "utf-8");
        // One valid sequence is enough for UTF-8; rows with other bytes are set aside.
        check(b"Id\nM\xc3\xbcller\nM\xfcller\n", "utf-8");
        check(
            b"Id\n\xc8\xe2\xe0\xed\xee\xe2,\xcf\xe5\xf2\xf0\n",
            "is not UTF-8, and which encoding it is cannot be told from its bytes",
        );
    }

    #[track_caller]
    fn looks_like(bytes: &[u8], expect: Option<Disguise>) {
        assert_eq!(disguise(bytes), expect);
    }

    #[test]
    fn files_that_are_no_csv_are_named() {
        looks_like(b"PK\x03\x04...", Some(Disguise::Zip));
        looks_like(b"\x1f\x8b\x08", Some(Disguise::Gzip));
        looks_like(b"\n  <!DOCTYPE html><html>", Some(Disguise::Html));
        looks_like(b"[ {\"errorCode\":1}]", Some(Disguise::Json));
        looks_like(b"{}", Some(Disguise::Json));
        looks_like(b"%PDF-1.7", Some(Disguise::Pdf));
        looks_like(b"[Id],[Name]\n", None);
        looks_like(b"Id,Name\n", None);
    }

    #[test]
    fn a_byte_without_meaning_is_no_text() {
        let text = Detected::windows_1252().text();
        let mut out = String::new();
        assert_eq!(text.decode(b"caf\xe9", &mut out), Ok(()));
        assert_eq!(out, "café");
        assert_eq!(text.decode(b"\x81", &mut out), Err(NotText));
    }
}

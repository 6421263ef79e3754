//! Reads a file in chunks, several at a time, with the outcome of reading it in one piece.
//!
//! A chunk is cut where a good row seems to begin and is read as if it were so. The chunk before
//! it tells whether it was: if it ends elsewhere, what it left over is put before the chunk and
//! that is read again. So the guess costs time where it is wrong, and never a row.
//!
//! Does not: hold more of a file than a few chunks.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Mutex;

use sha2::{Digest as _, Sha256};

use super::chunk::{self, Behind, Part, Plan, Stretch};
use super::encoding::{Census, Detected};
use super::refusal::{ContentFault, Refusal};
use super::scan::{Grammar, LineEnd, Scanner, count_lines};
use super::tally::{Eol, Judge, Tally};
use super::{Limits, Sheet, Sink};
use crate::digest;
use crate::source::buffer::{Buffer, on_wiped_stack};
use crate::threads;

/// Reads all rows of `sheet`.
pub(super) fn read<S: Sink>(
    sheet: &Sheet,
    wanted: &[usize],
    new_sink: &(impl Fn() -> S + Sync),
    threads: NonZeroUsize,
) -> Result<(Vec<S>, Tally), Refusal> {
    let first = pass(sheet, sheet.detected, wanted, new_sink, threads)?;
    if first.encoding_stands(sheet.detected) {
        return first.finish(sheet, sheet.detected);
    }
    // The beginning of the file told another encoding than the whole of it does.
    drop(first);
    let other = sheet.detected.other();
    pass(sheet, other, wanted, new_sink, threads)?.finish(sheet, other)
}

/// What one reading of a file came to.
struct Pass<S> {
    sinks: Vec<S>,
    judge: Judge,
    eol: Option<Eol>,
    decoded: u64,
    census: Census,
    not_text: bool,
    bytes: u64,
    sha256: String,
}

impl<S> Pass<S> {
    fn encoding_stands(&self, read_as: Detected) -> bool {
        if !read_as.open {
            true
        } else if read_as.guessed {
            !self.census.multibyte
        } else {
            !(self.not_text && self.census.wants_windows_1252())
        }
    }

    fn finish(self, sheet: &Sheet, read_as: Detected) -> Result<(Vec<S>, Tally), Refusal> {
        // A guess does not matter where no wanted cell depends on it.
        if read_as.guessed && (self.decoded > 0 || self.not_text) {
            self.census.doubt()?;
        }
        let (mut tally, fault) = self.judge.finish();
        tally.eol = self.eol.unwrap_or_default();
        tally.decoded_cells = self.decoded;
        tally.encoding = read_as.fact();
        tally.bytes = self.bytes;
        tally.sha256 = self.sha256;
        let changed = (self.bytes != sheet.facts.bytes).then_some(ContentFault::Changed);
        match changed.or(fault) {
            Some(fault) => Err(Refusal::Content { fault, tally: Box::new(tally) }),
            None => Ok((self.sinks, tally)),
        }
    }
}

/// A chunk on its way.
struct Chunk {
    bytes: Buffer,
    start: usize,
    line: u64,
    behind: Behind,
}

/// A chunk that was read.
struct Done<S> {
    chunk: Chunk,
    part: Part<S>,
}

fn pass<S: Sink>(
    sheet: &Sheet,
    read_as: Detected,
    wanted: &[usize],
    new_sink: &(impl Fn() -> S + Sync),
    threads: NonZeroUsize,
) -> Result<Pass<S>, Refusal> {
    let plan = Plan {
        grammar: sheet.grammar,
        text: read_as.text(),
        wanted,
        header: &sheet.header,
        longest_cell: sheet.limits.cell,
        take_census: read_as.open,
    };
    let (buffers, sinks) = (Spare::default(), Spare::default());
    let read_chunk = |chunk: Chunk| {
        let Chunk { start, line, behind, .. } = chunk;
        let stretch = Stretch { data: chunk.bytes.filled(), start, line, behind };
        let sink = sinks.take().unwrap_or_else(new_sink);
        let part = on_wiped_stack(|| chunk::read(&plan, &stretch, sink));
        Done { chunk, part }
    };
    let mut cutter = Cutter::new(sheet, read_as, &buffers)?;
    let mut merge = Merge::new(sheet.limits, &buffers, &sinks);
    let chunks = sheet.facts.bytes / sheet.limits.chunk.max(1) as u64 + 1;
    let threads = usize::try_from(chunks)
        .ok()
        .and_then(NonZeroUsize::new)
        .map_or(threads, |chunks| chunks.min(threads));
    let take = |done| on_wiped_stack(|| merge.take(done, &read_chunk));
    threads::relay(threads, || cutter.next(), read_chunk, take)?;
    let (bytes, sha256) = on_wiped_stack(|| cutter.feed.finish())?;
    Ok(Pass {
        sinks: merge.sinks,
        judge: merge.judge,
        eol: merge.eol,
        decoded: merge.decoded,
        census: merge.census,
        not_text: merge.not_text,
        bytes,
        sha256,
    })
}

/// What is used again, by whichever thread needs one next.
struct Spare<T>(Mutex<Vec<T>>);

impl<T> Default for Spare<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Spare<T> {
    fn take(&self) -> Option<T> {
        self.0.lock().ok()?.pop()
    }

    fn put(&self, spare: T) {
        if let Ok(mut spares) = self.0.lock() {
            spares.push(spare);
        }
    }
}

/// Puts the parts of a file together, in order.
struct Merge<'s, S> {
    sinks: Vec<S>,
    judge: Judge,
    eol: Option<Eol>,
    decoded: u64,
    census: Census,
    not_text: bool,
    /// What the last chunk could not settle, and the line it begins on.
    left: Buffer,
    left_line: u64,
    limits: Limits,
    spare_buffers: &'s Spare<Buffer>,
    spare_sinks: &'s Spare<S>,
}

impl<'s, S: Sink> Merge<'s, S> {
    fn new(limits: Limits, spare_buffers: &'s Spare<Buffer>, spare_sinks: &'s Spare<S>) -> Self {
        Self {
            sinks: Vec::new(),
            judge: Judge::default(),
            eol: None,
            decoded: 0,
            census: Census::default(),
            not_text: false,
            left: Buffer::default(),
            left_line: 0,
            limits,
            spare_buffers,
            spare_sinks,
        }
    }

    /// Takes the next chunk, unless reading ends there.
    fn take(
        &mut self,
        mut done: Done<S>,
        read_chunk: &impl Fn(Chunk) -> Done<S>,
    ) -> Result<ControlFlow<()>, Refusal> {
        if !self.left.filled().is_empty() {
            let behind = done.chunk.behind;
            let mut bytes = std::mem::take(&mut self.left);
            bytes.push(done.chunk.bytes.filled());
            let again = Chunk { bytes, start: 0, line: self.left_line, behind };
            let misread = std::mem::replace(&mut done, read_chunk(again));
            self.recycle(misread.chunk.bytes);
        }
        let Done { mut chunk, mut part } = done;
        let mut more = true;
        for event in part.events {
            more = more && self.judge.take(event);
        }
        if self.sinks.last_mut().is_some_and(|last| last.append(&mut part.sink)) {
            self.spare_sinks.put(part.sink);
        } else {
            self.sinks.push(part.sink);
        }
        self.eol = Eol::and(self.eol, part.eol);
        self.decoded += part.decoded;
        self.census.add(part.census);
        self.not_text |= part.not_text;
        if part.endless {
            return Err(self.endless(part.end_line));
        }
        chunk.bytes.split_into(part.end, &mut self.left);
        self.left_line = part.end_line;
        self.recycle(chunk.bytes);
        if self.judge.rows_read() > self.limits.rows {
            return Err(Refusal::Limit { what: "rows", limit: self.limits.rows });
        }
        Ok(if more { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    }

    fn recycle(&self, mut bytes: Buffer) {
        bytes.clear();
        self.spare_buffers.put(bytes);
    }

    fn endless(&mut self, line: u64) -> Refusal {
        let (tally, _) = std::mem::take(&mut self.judge).finish();
        let fault = ContentFault::Endless { line, limit: self.limits.record };
        Refusal::Content { fault, tally: Box::new(tally) }
    }
}

/// Cuts a file into chunks that probably begin and end with a record.
struct Cutter<'f> {
    feed: Feed<'f>,
    grammar: Grammar,
    /// The beginning of the next chunk.
    head: Buffer,
    /// Where the first chunk's rows begin.
    start: usize,
    line: u64,
    size: usize,
    ended: bool,
    spare: &'f Spare<Buffer>,
}

/// A stretch without rows so long is cut anywhere.
const LONG: usize = 1 << 20;

impl<'f> Cutter<'f> {
    fn new(sheet: &'f Sheet, read_as: Detected, spare: &'f Spare<Buffer>) -> Result<Self, Refusal> {
        Ok(Self {
            feed: Feed::new(&sheet.file, read_as)?,
            grammar: sheet.grammar,
            head: Buffer::default(),
            start: sheet.body,
            line: sheet.body_line,
            size: sheet.limits.chunk.max(1),
            ended: false,
            spare,
        })
    }

    fn next(&mut self) -> Result<Option<Chunk>, Refusal> {
        if self.ended { Ok(None) } else { on_wiped_stack(|| self.take()).map(Some) }
    }

    fn take(&mut self) -> Result<Chunk, Refusal> {
        let start = std::mem::take(&mut self.start);
        let line = self.line;
        let mut bytes = self.spare.take().unwrap_or_default();
        std::mem::swap(&mut bytes, &mut self.head);
        let mut room = self.size + start;
        let mut searched = 0;
        loop {
            self.feed.fill(&mut bytes, room)?;
            if self.feed.ended {
                self.ended = true;
                return Ok(Chunk { bytes, start, line, behind: Behind::End });
            }
            if let Some((cut, behind)) = self.cut(bytes.filled(), searched.max(start)) {
                bytes.split_into(cut, &mut self.head);
                self.line += count_lines(bytes.filled().get(start..).unwrap_or_default());
                return Ok(Chunk { bytes, start, line, behind });
            }
            // One record fills the chunk: twice as much each time, so that it is not looked
            // through over and over.
            room = bytes.filled().len();
            searched = room;
        }
    }

    /// Where to cut, unless the chunk is better made longer.
    fn cut(&self, data: &[u8], searched: usize) -> Option<(usize, Behind)> {
        let mut scanner = Scanner::new(data, false, self.grammar);
        if let Some(cut) = scanner.last_boundary(searched) {
            return Some((cut, Behind::Row));
        }
        if data.len() < self.size.saturating_mul(4).max(LONG) {
            return None;
        }
        // No row for long: any line end does, and without one the reader finds the line endless.
        let line_end = memchr::memrchr2(b'\n', b'\r', data).map(|at| scanner.next_line(at));
        let cut = match line_end {
            Some(LineEnd::At(cut)) if cut > searched => cut,
            _ => data.len(),
        };
        Some((cut, Behind::Unknown))
    }
}

/// A file's bytes in an encoding whose records can be told apart, and their digest.
pub(super) struct Feed<'f> {
    file: &'f File,
    digest: Sha256,
    bytes: u64,
    /// Bytes of the mark that are still to be left out.
    mark: usize,
    decoder: Option<encoding_rs::Decoder>,
    raw: Buffer,
    ended: bool,
}

const BLOCK: usize = 64 << 10;

impl<'f> Feed<'f> {
    /// The file from its beginning.
    pub(super) fn new(mut file: &'f File, read_as: Detected) -> io::Result<Self> {
        file.seek(SeekFrom::Start(0))?;
        Ok(Self { mark: read_as.bom, decoder: read_as.decoder(), ..Self::of_bytes(file) })
    }

    /// The file from where it stands, as it is.
    fn of_bytes(file: &'f File) -> Self {
        Self {
            file,
            digest: Sha256::new(),
            bytes: 0,
            mark: 0,
            decoder: None,
            raw: Buffer::default(),
            ended: false,
        }
    }

    /// Appends `room` bytes of the file, or what is left of it.
    pub(super) fn fill(&mut self, into: &mut Buffer, room: usize) -> io::Result<()> {
        if self.mark > 0 {
            let mut mark = [0; 4];
            let length = self.mark.min(mark.len());
            self.read(mark.get_mut(..length).unwrap_or_default())?;
            self.mark = 0;
        }
        if self.decoder.is_some() {
            let mut left = room;
            while left > 0 && !self.ended {
                let mut raw = std::mem::take(&mut self.raw);
                let room = left.min(BLOCK);
                let length = self.read(raw.spare(room).get_mut(..room).unwrap_or_default())?;
                raw.advance(length);
                self.decode(raw.filled(), into);
                raw.clear();
                self.raw = raw;
                left -= length.min(left);
            }
            return Ok(());
        }
        let length = self.read(into.spare(room).get_mut(..room).unwrap_or_default())?;
        into.advance(length);
        Ok(())
    }

    /// Whether everything was read.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Reads what is left, for the digest. Gives the size and the digest of the file.
    fn finish(&mut self) -> io::Result<(u64, String)> {
        let mut rest = Buffer::default();
        while !self.ended {
            let length = self.read(rest.spare(BLOCK).get_mut(..BLOCK).unwrap_or_default())?;
            rest.advance(length);
            rest.clear();
        }
        let digest = self.digest.finalize_reset();
        // It keeps the file's last bytes, up to a block of its own: these take their place.
        self.digest.update([0; 63]);
        Ok((self.bytes, digest::hex(&digest)))
    }

    /// Fills `into` from the file, or less at its end.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(room) = into.get_mut(filled..).filter(|room| !room.is_empty()) {
            match self.file.read(room) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(length) => filled += length,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.digest.update(into.get(..filled).unwrap_or_default());
        self.bytes += filled as u64;
        Ok(filled)
    }

    /// Appends the text of `raw`; what is no text becomes a byte that is none in UTF-8 either.
    fn decode(&mut self, mut raw: &[u8], into: &mut Buffer) {
        const NO_TEXT: &[u8] = b"\xff";
        let Some(decoder) = &mut self.decoder else { return };
        loop {
            let room = into.spare(raw.len() * 3 + 16);
            let (result, read, written) =
                decoder.decode_to_utf8_without_replacement(raw, room, self.ended);
            into.advance(written);
            raw = raw.get(read..).unwrap_or_default();
            match result {
                encoding_rs::DecoderResult::InputEmpty => return,
                encoding_rs::DecoderResult::OutputFull => {}
                encoding_rs::DecoderResult::Malformed(..) => into.push(NO_TEXT),
            }
        }
    }
}

/// The size of the file and its SHA-256, in hexadecimal.
pub fn digest(path: &Path) -> io::Result<(u64, String)> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::from(ErrorKind::InvalidInput));
    }
    let file = File::open(path)?;
    on_wiped_stack(|| Feed::of_bytes(&file).finish())
}

/// Reads the first bytes of a file. Gives whether that is all of it.
pub(super) fn sample(file: &File, length: usize, into: &mut Buffer) -> io::Result<bool> {
    let mut file = file;
    file.seek(SeekFrom::Start(0))?;
    let mut part = file.take(length as u64 + 1);
    loop {
        let read = part.read(into.spare(BLOCK))?;
        if read == 0 {
            break;
        }
        into.advance(read);
    }
    Ok(into.filled().len() <= length)
}

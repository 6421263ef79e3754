//! Memory that held bytes of an export or of a CRM's answer: it is overwritten before it is given back or used anew.
//!
//! Does not: print itself, or leave a copy behind when it grows.

/// Bytes in use at the front of a reusable allocation.
#[derive(Default)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    used: usize,
}

impl Buffer {
    /// The bytes in use.
    pub(super) fn filled(&self) -> &[u8] {
        self.bytes.get(..self.used).unwrap_or_default()
    }

    /// At least `room` bytes behind those in use; [`Buffer::advance`] takes them into use.
    pub(super) fn spare(&mut self, room: usize) -> &mut [u8] {
        let needed = self.used + room;
        if needed > self.bytes.len() {
            // `Vec::resize` would free the old bytes as they are, blocked cells included.
            let mut grown = vec![0; needed.max(self.bytes.len().saturating_mul(2))];
            if let Some(front) = grown.get_mut(..self.used) {
                front.copy_from_slice(self.filled());
            }
            wipe(&mut self.bytes);
            self.bytes = grown;
        }
        self.bytes.get_mut(self.used..).unwrap_or_default()
    }

    /// Takes `count` bytes that were written to [`Buffer::spare`] into use.
    pub(super) fn advance(&mut self, count: usize) {
        self.used = (self.used + count).min(self.bytes.len());
    }

    /// Appends `bytes`.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if let Some(room) = self.spare(bytes.len()).get_mut(..bytes.len()) {
            room.copy_from_slice(bytes);
        }
        self.advance(bytes.len());
    }

    /// Moves the bytes from `at` on into `other`, overwriting them here.
    pub(super) fn split_into(&mut self, at: usize, other: &mut Self) {
        if let Some(tail) = self.bytes.get_mut(at..self.used) {
            other.push(tail);
            wipe(tail);
            self.used = at;
        }
    }

    /// Overwrites the bytes in use and forgets them, keeping the allocation.
    pub(super) fn clear(&mut self) {
        if let Some(used) = self.bytes.get_mut(..self.used) {
            wipe(used);
        }
        self.used = 0;
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Texts of cells that may be anything, in one allocation.
#[derive(Default)]
pub(super) struct Scratch {
    text: String,
    cells: Vec<(usize, usize)>,
}

impl Scratch {
    /// Overwrites what it holds and makes room for `room` bytes of text.
    pub(super) fn clear(&mut self, room: usize) {
        self.cells.clear();
        let mut bytes = std::mem::take(&mut self.text).into_bytes();
        wipe(&mut bytes);
        bytes.clear();
        bytes.reserve(room);
        self.text = String::from_utf8(bytes).unwrap_or_default();
    }

    /// Adds the cell whose text `write` appends; if it fails, a blank one.
    pub(super) fn push<E>(
        &mut self,
        write: impl FnOnce(&mut String) -> Result<(), E>,
    ) -> Result<(), E> {
        let start = self.text.len();
        let written = write(&mut self.text);
        let start = if written.is_ok() { start } else { self.text.len() };
        self.cells.push((start, self.text.len()));
        written
    }

    pub(super) fn cells(&self) -> impl Iterator<Item = &str> {
        self.cells.iter().map(|&(start, end)| self.text.get(start..end).unwrap_or_default())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.clear(0);
    }
}

/// Overwrites `bytes` in a way the compiler may not leave out.
pub(super) fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    std::hint::black_box(bytes);
}

/// So much of the stack is used at most by what looks at the bytes of an export.
const STACK: usize = 64 << 10;

/// Does `work` and overwrites what it left on the stack.
///
/// Bytes of an export come there with variables and with registers that are put aside. Nobody reads
/// them, but whatever is built there next carries them on in its padding, to any other place.
pub(super) fn on_wiped_stack<T>(work: impl FnOnce() -> T) -> T {
    /// Uses a part of the stack that [`wipe_stack`] uses too.
    #[inline(never)]
    fn apart<T>(work: impl FnOnce() -> T) -> T {
        work()
    }
    #[inline(never)]
    #[expect(clippy::large_stack_arrays, reason = "the stack is what is to be overwritten")]
    fn wipe_stack() {
        wipe(&mut [0; STACK]);
    }
    let done = apart(work);
    wipe_stack();
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growing_keeps_the_bytes_in_use() {
        let mut buffer = Buffer::default();
        buffer.push(b"one,");
        buffer.push(b"two");
        assert_eq!(buffer.filled(), b"one,two");
    }

    #[test]
    fn splitting_leaves_zeros_behind() {
        let (mut front, mut back) = (Buffer::default(), Buffer::default());
        front.push(b"kept|moved");
        front.split_into(5, &mut back);
        assert_eq!((front.filled(), back.filled()), (&b"kept|"[..], &b"moved"[..]));
        assert!(front.bytes[5..].iter().all(|&byte| byte == 0));
    }
}

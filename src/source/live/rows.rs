//! The rows of one page, cell by cell, in one allocation that is wiped before it is used again.
//!
//! Does not: know what a cell means.

use crate::source::buffer::Buffer;

/// Rows of one width. Each has a mark beside its cells that tells it from all other rows.
pub struct Rows {
    width: usize,
    text: Buffer,
    ends: Vec<usize>,
}

impl Rows {
    /// No rows yet, of so many cells each.
    pub(super) fn new(width: usize) -> Self {
        Self { width, text: Buffer::default(), ends: Vec::new() }
    }

    /// Forgets the rows.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    /// Takes a row: its mark, and its cells in the order of the columns. Cells that are missing are blank.
    pub fn push<'c>(&mut self, mark: &str, cells: impl IntoIterator<Item = &'c str>) {
        self.add(mark);
        let mut cells = cells.into_iter();
        for _ in 0..self.width {
            self.add(cells.next().unwrap_or_default());
        }
    }

    fn add(&mut self, text: &str) {
        self.text.push(text.as_bytes());
        self.ends.push(self.text.filled().len());
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.ends.len() / (self.width + 1)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The mark of a row.
    pub(super) fn mark(&self, row: usize) -> &str {
        self.cell(row * (self.width + 1))
    }

    /// Puts the cells of a row into `cells`.
    pub(super) fn cells<'r>(&'r self, row: usize, cells: &mut Vec<&'r str>) {
        let first = row * (self.width + 1) + 1;
        cells.clear();
        cells.extend((first..first + self.width).map(|at| self.cell(at)));
    }

    fn cell(&self, at: usize) -> &str {
        let end = self.ends.get(at).copied().unwrap_or_default();
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        let text = self.text.filled().get(start.unwrap_or_default()..end).unwrap_or_default();
        std::str::from_utf8(text).unwrap_or_default()
    }
}

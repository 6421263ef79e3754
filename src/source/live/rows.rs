//! The rows of one page, cell by cell, in one allocation that is wiped before it is used again.
//!
//! Does not: know what a cell means.

/// Rows of one width. Each has a mark beside its cells that tells it from all other rows.
pub struct Rows {
    width: usize,
    text: String,
    ends: Vec<usize>,
}

impl Rows {
    /// No rows yet, of so many cells each.
    pub(super) fn new(width: usize) -> Self {
        Self { width, text: String::new(), ends: Vec::new() }
    }

    /// Forgets the rows.
    pub(super) fn clear(&mut self) {
        let mut bytes = std::mem::take(&mut self.text).into_bytes();
        bytes.fill(0);
        std::hint::black_box(&mut bytes);
        bytes.clear();
        self.text = String::from_utf8(bytes).unwrap_or_default();
        self.ends.clear();
    }

    /// Takes a row: its mark, and its cells in the order of the columns. Cells that are missing are blank.
    pub fn push<'c>(&mut self, mark: &str, cells: impl IntoIterator<Item = &'c str>) {
        self.text.push_str(mark);
        self.ends.push(self.text.len());
        let mut cells = cells.into_iter();
        for _ in 0..self.width {
            self.text.push_str(cells.next().unwrap_or_default());
            self.ends.push(self.text.len());
        }
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
        self.text.get(start.unwrap_or_default()..end).unwrap_or_default()
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        self.clear();
    }
}

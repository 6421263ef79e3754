//! A part of a packet for those whose work it is: the proposals on the records of one owner or one team.
//!
//! The slices by owner, and those by team, hold every proposal once. The findings of a slice are the lines
//! of findings.jsonl that belong to it, so that their digest can be told from the whole file.
//! Does not: say whose work a record is.

use std::fmt;

use crate::check::By;

use super::escape::visible;

/// The proposals on the records of one group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slice {
    /// By what the records are grouped.
    pub by: By,
    /// The group; none for the records of which nothing says it.
    pub name: Option<String>,
}

impl Slice {
    /// By what a packet can be sliced.
    pub const BY: [By; 2] = [By::Owner, By::Team];

    /// True for the name of a page of it, or of another slice that is called alike.
    pub fn is_page(&self, name: &str) -> bool {
        let stem = name.strip_suffix(".html").and_then(|name| name.strip_prefix(&self.stem()));
        let is_number = |rest: &str| rest.chars().all(|letter| letter.is_ascii_digit());
        stem.is_some_and(|rest| rest.is_empty() || rest.strip_prefix('-').is_some_and(is_number))
    }

    /// The name of its files without an ending: `team-emea`. Another slice may have the same.
    pub fn stem(&self) -> String {
        /// Disks take 255 bytes; a number and an ending follow.
        const LONGEST: usize = 120;
        let name = self.name.as_deref().unwrap_or("not known");
        let mut stem = self.by.word().to_owned();
        for word in name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
            stem.push('-');
            stem.extend(word.chars().take(40).flat_map(char::to_lowercase));
        }
        stem.truncate(stem.floor_char_boundary(LONGEST));
        stem
    }
}

impl fmt::Display for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{} {}", self.by.title(), visible(name)),
            None => write!(f, "records whose {} is not known", self.by.title()),
        }
    }
}

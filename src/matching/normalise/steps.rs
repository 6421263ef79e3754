//! What a fold changed, in words for the evidence.
//!
//! Does not: say what the value was; that is the evidence's cell.

use std::ops::{BitOr, BitOrAssign};

/// One thing that a fold changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Step {
    /// Capitals.
    Case,
    /// Accents and letters that are written differently without them.
    Accents,
    /// Punctuation and outer spaces.
    Punctuation,
    /// The addresses behind the first of a cell that lists several.
    First,
    /// What follows the plus sign of an address.
    Tag,
    /// The dots of an address.
    Dots,
    /// The domain of a mail provider, misspelt.
    Provider,
    /// A title before or after a name.
    Title,
    /// A middle initial.
    Initial,
    /// Jr, Sr, II and the like.
    Suffix,
    /// A name in one field, told apart.
    Order,
    /// `van der`, `O'` and the like.
    Particle,
    /// A legal form.
    LegalForm,
    /// A leading article.
    Article,
    /// An abbreviation, or a word that has several usual forms.
    Abbreviation,
    /// A branch or place after a company's name.
    Site,
    /// An extension.
    Extension,
    /// The country's code that a number lacked.
    CountryFromRecord,
    /// The international prefix.
    Prefix,
    /// The trunk zero.
    Trunk,
    /// A flat, suite or floor.
    Unit,
    /// A place's name that has a code.
    Code,
    /// The kind of a street.
    StreetType,
    /// `first` for `1st`.
    Ordinal,
    /// `north` for `n`.
    Direction,
    /// The last four digits of a ZIP code.
    PlusFour,
    /// A country's letters before a postal code.
    CountryPrefix,
    /// A zero that a spreadsheet ate.
    LeadingZero,
}

impl Step {
    /// Every step, in the order they are said.
    const ALL: [Self; 28] = [
        Self::Case,
        Self::Accents,
        Self::Punctuation,
        Self::First,
        Self::Tag,
        Self::Dots,
        Self::Provider,
        Self::Title,
        Self::Initial,
        Self::Suffix,
        Self::Order,
        Self::Particle,
        Self::LegalForm,
        Self::Article,
        Self::Abbreviation,
        Self::Site,
        Self::Extension,
        Self::CountryFromRecord,
        Self::Prefix,
        Self::Trunk,
        Self::Unit,
        Self::Code,
        Self::StreetType,
        Self::Ordinal,
        Self::Direction,
        Self::PlusFour,
        Self::CountryPrefix,
        Self::LeadingZero,
    ];

    /// The step in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Case => "lower case",
            Self::Accents => "accents dropped",
            Self::Punctuation => "punctuation dropped",
            Self::First => "the first of several addresses",
            Self::Tag => "+tag dropped, because this provider ignores it",
            Self::Dots => "dots dropped, because Gmail ignores them",
            Self::Provider => "a misspelt mail provider read as the provider",
            Self::Title => "title dropped",
            Self::Initial => "middle initial kept apart",
            Self::Suffix => "Jr, Sr, II and the like kept apart",
            Self::Order => "first and last name told apart",
            Self::Particle => "particle joined to the name",
            Self::LegalForm => "legal form dropped",
            Self::Article => "leading article dropped",
            Self::Abbreviation => "abbreviation written out",
            Self::Site => "branch or place kept apart",
            Self::Extension => "extension kept apart",
            Self::CountryFromRecord => "country code from the record's country",
            Self::Prefix => "international prefix dropped",
            Self::Trunk => "trunk prefix dropped",
            Self::Unit => "unit kept apart",
            Self::Code => "name replaced by its code",
            Self::StreetType => "kind of street in its short form",
            Self::Ordinal => "ordinal in digits",
            Self::Direction => "direction in its short form",
            Self::PlusFour => "ZIP+4 cut to five digits",
            Self::CountryPrefix => "country's letters dropped",
            Self::LeadingZero => "leading zero restored",
        }
    }
}

/// The steps of one fold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Steps(u32);

impl Steps {
    /// The value stands as it was written.
    pub const NONE: Self = Self(0);

    /// True when nothing was changed.
    pub fn is_none(self) -> bool {
        self.0 == 0
    }

    /// True when this was one of the steps.
    pub fn has(self, step: Step) -> bool {
        self.0 & (1 << step as u8) != 0
    }

    /// These steps without one of them.
    #[must_use]
    pub fn without(self, step: Step) -> Self {
        Self(self.0 & !(1 << step as u8))
    }

    /// The steps in words.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        Step::ALL.into_iter().filter(move |step| self.has(*step)).map(Step::words)
    }
}

impl From<Step> for Steps {
    fn from(step: Step) -> Self {
        Self(1 << step as u8)
    }
}

impl BitOr for Steps {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Steps {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl BitOrAssign<Step> for Steps {
    fn bitor_assign(&mut self, step: Step) {
        *self |= Self::from(step);
    }
}

impl FromIterator<Step> for Steps {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> Self {
        steps.into_iter().fold(Self::NONE, |all, step| all | step.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_said_in_one_order() {
        let mut steps = Steps::from(Step::LegalForm);
        steps |= Step::Case;
        assert_eq!(steps.words().collect::<Vec<_>>(), ["lower case", "legal form dropped"]);
        assert!(steps.has(Step::Case) && !steps.has(Step::Tag));
        assert_eq!(Steps::NONE.words().count(), 0);
        assert_eq!(Step::ALL.into_iter().collect::<Steps>().words().count(), Step::ALL.len());
    }
}

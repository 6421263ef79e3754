//! The questions that are asked of Salesforce, and the only words they can hold.
//!
//! SOQL is put together here from names that are checked to be names and from values of closed kinds; a
//! query can neither be taken from a setting nor carry a clause that writes (`FOR VIEW`, `FOR REFERENCE`).
//! Does not: ask.

use chrono::{DateTime, SecondsFormat, Utc};

use super::login::Login;

/// Every question that is asked of Salesforce.
#[derive(Debug)]
pub enum Question {
    /// A token for a login.
    Token(Login),
    /// The versions that are offered.
    Versions,
    /// The fields of a table that this user may see, and what it may do with its records.
    Describe(Version, TableName),
    /// The first page of a query.
    Query(Version, Soql),
    /// The next page.
    More(Version, Locator),
    /// A job for a query of many records.
    Job(Version, Soql),
    /// How far a job is.
    JobState(Version, Id),
    /// A piece of a job's result, the first one if none is named.
    Results(Version, Id, Option<Piece>),
}

/// So many records make a piece of a job's result: well below the largest answer that is read.
pub const PIECE: u32 = 25_000;

/// Where a piece of a job's result begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece(String);

impl Piece {
    /// A place as Salesforce names it.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        let fits = (1..=128).contains(&text.len()) && text.bytes().all(plain);
        fits.then(|| Self(text.to_owned()))
    }

    /// As it stands in an address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A version of the API: `67.0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version(String);

impl Version {
    /// The newest that every org has.
    pub const USUAL: &str = "67.0";

    /// A version that is still answered.
    pub fn parse(text: &str) -> Option<Self> {
        let number: u32 = text.strip_suffix(".0")?.parse().ok()?;
        (41..=999).contains(&number).then(|| Self(text.to_owned()))
    }

    /// As it stands in a path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A table of Salesforce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// Leads.
    Lead,
    /// Contacts.
    Contact,
    /// Accounts.
    Account,
    /// Opportunities.
    Opportunity,
    /// Users.
    User,
    /// Groups, of which queues are one type.
    Group,
    /// Members of campaigns.
    CampaignMember,
    /// Changes of leads.
    LeadHistory,
    /// Changes of contacts.
    ContactHistory,
    /// Changes of accounts.
    AccountHistory,
    /// Changes of opportunities.
    OpportunityFieldHistory,
}

impl Table {
    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lead => "Lead",
            Self::Contact => "Contact",
            Self::Account => "Account",
            Self::Opportunity => "Opportunity",
            Self::User => "User",
            Self::Group => "Group",
            Self::CampaignMember => "CampaignMember",
            Self::LeadHistory => "LeadHistory",
            Self::ContactHistory => "ContactHistory",
            Self::AccountHistory => "AccountHistory",
            Self::OpportunityFieldHistory => "OpportunityFieldHistory",
        }
    }
}

/// The name of a table, of those that are read or that their fields link to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableName(String);

impl TableName {
    /// A name as Salesforce gives names.
    pub fn parse(text: &str) -> Option<Self> {
        is_word(text).then(|| Self(text.to_owned()))
    }

    /// As it stands in a path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Table> for TableName {
    fn from(table: Table) -> Self {
        Self(table.name().to_owned())
    }
}

fn is_word(word: &str) -> bool {
    word.len() <= 80
        && word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Where the next page of a result is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locator(String);

impl Locator {
    /// The locator in the address of a next page, which has to be a path of the query itself: an address
    /// of another host or of anything else is none.
    pub fn parse(address: &str) -> Option<Self> {
        let rest = address.strip_prefix("/services/data/v")?;
        let (version, locator) = rest.split_once("/query/")?;
        Version::parse(version)?;
        Self::kept(locator)
    }

    /// A locator that was kept from an earlier run.
    pub fn kept(text: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        let fits = (1..=128).contains(&text.len()) && text.bytes().all(plain);
        fits.then(|| Self(text.to_owned()))
    }

    /// The same result, from another row on. Salesforce ends a locator with the row it begins at.
    pub fn at(&self, row: u64) -> Option<Self> {
        let (result, from) = self.0.rsplit_once('-')?;
        from.parse::<u64>().ok()?;
        Some(Self(format!("{result}-{row}")))
    }

    /// As it stands in a path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A query. It can only be made of the parts below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Soql(String);

/// The name of a field or of a field of a linked record: `OwnerId`, `Owner.Type`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Column(String);

impl Column {
    /// The id that every record has.
    pub fn id() -> Self {
        Self("Id".to_owned())
    }

    /// A name as Salesforce gives names.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.split('.').count() <= 3 && text.split('.').all(is_word);
        fits.then(|| Self(text.to_owned()))
    }

    /// As it stands in a query.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A record's id in one of Salesforce's two lengths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Id(String);

impl Id {
    /// As it stands in a path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// An id, and nothing that only looks like one.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = matches!(text.len(), 15 | 18) && text.bytes().all(|b| b.is_ascii_alphanumeric());
        fits.then(|| Self(text.to_owned()))
    }
}

/// Which records of a table are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Which {
    /// The table.
    pub table: Table,
    /// Made before this instant, or dated so far behind it that it was not made while the table is read:
    /// which records belong to the table is frozen there.
    pub before: DateTime<Utc>,
    /// Of a table of changes, only those of these fields.
    pub fields: Vec<Column>,
}

/// No pull takes longer; what is dated further ahead has a wrong date, which is for the review to see.
const AHEAD: chrono::Duration = chrono::Duration::days(3);

impl Which {
    fn clause(&self) -> String {
        let written = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let (before, ahead) = (written(self.before), written(self.before + AHEAD));
        let kind = if self.table == Table::Group { "Type = 'Queue' AND " } else { "" };
        let fields: Vec<_> = self.fields.iter().map(|field| format!("'{}'", field.0)).collect();
        let fields = match fields.as_slice() {
            [] => String::new(),
            fields => format!("Field IN ({}) AND ", fields.join(", ")),
        };
        format!(
            "FROM {} WHERE {kind}{fields}(CreatedDate < {before} OR CreatedDate > {ahead})",
            self.table.name()
        )
    }

    /// How many there are.
    pub fn count(&self) -> Soql {
        Soql(format!("SELECT COUNT() {}", self.clause()))
    }

    /// These columns of each, in any order: an order would keep the org from working on them in parts.
    pub fn all(&self, columns: &[Column]) -> Soql {
        let names: Vec<&str> = columns.iter().map(Column::as_str).collect();
        Soql(format!("SELECT {} {}", names.join(", "), self.clause()))
    }

    /// These columns of each, in the order of ids, behind one of them if it is given.
    pub fn rows(&self, columns: &[Column], after: Option<&Id>) -> Soql {
        let names: Vec<&str> = columns.iter().map(Column::as_str).collect();
        let after = after.map_or_else(String::new, |id| format!(" AND Id > '{}'", id.0));
        Soql(format!("SELECT {} {}{after} ORDER BY Id", names.join(", "), self.clause()))
    }
}

impl Soql {
    /// As it is asked.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_ids_and_paths_of_the_query_are_taken() {
        for good in ["Id", "Owner.Type", "ZI_Employees__c", "A.B.C"] {
            assert!(Column::parse(good).is_some(), "{good}");
        }
        for bad in ["", "Id FROM User", "Id,Name", "a-b", "A..B", "1a", "Id--", "A.B.C.D", "Ïd"] {
            assert!(Column::parse(bad).is_none(), "{bad}");
        }
        assert!(Id::parse("00Q5g000000WHe6EAG").is_some());
        for bad in ["00Q5g000000WHe6' OR Id != '", "00Q5g", "00Q5g000000WHe6EÄG"] {
            assert!(Id::parse(bad).is_none(), "{bad}");
        }
        let next = Locator::parse("/services/data/v67.0/query/01gRO0000016PIAYA2-500").unwrap();
        assert_eq!(next.at(2000).unwrap().as_str(), "01gRO0000016PIAYA2-2000");
        for bad in [
            "https://evil.example/services/data/v67.0/query/01g-500",
            "@127.0.0.1:1/services/data/v67.0/query/01g-500",
            "/services/data/v67.0/sobjects/Account/describe?x-1",
            "/services/data/v67.0/query/../composite",
            "/services/data/v67.0/query/01g-500?x=y",
            "//evil/services/data/v67.0/query/01g-500",
        ] {
            assert!(Locator::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_query_asks_and_does_nothing_else() {
        let before = DateTime::from_timestamp(1_795_219_200, 0).unwrap();
        let which = Which { table: Table::Group, before, fields: Vec::new() };
        let columns = ["Id", "Name"].map(|name| Column::parse(name).unwrap());
        let after = Id::parse("00G5g000000WHe6").unwrap();
        assert_eq!(
            which.rows(&columns, Some(&after)).as_str(),
            "SELECT Id, Name FROM Group WHERE Type = 'Queue' AND (CreatedDate < 2026-11-21T00:00:00Z OR \
             CreatedDate > 2026-11-24T00:00:00Z) AND Id > '00G5g000000WHe6' ORDER BY Id"
        );
        assert_eq!(
            Which { table: Table::Lead, before, fields: Vec::new() }.count().as_str(),
            "SELECT COUNT() FROM Lead WHERE (CreatedDate < 2026-11-21T00:00:00Z OR \
             CreatedDate > 2026-11-24T00:00:00Z)"
        );
    }
}

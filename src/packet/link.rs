//! Links to records in the CRM: the only addresses a packet holds.
//!
//! A link is made of a validated host, a validated path and an id of letters and digits; nothing a
//! record holds can become part of it otherwise.
//! Does not: fetch anything.

use std::collections::BTreeMap;

use crate::boundary::{Object, RecordRef};

/// Where records can be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordLink {
    host: String,
    paths: BTreeMap<Object, (String, String)>,
}

/// Why a link cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The host is not a plain host name.
    #[error("`{0}` is not a host name such as `acme.my.salesforce.com`")]
    Host(String),
    /// The path is not one with a place for the id.
    #[error("`{0}` is not a path such as `/{{id}}` or `/contacts/123/record/0-1/{{id}}`")]
    Path(String),
}

impl RecordLink {
    /// A link by its host (`acme.my.salesforce.com`) and one path per table, in which `{id}` stands for
    /// the record's id (`/{id}`).
    pub fn new<'p>(
        host: &str,
        paths: impl IntoIterator<Item = (Object, &'p str)>,
    ) -> Result<Self, LinkError> {
        let label = |label: &str| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        if host.len() > 253 || !host.contains('.') || !host.split('.').all(label) {
            return Err(LinkError::Host(host.to_owned()));
        }
        let mut checked = BTreeMap::new();
        for (object, path) in paths {
            let (before, after) = path
                .split_once("{id}")
                .filter(|(before, after)| {
                    before.starts_with('/') && is_path(before) && is_path(after)
                })
                .ok_or_else(|| LinkError::Path(path.to_owned()))?;
            checked.insert(object, (before.to_owned(), after.to_owned()));
        }
        Ok(Self { host: host.to_owned(), paths: checked })
    }

    /// The address of a record, where its table has a path and its id is made of letters and digits.
    pub fn to(&self, record: &RecordRef) -> Option<String> {
        let (before, after) = self.paths.get(&record.object)?;
        let is_plain = (1..=64).contains(&record.id.len())
            && record.id.bytes().all(|b| b.is_ascii_alphanumeric());
        is_plain.then(|| format!("https://{}{before}{}{after}", self.host, record.id))
    }
}

fn is_path(part: &str) -> bool {
    !part.contains("//")
        && !part.contains("..")
        && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::record;

    #[test]
    fn a_link_is_made_of_plain_parts_alone() {
        let link = RecordLink::new("acme.my.salesforce.com", [(Object::Lead, "/{id}")]).unwrap();
        let to = |id| link.to(&record(Object::Lead, id));
        assert_eq!(to("00Q5A0001").as_deref(), Some("https://acme.my.salesforce.com/00Q5A0001"));
        for id in ["", "../setup", "1?x=1", "1\"onclick=", "é", &"1".repeat(65)] {
            assert_eq!(to(id), None, "{id}");
        }
        assert_eq!(link.to(&record(Object::Deal, "0061")), None);
    }

    #[test]
    fn hosts_and_paths_that_are_none_are_refused() {
        for host in
            ["", "localhost", "a.b:80", "a@b.c", "A.b", "-a.b", "a..b", "https://a.b", "a.b/"]
        {
            assert!(RecordLink::new(host, [(Object::Lead, "/{id}")]).is_err(), "{host}");
        }
        for path in
            ["", "/", "{id}", "//evil/{id}", "/../{id}", "/{id}?a=\"", "/{id}/{id}", "/ {id}"]
        {
            assert!(RecordLink::new("a.example", [(Object::Lead, path)]).is_err(), "{path}");
        }
    }
}

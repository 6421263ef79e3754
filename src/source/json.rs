//! Answers in JSON: the wanted members of each record, and nothing else of it.
//!
//! A member that nobody asked for is read over, so it is never kept.
//! Does not: know which members a CRM has.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Why the ids of a page are not those of a next page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("record {id} comes again or out of order")]
pub(super) struct NotRising {
    id: u64,
}

/// The last id of a page of records that are asked for in the order of their ids, behind one of them:
/// no page can be skipped, come twice or turn in a circle without an id that does not rise.
pub(super) fn last(behind: u64, ids: impl IntoIterator<Item = u64>) -> Result<u64, NotRising> {
    ids.into_iter()
        .try_fold(behind, |last, id| if id > last { Ok(id) } else { Err(NotRising { id }) })
}

/// A member's value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Member {
    /// The record has no such member.
    #[default]
    Missing,
    /// `null`.
    Null,
    /// Yes or no.
    Flag(bool),
    /// A text, or a number as it is written.
    Text(String),
    /// Several.
    List(Vec<Self>),
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Values)
    }
}

struct Values;

impl<'de> Visitor<'de> for Values {
    type Value = Member;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or a list of values")
    }

    fn visit_unit<E>(self) -> Result<Member, E> {
        Ok(Member::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Member, E> {
        Ok(Member::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Member, E> {
        Ok(Member::Text(number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Member, E> {
        Ok(Member::Text(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Member, E> {
        Ok(Member::Text(number.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Member, E> {
        Ok(Member::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Member, E> {
        Ok(Member::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Member, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Member::List(list))
    }
}

/// Reads an object: the members of these names, in their order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'w>(pub(super) &'w [String]);

impl<'de> DeserializeSeed<'de> for Wanted<'_> {
    type Value = Vec<Member>;

    fn deserialize<D: serde::Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Wanted<'_> {
    type Value = Vec<Member>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = vec![Member::Missing; self.0.len()];
        while let Some(name) = map.next_key::<Name>()? {
            let at = self.0.iter().position(|wanted| *wanted == name.0);
            let Some(member) = at.and_then(|at| members.get_mut(at)) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if *member != Member::Missing {
                return Err(A::Error::custom("a member comes twice"));
            }
            *member = map.next_value()?;
        }
        Ok(members)
    }
}

/// A member's name, however it is escaped.
#[derive(Deserialize)]
struct Name(String);

/// Reads a list, each element the same way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Each<S>(pub(super) S);

impl<'de, S: DeserializeSeed<'de> + Copy> DeserializeSeed<'de> for Each<S> {
    type Value = Vec<S::Value>;

    fn deserialize<D: serde::Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, S: DeserializeSeed<'de> + Copy> Visitor<'de> for Each<S> {
    type Value = Vec<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.0)? {
            list.push(item);
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(answer: &str) -> Result<Vec<Vec<Member>>, String> {
        let wanted = ["id".to_owned(), "name".to_owned()];
        let mut reader = serde_json::Deserializer::from_str(answer);
        Each(Wanted(&wanted)).deserialize(&mut reader).map_err(|error| error.to_string())
    }

    fn text(text: &str) -> Member {
        Member::Text(text.to_owned())
    }

    #[test]
    fn what_nobody_asked_for_is_not_kept() {
        let read = records(
            r#"[{"secret": {"deep": ["x"]}, "id": 7, "name": "Ada"}, {"id": "8"}, {"name": null, "id": false}]"#,
        );
        let expected = vec![
            vec![text("7"), text("Ada")],
            vec![text("8"), Member::Missing],
            vec![Member::Flag(false), Member::Null],
        ];
        assert_eq!(read, Ok(expected));
    }

    #[test]
    fn what_is_not_a_list_of_records_is_refused() {
        for answer in [
            "null",
            "{\"message\": \"no\"}",
            "[7]",
            "[{\"id\": 1, \"id\": 2}]",
            "[{\"id\": {\"deep\": 1}}]",
            "[{\"id\": NaN}]",
            "[{\"id\": 1}, {\"id\": \"2",
            &"[".repeat(200_000),
        ] {
            assert!(records(answer).is_err(), "{answer}");
        }
    }

    #[test]
    fn a_page_that_comes_twice_does_not_rise() {
        assert_eq!(last(3, [7, 8, 90]), Ok(90));
        assert_eq!(last(3, []), Ok(3));
        assert_eq!(last(90, [7, 8, 90]), Err(NotRising { id: 7 }));
        assert_eq!(last(3, [7, 7]), Err(NotRising { id: 7 }));
    }
}

//! The packet's drawings as plain numbers: the trend of the rate, the age of a family's proposals, and how
//! the records of a cluster hang together. Each has its text beside it.
//!
//! Does not: compute a rate, or say anything that the text does not.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::f64::consts::{FRAC_PI_2, TAU};

use serde::Serialize;

use crate::boundary::RecordRef;
use crate::finding::{Evidence, Finding, Likeness, Proposal};
use crate::metrics::{Percent, Week};
use crate::packet::escape::{counted, grouped, value};

/// The trend of the rate.
#[derive(Debug, Serialize)]
pub(super) struct Trend {
    /// What it shows, in a sentence.
    says: String,
    /// How wide it is, and where its grid ends.
    width: String,
    right: String,
    grid: Vec<(String, String)>,
    weeks: Vec<Point>,
    /// The lines between weeks that are decided and comparable.
    lines: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Point {
    x: String,
    /// The day, where there is room for it.
    day: Option<String>,
    /// Whether rules, fields or batch changed: then a mark stands before it.
    breaks: Option<String>,
    /// The interval, from its upper end to its lower.
    interval: (String, String),
    /// What is approved, and that with all that is open.
    range: (String, String),
    decided: bool,
}

impl Trend {
    const LEFT: f64 = 50.0;
    const TOP: f64 = 12.0;
    const BOTTOM: f64 = 140.0;
    /// How wide all weeks are at most, and one.
    const ALL: f64 = 450.0;
    const ONE: f64 = 64.0;
    /// Days that are written below them at most.
    const DAYS: usize = 7;

    /// The trend of some weeks; nothing where there are fewer than two with a rate.
    pub(super) fn of(weeks: &[Week]) -> Option<Self> {
        let rated: Vec<_> =
            weeks.iter().filter_map(|week| Some((week, week.lower()?, week.upper()?))).collect();
        let (first, last) = (rated.first()?, rated.last()?);
        if rated.len() < 2 {
            return None;
        }
        let most = rated.iter().map(|(.., upper)| upper.to).fold(0.02, f64::max);
        let step =
            [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5].into_iter().find(|step| most / step <= 4.0);
        let step = step.unwrap_or(1.0);
        let top = (most / step).ceil() * step;
        let y = |share: f64| Self::BOTTOM - share / top * (Self::BOTTOM - Self::TOP);
        #[expect(clippy::cast_precision_loss, reason = "a handful of weeks")]
        let apart = (Self::ALL / (rated.len() - 1) as f64).min(Self::ONE);
        #[expect(clippy::cast_precision_loss, reason = "a handful of weeks")]
        let x = |at: usize| Self::LEFT + 24.0 + at as f64 * apart;
        let right = x(rated.len() - 1) + 24.0;
        // The last one is always named.
        let every = rated.len().div_ceil(Self::DAYS);
        let is_named = |at: usize| (rated.len() - 1 - at).is_multiple_of(every);
        let points = rated.iter().enumerate().map(|(at, (week, lower, upper))| Point {
            x: tenth(x(at)),
            day: is_named(at).then(|| week.day.format("%-d %b").to_string()),
            breaks: (week.breaks && at > 0).then(|| tenth(x(at) - apart / 2.0)),
            interval: (tenth(y(upper.to)), tenth(y(lower.from))),
            range: (tenth(y(upper.share)), tenth(y(lower.share))),
            decided: week.tally.open == 0,
        });
        let lines = rated.windows(2).enumerate().filter_map(|(at, pair)| {
            let [(one, from, _), (two, to, _)] = pair else { return None };
            let joined =
                !two.breaks && two.is_like(one) && one.tally.open == 0 && two.tally.open == 0;
            joined.then(|| {
                let start = format!("M{} {}", tenth(x(at)), tenth(y(from.share)));
                start + &format!("L{} {}", tenth(x(at + 1)), tenth(y(to.share)))
            })
        });
        let grid =
            (0..).map(|n| f64::from(n) * step).take_while(|share| *share <= top + step / 2.0);
        Some(Self {
            says: format!(
                "Routing exception rate from {} to {}, week by week: {} at first, {} at last. The table below gives every number.",
                first.0.day,
                last.0.day,
                first.0.rate_words(),
                last.0.rate_words(),
            ),
            width: tenth(right + 8.0),
            right: tenth(right),
            grid: grid.map(|share| (tenth(y(share)), Percent(share).to_string())).collect(),
            weeks: points.collect(),
            lines: lines.collect(),
        })
    }
}

/// How old the proposals of a family are.
#[derive(Debug, Serialize)]
pub(super) struct Ages {
    says: String,
    /// The bars one after the other: where each begins, how wide it is, and its shade.
    bars: Vec<(String, String, &'static str)>,
}

impl Ages {
    const WIDTH: f64 = 96.0;

    /// Proposals in their first week, in the second or third, and longer there; `most` fill the width.
    pub(super) fn of(counts: [usize; 3], most: usize) -> Self {
        let [new, some, long] = counts;
        let mut from = 0.0;
        let bars = counts.into_iter().zip(["new", "some", "long"]).map(|(count, shade)| {
            #[expect(clippy::cast_precision_loss, reason = "counts of proposals are small")]
            let width = count as f64 / most.max(1) as f64 * Self::WIDTH;
            let bar = (tenth(from), tenth(width), shade);
            from += width;
            bar
        });
        let bars = bars.filter(|(_, width, _)| width != "0.0").collect();
        let says = format!(
            "{} new, {} in the second or third week, {} longer",
            grouped(new),
            grouped(some),
            grouped(long)
        );
        Self { says, bars }
    }
}

/// How the records of a cluster hang together.
#[derive(Debug, Serialize)]
pub(super) struct Cluster {
    says: String,
    /// What stands below it.
    caption: &'static str,
    nodes: Vec<Node>,
    /// What holds each set together, where the records fall into sets.
    sets: Vec<(Spot, Spot)>,
    links: Vec<Link>,
}

/// A place in a drawing.
type Spot = (String, String);

#[derive(Debug, Serialize)]
struct Node {
    at: Spot,
    /// Where its name stands, and which way it runs from there.
    label: (String, String, &'static str),
    id: String,
    keep: bool,
}

#[derive(Debug, Serialize)]
struct Link {
    from: Spot,
    to: Spot,
    middle: Spot,
    bits: String,
    /// Whether it is all that joins two sets.
    bridge: bool,
}

/// Where the circle of a record stands, and where its name begins or ends.
#[derive(Clone, Copy)]
struct Place {
    at: (f64, f64),
    label: (f64, f64),
    anchor: &'static str,
}

impl Cluster {
    /// More records than this are told, not drawn.
    const MOST: usize = 12;

    /// The cluster of a finding; nothing where fewer than three records are linked, and where the evidence
    /// does not tell how all of them are.
    pub(super) fn of<'f>(finding: &'f Finding) -> Option<Self> {
        let likeness = |evidence: &'f Evidence| match evidence {
            Evidence::Likeness(likeness) => Some(likeness),
            Evidence::Cell(_)
            | Evidence::Normalised { .. }
            | Evidence::Compared { .. }
            | Evidence::Changed(_)
            | Evidence::Policy { .. }
            | Evidence::Figure { .. }
            | Evidence::Trace(_) => None,
        };
        let likenesses: Vec<&Likeness> = finding.evidence().iter().filter_map(likeness).collect();
        let mut records: Vec<&RecordRef> = likenesses.iter().flat_map(|it| &it.pair).collect();
        records.extend(finding.related.iter().chain([&finding.record]));
        records.sort();
        records.dedup();
        if !(3..=Self::MOST).contains(&records.len()) {
            return None;
        }
        let places = match finding.sets.as_slice() {
            [left, right] => beside(left, right),
            [] if is_joined(&records, &likenesses) => around(&records),
            _ => return None,
        };
        let keeps = |record: &RecordRef| matches!(&finding.proposal, Proposal::MergeCandidate { keep, .. } if keep == record);
        let nodes = places.iter().map(|(record, place)| Node {
            at: point(place.at),
            label: (tenth(place.label.0), tenth(place.label.1), place.anchor),
            id: value(&short(&record.id)),
            keep: keeps(record),
        });
        let links = likenesses.iter().filter_map(|it| {
            let [from, to] = it.pair.each_ref().map(|end| places.get(end));
            let ((x, y), (to_x, to_y)) = (from?.at, to?.at);
            Some(Link {
                from: point((x, y)),
                to: point((to_x, to_y)),
                middle: point((f64::midpoint(x, to_x), f64::midpoint(y, to_y) - 3.0)),
                bits: it.score.to_string(),
                bridge: !finding.sets.is_empty(),
            })
        });
        let ends = |set: &Vec<RecordRef>| {
            let end = |record: Option<&RecordRef>| Some(point(places.get(record?)?.at));
            Some((end(set.first())?, end(set.last())?))
        };
        Some(Self {
            says: told(finding, &records, &likenesses),
            caption: if finding.sets.is_empty() {
                "How they hang together, in bits."
            } else {
                "The two sets, and dashed what alone joins them, in bits."
            },
            nodes: nodes.collect(),
            sets: finding.sets.iter().filter_map(ends).collect(),
            links: links.collect(),
        })
    }
}

/// An id as long as there is room for beside a circle; the drawing's words have it whole.
fn short(id: &str) -> Cow<'_, str> {
    const ROOM: usize = 20;
    let letters: Vec<char> = id.chars().collect();
    match (letters.get(..8), letters.get(letters.len().saturating_sub(8)..)) {
        (Some(head), Some(tail)) if letters.len() > ROOM => {
            Cow::Owned(head.iter().chain(&['…']).chain(tail).collect())
        }
        _ => Cow::Borrowed(id),
    }
}

/// The drawing in words.
fn told(finding: &Finding, records: &[&RecordRef], likenesses: &[&Likeness]) -> String {
    let links = likenesses.iter().map(|it| {
        let [one, two] = &it.pair;
        format!("{} and {}: {} bits", value(&one.id), value(&two.id), it.score)
    });
    let links = links.collect::<Vec<_>>().join("; ");
    let set = |set: &Vec<RecordRef>| {
        set.iter().map(|record| value(&record.id)).collect::<Vec<_>>().join(", ")
    };
    let sets = finding.sets.iter().map(set).collect::<Vec<_>>();
    if sets.is_empty() {
        format!("{} and what links them. {links}", counted(records.len(), "record"))
    } else {
        format!("Two sets: {}. What alone joins them: {links}", sets.join("; "))
    }
}

/// True where links lead from each record to every other.
fn is_joined(records: &[&RecordRef], links: &[&Likeness]) -> bool {
    let mut reached: BTreeSet<&RecordRef> = records.first().copied().into_iter().collect();
    // Each round reaches one more, or all that there are to reach.
    for _ in records {
        let next = links.iter().filter(|it| it.pair.iter().any(|end| reached.contains(end)));
        let next: Vec<_> = next.flat_map(|it| &it.pair).collect();
        reached.extend(next);
    }
    reached.len() == records.len()
}

/// Records in a circle, each with its name outside.
fn around<'r>(records: &[&'r RecordRef]) -> BTreeMap<&'r RecordRef, Place> {
    #[expect(clippy::cast_precision_loss, reason = "a dozen records")]
    let angle = |at: usize| TAU * at as f64 / records.len() as f64 - FRAC_PI_2;
    let place =
        |at: usize, far: f64| (200.0 + far * angle(at).cos() * 1.5, 80.0 + far * angle(at).sin());
    let places = records.iter().enumerate().map(|(at, record)| {
        let side = angle(at).cos();
        let anchor = if side > 0.1 {
            "start"
        } else if side < -0.1 {
            "end"
        } else {
            "middle"
        };
        let (x, y) = place(at, 66.0);
        (*record, Place { at: place(at, 56.0), label: (x, y + 3.0), anchor })
    });
    places.collect()
}

/// Two sets beside each other, each with its names outside.
fn beside<'r>(left: &'r [RecordRef], right: &'r [RecordRef]) -> BTreeMap<&'r RecordRef, Place> {
    let sides = [(left, 140.0, 130.0, "end"), (right, 260.0, 270.0, "start")];
    let places = sides.into_iter().flat_map(|(set, x, label, anchor)| {
        set.iter().enumerate().map(move |(at, record)| {
            #[expect(clippy::cast_precision_loss, reason = "a dozen records")]
            let (at, of) = (at as f64, set.len() as f64);
            let apart = (140.0 / of).min(32.0);
            let y = 82.0 + apart * (at - (of - 1.0) / 2.0);
            (record, Place { at: (x, y), label: (label, y + 3.0), anchor })
        })
    });
    places.collect()
}

fn point((x, y): (f64, f64)) -> Spot {
    (tenth(x), tenth(y))
}

/// A length in a drawing.
fn tenth(length: f64) -> String {
    format!("{length:.1}")
}

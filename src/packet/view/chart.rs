//! The packet's drawings as plain numbers: the trend of the rate, the age of a family's proposals, and how
//! the records of a cluster hang together. Each has its text beside it.
//!
//! Does not: compute a rate, or say anything that the text does not.

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
            let joined = !two.breaks && one.tally.open == 0 && two.tally.open == 0;
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
    nodes: Vec<Node>,
    links: Vec<Link>,
}

#[derive(Debug, Serialize)]
struct Node {
    x: String,
    y: String,
    /// Where its name stands, and which way it runs from there.
    label: (String, String, &'static str),
    id: String,
    keep: bool,
}

#[derive(Debug, Serialize)]
struct Link {
    from: (String, String),
    to: (String, String),
    middle: (String, String),
    bits: String,
    /// Whether it is all that joins records which nothing else makes one.
    bridge: bool,
}

impl Cluster {
    /// More records than this are told, not drawn.
    const MOST: usize = 12;

    /// The cluster of a finding; nothing where fewer than three records are linked.
    pub(super) fn of(finding: &Finding) -> Option<Self> {
        let likenesses: Vec<&Likeness> = finding
            .evidence()
            .iter()
            .filter_map(|evidence| match evidence {
                Evidence::Likeness(likeness) => Some(likeness),
                Evidence::Cell(_)
                | Evidence::Normalised { .. }
                | Evidence::Compared { .. }
                | Evidence::Changed(_)
                | Evidence::Policy { .. }
                | Evidence::Figure { .. }
                | Evidence::Trace(_) => None,
            })
            .collect();
        let mut records: Vec<&RecordRef> = likenesses.iter().flat_map(|it| &it.pair).collect();
        records.extend(finding.related.iter().chain([&finding.record]));
        records.sort();
        records.dedup();
        if likenesses.is_empty() || !(3..=Self::MOST).contains(&records.len()) {
            return None;
        }
        let merged = |record: &RecordRef| {
            matches!(
                &finding.proposal,
                Proposal::MergeCandidate { keep, fold, .. } if keep == record || fold.contains(record)
            )
        };
        let keeps = |record: &RecordRef| matches!(&finding.proposal, Proposal::MergeCandidate { keep, .. } if keep == record);
        #[expect(clippy::cast_precision_loss, reason = "a dozen records")]
        let angle = |at: usize| TAU * at as f64 / records.len() as f64 - FRAC_PI_2;
        let place = |at: usize, far: f64| {
            (200.0 + far * angle(at).cos() * 1.5, 80.0 + far * angle(at).sin())
        };
        let nodes = records.iter().enumerate().map(|(at, record)| {
            let ((x, y), (lx, ly)) = (place(at, 56.0), place(at, 66.0));
            let side = angle(at).cos();
            let anchor = if side > 0.1 {
                "start"
            } else if side < -0.1 {
                "end"
            } else {
                "middle"
            };
            Node {
                x: tenth(x),
                y: tenth(y),
                label: (tenth(lx), tenth(ly + 3.0), anchor),
                id: value(&record.id),
                keep: keeps(record),
            }
        });
        let links = likenesses.iter().filter_map(|it| {
            let [from, to] =
                it.pair.each_ref().map(|end| records.iter().position(|one| *one == end));
            let (from, to) = (place(from?, 56.0), place(to?, 56.0));
            Some(Link {
                from: (tenth(from.0), tenth(from.1)),
                to: (tenth(to.0), tenth(to.1)),
                middle: (
                    tenth(f64::midpoint(from.0, to.0)),
                    tenth(f64::midpoint(from.1, to.1) - 3.0),
                ),
                bits: it.score.to_string(),
                bridge: !it.pair.iter().all(&merged),
            })
        });
        let links: Vec<Link> = links.collect();
        let told = likenesses.iter().zip(&links).map(|(it, link)| {
            let [one, two] = &it.pair;
            let bridge = if link.bridge { ", a bridge" } else { "" };
            format!("{} and {}: {} bits{bridge}", value(&one.id), value(&two.id), link.bits)
        });
        Some(Self {
            says: format!(
                "{} and what links them. {}",
                counted(records.len(), "record"),
                told.collect::<Vec<_>>().join("; ")
            ),
            nodes: nodes.collect(),
            links,
        })
    }
}

/// A length in a drawing.
fn tenth(length: f64) -> String {
    format!("{length:.1}")
}

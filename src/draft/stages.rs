//! The stages that exports show, and where they stand on a lifecycle.
//!
//! A stage is known by its flags (closed, won, probability), else by words of its name, in the languages in
//! which CRMs are mostly shown: English, German, French, Spanish, Portuguese, Italian and Dutch.
//! Does not: guess at a name whose words it does not know; such a stage is left for the owner to place.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::boundary::{Batch, Field, Object};
use crate::check::{fold, median, same_stage};
use crate::policy::quoted;

use super::Batches;
use super::infer::{percent, share};
use super::spellings::Spellings;
use super::text::in_comment;

/// A stage as the exports write it, and the figure beside it.
type Stage = (String, String);

/// The stages of one table as the data shows them.
pub(super) struct Ladder {
    pub(super) object: Object,
    pub(super) field: Field,
    pub(super) order: Vec<Stage>,
    lists: Vec<(&'static str, Vec<Stage>)>,
    /// Those whose place no word and no flag tells.
    unplaced: Vec<Stage>,
}

impl Ladder {
    pub(super) fn rank(&self, stage: &str) -> Option<usize> {
        if let Some(rank) = self.order.iter().position(|(known, _)| same_stage(known, stage)) {
            return Some(rank);
        }
        let won = self.lists.iter().find(|(name, _)| *name == "won");
        won.filter(|(_, stages)| stages.iter().any(|(known, _)| same_stage(known, stage)))
            .map(|_| self.order.len())
    }

    /// The stages in which deals are over, folded.
    pub(super) fn ended(&self) -> BTreeSet<String> {
        let lists = self.lists.iter().filter(|(name, _)| ["won", "lost"].contains(name));
        lists.flat_map(|(_, stages)| stages).map(|(stage, _)| fold(stage)).collect()
    }
}

pub(super) fn ladders(batches: &Batches) -> Vec<Ladder> {
    [
        lead_ladder(batches),
        lifecycle_ladder(batches, Object::Contact),
        account_ladder(batches).or_else(|| lifecycle_ladder(batches, Object::Account)),
        deal_ladder(batches),
    ]
    .into_iter()
    .flatten()
    .collect()
}

pub(super) fn holds(value: &str, words: &[&str]) -> bool {
    let value = value.to_lowercase();
    words.iter().any(|word| value.contains(word))
}

/// True when a name has one of these among its words, whatever stands between the words. A `*` behind one
/// stands for the rest of a word, a `*` before it for its beginning: `Renewed` is not `new`.
pub(super) fn says(name: &str, words: &[&str]) -> bool {
    let parts = name.to_lowercase();
    let parts: Vec<&str> = parts.split(|c: char| !c.is_alphanumeric()).collect();
    let name = format!(" {} ", parts.join(" "));
    words.iter().any(|word| {
        let begins = if word.starts_with('*') { "" } else { " " };
        let ends = if word.ends_with('*') { "" } else { " " };
        name.contains(&format!("{begins}{}{ends}", word.trim_matches('*')))
    })
}

/// The first place of a vocabulary of which a stage's name has a word.
fn place(stage: &str, words: &[&[&str]]) -> Option<usize> {
    words.iter().position(|alike| says(stage, alike))
}

fn counted(batch: &Batch, field: &Field) -> Vec<(String, usize)> {
    Spellings::of(batch, field).values()
}

/// No customer any more.
const FORMER: &[&str] = &[
    "former",
    "ex-",
    "ex ",
    "churn",
    "lost",
    "inactive",
    "inaktiv",
    "ehemalig",
    "verlor",
    "ancien",
    "perdu",
    "antigu",
    "perdid",
    "past customer",
    "past client",
    "previous",
    "lapsed",
    "cancel",
    "terminated",
    "gekündigt",
    "gekuendigt",
    "résili",
    "resili",
    "de baja",
    "excliente",
    "voormalig",
    "opgezegd",
];
const CUSTOMER: &[&str] = &["customer", "client", "kunde", "klant"];
/// Somebody who may become a customer, whatever else the name says.
const PROSPECT: &[&str] =
    &["prospect", "prospekt", "interessent", "potenz", "potentiel", "potencial"];

/// What the names of leads' stages say that are out of the funnel: nobody works these leads any more.
const LEAD_CLOSED: &[&str] = &[
    // Not one to sell to.
    "*disqualif*",
    "*unqualif*",
    "not qualified",
    "nicht qualifiz*",
    "non qualifi*",
    "no calific*",
    "no cualific*",
    "descalific*",
    "descartad*",
    "dq",
    "rejected",
    "*abgelehnt*",
    "verworfen",
    "rejeté*",
    "refusé*",
    "rechazad*",
    "not a fit",
    "not a good fit",
    "no fit",
    "bad fit",
    "poor fit",
    "not a match",
    "kein fit",
    "passt nicht",
    "nicht passend",
    "ungeeignet",
    "hors cible",
    "no encaja",
    "no budget",
    "kein budget",
    "pas de budget",
    "sin presupuesto",
    "competitor",
    "wettbewerber",
    "mitbewerber",
    "concurrent",
    "competidor",
    "competencia",
    "out of business",
    "insolven*",
    // No wish to buy, or not now.
    "not interested",
    "no interest",
    "kein interesse",
    "kein bedarf",
    "nicht interessiert",
    "pas intéressé*",
    "non intéressé*",
    "no interesad*",
    "sin interés",
    "bad timing",
    "schlechtes timing",
    "schlechter zeitpunkt",
    "falscher zeitpunkt",
    "ungünstiger zeitpunkt",
    "mauvais moment",
    "mauvais timing",
    "mal momento",
    "no longer",
    "nicht mehr",
    // Nobody who can be reached, or may be.
    "cannot contact",
    "do not call",
    "do not contact",
    "nicht anrufen",
    "nicht kontaktieren",
    "ne pas appeler",
    "ne pas contacter",
    "no llamar",
    "no contactar",
    "opted out",
    "opt out",
    "unsubscribed",
    "abgemeldet",
    "désabonné*",
    "désinscrit*",
    "wrong number",
    "wrong person",
    "wrong contact",
    "bad number",
    "falsche nummer",
    "falsche telefonnummer",
    "falscher kontakt",
    "falscher ansprechpartner",
    "faux numéro",
    "mauvais numéro",
    "número equivocado",
    "número incorrecto",
    "bounced",
    // No lead.
    "spam",
    "junk",
    "fake",
    "basura",
    "indésirable*",
    "bad data",
    "invalid*",
    "ungültig*",
    "inválid*",
    "duplicate*",
    "dublette*",
    "duplikat*",
    "doublon*",
    "duplicad*",
    // Over.
    "dead",
    "tot",
    "mort",
    "lost",
    "*verlor*",
    "perdu*",
    "perdid*",
    "cancel*",
    "annulé*",
    "storniert",
    "abandoned",
    "abandonné*",
    "abandonad*",
    "won",
    "*gewonn*",
    "gagné*",
    "ganad*",
    "*converted",
    "*konvertiert*",
    "umgewandelt",
    "converti*",
    "convertid*",
    "*closed",
    "*geschlossen*",
    "fermé*",
    "clos",
    "cerrad*",
    "archiv*",
    "inaktiv",
    "inactiv*",
];
/// What the names of leads' stages say that are worked, the early ones first.
const LEAD_ORDER: &[&[&str]] = &[
    &[
        "untouched",
        "not contacted",
        "not yet contacted",
        "unworked",
        "new",
        "open",
        "assigned",
        "unassigned",
        "neu*",
        "offen*",
        "nicht kontaktiert",
        "unbearbeitet",
        "zugewiesen",
        "nouveau*",
        "nouvel*",
        "ouvert*",
        "non contacté*",
        "à contacter",
        "nuev*",
        "abiert*",
        "no contactad*",
        "sin contactar",
    ],
    &["prospect*"],
    &["attempt*", "*versuch*", "tentative*", "intento*", "intentad*"],
    &[
        "contacted",
        "working",
        "in progress",
        "in process",
        "connected",
        "*kontaktiert*",
        "in bearbeitung",
        "in arbeit",
        "verbunden",
        "contacté*",
        "connecté*",
        "en cours",
        "contactad*",
        "conectad*",
        "en curso",
        "en proceso",
        "en progreso",
    ],
    &["nurtur*", "recycl*", "in future", "wiedervorlage"],
    &["engaged", "interested", "responded", "replied", "interessiert", "intéressé*", "interesad*"],
    &["mql", "marketing qualified"],
    &["accepted", "sal"],
    &["sql", "sales qualified"],
    &["qualified", "*qualifiz*", "qualifié*", "calific*", "cualific*"],
    &["opportun*", "oportun*"],
];

fn lead_ladder(batches: &Batches) -> Option<Ladder> {
    let batch = batches.get(Object::Lead)?;
    let field = batches.field(Object::Lead, "status").filter(|field| batch.has(field))?;
    let stages = counted(batch, &field);
    if stages.is_empty() || stages.len() > 40 {
        return None;
    }
    let total = batch.len();
    let said = |n: usize| format!("{n} leads, {}", percent(n, total));
    let (mut open, mut closed, mut unplaced) = (Vec::new(), Vec::new(), Vec::new());
    // The most frequent first: so they stay where several stand in one place.
    for (stage, n) in stages {
        let (is_closed, place) = (says(&stage, LEAD_CLOSED), place(&stage, LEAD_ORDER));
        let stage = (stage, said(n));
        match place {
            _ if is_closed => closed.push(stage),
            Some(place) => open.push((place, stage)),
            None => unplaced.push(stage),
        }
    }
    open.sort_by_key(|(place, _)| *place);
    let order = open.into_iter().map(|(_, stage)| stage).collect();
    let lists = vec![("closed", closed)];
    Some(Ladder { object: Object::Lead, field, order, lists, unplaced })
}

/// Where a person or a company stands in HubSpot's lifecycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Lifecycle {
    Subscriber,
    Lead,
    MarketingQualified,
    SalesQualified,
    Opportunity,
    Customer,
    Evangelist,
    /// Out of the funnel.
    Out,
}

impl Lifecycle {
    /// By the internal name of a stage or its label; the longer names hold the shorter ones.
    fn of(stage: &str) -> Option<Self> {
        const QUALIFIED: &[&str] = &["qualif", "calific", "kwalific"];
        const SALES: &[&str] =
            &["sales", "vertrieb", "vente", "venta", "vendas", "vendit", "verkoop"];
        let is = |words| holds(stage, words);
        if is(FORMER) || is(&["disqualif", "unqualif"]) {
            Some(Self::Out)
        } else if is(&["mql"]) || is(QUALIFIED) && is(&["marketing"]) {
            Some(Self::MarketingQualified)
        } else if is(&["sql"]) || is(QUALIFIED) && is(SALES) {
            Some(Self::SalesQualified)
        } else if is(&["opportun", "oportun", "verkaufschance", "verkoopkans"]) {
            Some(Self::Opportunity)
        } else if is(PROSPECT) {
            None
        } else if is(CUSTOMER) {
            Some(Self::Customer)
        } else if is(&["evangeli", "promoteur", "promoter"]) {
            Some(Self::Evangelist)
        } else if is(&["lead"]) {
            Some(Self::Lead)
        } else if is(&["subscriber", "abonn", "suscri", "assinante", "iscritt"]) {
            Some(Self::Subscriber)
        } else {
            const OTHER: [&str; 8] =
                ["other", "sonstige", "sonstiges", "andere", "autre", "otro", "outro", "altro"];
            OTHER.contains(&stage.to_lowercase().as_str()).then_some(Self::Out)
        }
    }
}

fn lifecycle_ladder(batches: &Batches, object: Object) -> Option<Ladder> {
    let batch = batches.get(object)?;
    let field = batches.field(object, "lifecycle").filter(|field| batch.has(field))?;
    let total = batch.len();
    let mut placed: Vec<(Lifecycle, Stage)> = Vec::new();
    let mut unplaced = Vec::new();
    for (stage, n) in counted(batch, &field) {
        let said = format!("{n} {}, {}", object.plural(), percent(n, total));
        match Lifecycle::of(&stage) {
            Some(place) => placed.push((place, (stage, said))),
            None => unplaced.push((stage, said)),
        }
    }
    placed.sort_by_key(|(place, _)| *place);
    let at = |fits: fn(Lifecycle) -> bool| -> Vec<Stage> {
        placed.iter().filter(|(place, _)| fits(*place)).map(|(_, stage)| stage.clone()).collect()
    };
    let order = at(|place| place < Lifecycle::Out);
    let lists = vec![
        ("closed", at(|place| place == Lifecycle::Out)),
        ("customer", at(|place| matches!(place, Lifecycle::Customer | Lifecycle::Evangelist))),
        ("opportunity", at(|place| place == Lifecycle::Opportunity)),
    ];
    (!order.is_empty()).then_some(Ladder { object, field, order, lists, unplaced })
}

/// The types of accounts that the exports show, by what their words say; each with its figure.
pub(super) struct AccountTypes {
    field: Field,
    all: Vec<Stage>,
}

impl AccountTypes {
    pub(super) fn of(batches: &Batches) -> Option<Self> {
        let batch = batches.get(Object::Account)?;
        let field = batches.field(Object::Account, "type").filter(|field| batch.has(field))?;
        let said = |n: usize| format!("{n} accounts, {}", percent(n, batch.len()));
        let all = counted(batch, &field).into_iter().map(|(kind, n)| (kind, said(n))).collect();
        Some(Self { field, all })
    }

    fn with(&self, words: &[&str], but: &[&[&str]]) -> Vec<Stage> {
        let is = |kind: &str| holds(kind, words) && !but.iter().any(|but| holds(kind, but));
        self.all.iter().filter(|(kind, _)| is(kind)).cloned().collect()
    }

    fn prospects(&self) -> Vec<Stage> {
        self.with(PROSPECT, &[FORMER])
    }

    fn customers(&self) -> Vec<Stage> {
        self.with(CUSTOMER, &[FORMER, PROSPECT])
    }

    /// Those that somebody works.
    fn worked(&self) -> Vec<Stage> {
        self.customers().into_iter().chain(self.prospects()).collect()
    }

    /// A rules file with the lists of types that it ships as these exports write them. A list of which
    /// they show nothing stays as it is.
    pub(super) fn in_rules(&self, shipped: &str) -> String {
        const PARTNER: &[&str] = &["partner", "partenaire", "socio"];
        const RESELLER: &[&str] = &["resell", "wiederverk", "händler", "revend", "rivendit"];
        const AGENCY: &[&str] = &["agency", "agentur", "agence", "agencia", "invest"];
        let others = [FORMER, PROSPECT, CUSTOMER];
        let buy_for_others = self.with(&[PARTNER, RESELLER].concat(), &others);
        let write_for_others = self.with(&[PARTNER, AGENCY].concat(), &others);
        [
            ("active_account_types", self.worked()),
            ("not_for_types", buy_for_others),
            ("agency_types", write_for_others),
        ]
        .into_iter()
        .filter(|(_, types)| !types.is_empty())
        .fold(shipped.to_owned(), |text, (key, types)| with_list(&text, key, &types))
    }
}

/// A rules file in which every list of a name holds these, one a line with its figure. What the shipped
/// line says of itself stays beside its name.
fn with_list(text: &str, key: &str, items: &[Stage]) -> String {
    let items = items.iter().fold(String::new(), |lines, (item, figure)| {
        lines + &format!("  {},  # {figure}\n", quoted(item))
    });
    let begins = format!("{key} = [");
    text.split_inclusive('\n')
        .map(|line| match line.strip_prefix(&begins).and_then(|rest| rest.split_once(']')) {
            Some((_, said)) => format!("{begins}{}\n{items}]\n", said.trim_end()),
            None => line.to_owned(),
        })
        .collect()
}

fn account_ladder(batches: &Batches) -> Option<Ladder> {
    let types = AccountTypes::of(batches)?;
    let (prospects, customers) = (types.prospects(), types.customers());
    if prospects.is_empty() || customers.is_empty() {
        return None;
    }
    let order = prospects.into_iter().chain(customers.iter().cloned()).collect();
    let lists = vec![("customer", customers), ("closed", types.with(FORMER, &[]))];
    let field = types.field;
    Some(Ladder { object: Object::Account, field, order, lists, unplaced: Vec::new() })
}

/// What the names of deals' stages say, the early ones first.
const DEAL_ORDER: &[&[&str]] = &[
    &[
        // Where the status is what is known of a deal.
        "open",
        "offen*",
        "ouvert*",
        "abiert*",
        "aberto",
        "prospect*",
        "new",
        "intro",
        "erstgespräch*",
        "erstkontakt*",
        "introduction",
        "appointment*",
        "funnel",
        "*termin",
        "termine",
        "terminiert",
        "rendez vous",
        "cita",
    ],
    &["qualif*", "*qualifiz*", "discovery", "calific*"],
    &[
        "*analysis",
        "*analyse",
        "assessment*",
        "demo*",
        "presentation*",
        "*präsentation*",
        "présent*",
        "presentaci*",
    ],
    &[
        "value*",
        "decision maker*",
        "entscheidungsträger*",
        "décideur*",
        "decisor*",
        "de decisiones",
    ],
    &["proposal*", "quote*", "*angebot*", "devis", "propuesta*", "proposta*"],
    &["negotiat*", "*review", "upside", "*verhandlung*", "négociation*", "negocia*"],
    &["decision*", "expected", "*entscheidung*"],
    &["commit*", "contract*", "procurement", "verbal*", "*vertrag*", "contrat*"],
];
const WON: &[&str] = &[
    "won",
    "*gewonn*",
    "gagné*",
    "ganad*",
    "ganh*",
    "vinto",
    "vinta",
    // A contract that goes on is won again.
    "renewed",
    "extended",
    "verlängert",
    "renouvelé*",
    "reconduit*",
    "renovad*",
    "rinnovat*",
    "verlengd",
];
const LOST: &[&str] = &[
    "lost",
    "*verlor*",
    "perdu*",
    "perdid*",
    // A contract that ended.
    "churned",
    "cancelled",
    "canceled",
    "terminated",
    "gekündigt",
    "storniert",
    "abgewandert",
    "résilié*",
    "annulé*",
    "cancelad*",
    "rescindid*",
    "annullat*",
    "disdett*",
    "opgezegd",
    "geannuleerd",
    "abgelehnt",
    "disqualif*",
    "unqualified",
];
const CLOSED: &[&str] = &["closed", "geschlossen*", "fermé*", "cerrad*", "fechad*", "chius*"];
const NOT: &[&str] = &["not", "never", "non", "nicht", "kein*", "no", "não", "niet", "geen", "pas"];
/// What is still to come has not happened.
const YET: &[&str] = &["to be", "being", "wird", "werden", "pending", "offen*", "open"];

/// The fields beside the stage that tell how deals stand.
struct Signs {
    closed: Option<Field>,
    won: Option<Field>,
    probability: Option<Field>,
}

/// What the deals in one stage look like.
#[derive(Default)]
struct StageFigures {
    n: usize,
    closed: usize,
    won: usize,
    probabilities: Vec<f64>,
}

impl StageFigures {
    /// How likely these deals are to be won.
    fn probability(&self) -> Option<f64> {
        median(self.probabilities.iter().copied())
    }
}

/// How the deals in a stage ended.
#[derive(Clone, Copy)]
enum Ended {
    Won,
    Lost,
}

/// How deals ended by the name of their stage; nothing where it does not say that they did.
fn ended_by_name(stage: &str) -> Option<Ended> {
    let is = |words| says(stage, words);
    if is(CLOSED) || !is(YET) && (is(WON) || is(LOST)) {
        Some(if is(WON) && !is(LOST) && !is(NOT) { Ended::Won } else { Ended::Lost })
    } else {
        None
    }
}

impl Signs {
    /// What the deals in each stage look like.
    fn figures(&self, batch: &Batch, stage: &Field) -> BTreeMap<String, StageFigures> {
        let spellings = Spellings::of(batch, stage);
        let mut stages: BTreeMap<String, StageFigures> = BTreeMap::new();
        for row in batch.rows() {
            let Some(stage) = row.text(stage) else { continue };
            let figures = stages.entry(spellings.usual(stage).to_owned()).or_default();
            let flag = |field: &Option<Field>| {
                field.as_ref().and_then(|field| row.flag(field)) == Some(true)
            };
            let probability = self.probability.as_ref().and_then(|field| row.number(field));
            figures.n += 1;
            figures.closed += usize::from(flag(&self.closed));
            figures.won += usize::from(flag(&self.won));
            figures.probabilities.extend(probability);
        }
        stages
    }

    /// How the deals in a stage ended: by their fields, or else by its name; nothing where they did not.
    fn ended(&self, stage: &str, figures: &StageFigures) -> Option<Ended> {
        let ended = ended_by_name(stage);
        let won = share(figures.won, figures.n);
        let is_over = if self.closed.is_some() {
            share(figures.closed, figures.n) >= 0.9
        } else {
            self.won.is_some() && won >= 0.9 || ended.is_some()
        };
        let by_name = ended.unwrap_or(Ended::Lost);
        let by_flag = if won >= 0.5 { Ended::Won } else { Ended::Lost };
        is_over.then_some(if self.won.is_some() { by_flag } else { by_name })
    }

    /// Where the deals of a stage that did not end stand, the early ones first; nothing where neither a
    /// probability nor a word tells.
    fn stands(&self, stage: &str, figures: &StageFigures) -> Option<(f64, usize)> {
        let word = place(stage, DEAL_ORDER);
        let Some(median) = figures.probability() else { return Some((-1.0, word?)) };
        // Deals that are surely won or lost, where no column tells, may be over: `Renewed`.
        let is_underway = 0.0 < median && median < 100.0 && (median - 1.0).abs() > f64::EPSILON;
        (self.closed.is_some() || word.is_some() || is_underway)
            .then_some((median, word.unwrap_or(DEAL_ORDER.len())))
    }
}

pub(super) fn deal_ladder(batches: &Batches) -> Option<Ladder> {
    let batch = batches.get(Object::Deal)?;
    let named = |name: &str| batches.field(Object::Deal, name).filter(|field| batch.has(field));
    let field = named("stage")?;
    let signs =
        Signs { closed: named("closed"), won: named("won"), probability: named("probability") };
    let stages = signs.figures(batch, &field);
    if stages.is_empty() || stages.len() > 60 {
        return None;
    }
    let (mut order, mut won, mut lost, mut unplaced) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (stage, figures) in stages {
        let mut said = format!("{} deals", figures.n);
        if signs.closed.is_some() {
            let _ = write!(said, ", {} closed", percent(figures.closed, figures.n));
        }
        match signs.ended(&stage, &figures) {
            Some(Ended::Won) => won.push((stage, said)),
            Some(Ended::Lost) => lost.push((stage, said)),
            None => {
                if let Some(median) = figures.probability() {
                    let _ = write!(said, ", median probability {median}");
                }
                match signs.stands(&stage, &figures) {
                    Some(place) => order.push((place, (stage, said))),
                    None => unplaced.push((stage, said)),
                }
            }
        }
    }
    order.sort_by(|((likely, word), (stage, _)), ((other, place), (next, _))| {
        likely.total_cmp(other).then_with(|| (word, stage).cmp(&(place, next)))
    });
    let order: Vec<_> = order.into_iter().map(|(_, stage)| stage).collect();
    let lists = vec![("won", won), ("lost", lost)];
    let tells = !order.is_empty() || lists.iter().any(|(_, stages)| !stages.is_empty());
    tells.then_some(Ladder { object: Object::Deal, field, order, lists, unplaced })
}

/// The ladders as `rules/lifecycle.toml` writes them. One of which no stage is known to be open is no ladder
/// yet: it is a comment.
pub(super) fn lifecycle(ladders: &[Ladder]) -> String {
    let mut toml = String::new();
    for ladder in ladders {
        let lines = lines(ladder);
        if ladder.order.is_empty() {
            toml += "# Which of these stages are open is not known: list them in `order`, and take the marks out.\n";
            toml.extend(lines.lines().map(|line| format!("# {line}\n")));
        } else {
            toml += &lines;
        }
        toml.push('\n');
    }
    toml
}

fn lines(ladder: &Ladder) -> String {
    let mut toml = format!("[{}]\nfield = \"{}\"\n", ladder.object, ladder.field.name());
    let order = [("order", &ladder.order)];
    let lists = ladder.lists.iter().map(|(name, stages)| (*name, stages));
    for (name, stages) in order.into_iter().chain(lists).filter(|(_, stages)| !stages.is_empty()) {
        let _ = writeln!(toml, "{name} = [");
        for (stage, figure) in stages {
            let _ = writeln!(toml, "  {},  # {figure}", quoted(stage));
        }
        toml += "]\n";
    }
    if !ladder.unplaced.is_empty() {
        toml += "# Where these stand is not known; until they are in ";
        toml += if ladder.object == Object::Deal {
            "`order`, `won` or `lost`, only a flag beside the stage says whether such a deal is open:\n"
        } else {
            "`order` or `closed`, they count as open work:\n"
        };
        for (stage, figure) in &ladder.unplaced {
            let _ = writeln!(toml, "#   {},  # {figure}", in_comment(&quoted(stage)));
        }
    }
    toml
}

//! The packet: complete, escaped, self-contained, and the same bytes twice.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;

use chrono::NaiveDate;
use crm_review::boundary::{Admission, Batch, Boundary, Cell, Object, RecordRef, Shown};
use crm_review::check::{
    About, AsOf, CheckDef, Family, Groups, Judgement, NotLooked, Off, Outcome, Policies, Report,
};
use crm_review::finding::{
    Assignee, Evidence, Finding, FindingId, Likeness, Proposal, Reach, Severity, Tried,
};
use crm_review::gate::Profile;
use crm_review::packet::{
    self, Answers, Completeness, Count, Input, LeftOut, PacketError, Pattern, Proposals,
    RecordLink, Review, RulesFile, Since, Standing, State, findings_lines,
};
use crm_review::policy::{Document, Log};

use crm_review::review::Shape;

use crate::fixture::{self, admit};
use crate::schema::Schema;

const BOUNDARY: &str = r#"
[lead.fields]
id          = { from = "Id",           why = "Names the record in evidence." }
owner       = { from = "OwnerId",      why = "Finds records that nobody active works." }
company     = { from = "Company",      why = "Finds the same company twice.", kind = "address" }
email       = { from = "Email",        why = "Finds the same person twice.", show = "masked" }
phone       = { from = "Phone",        why = "Finds the same person twice.", show = "never" }
country     = { from = "Country",      why = "Routing rules read it." }
lead_source = { from = "LeadSource",   why = "Compared with the first campaign." }
status      = { from = "Status",       why = "Only open leads are routed." }
last_activity = { from = "LastActivityDate", why = "Shows whether somebody works the lead." }
segment     = { from = "Segment__c",   why = "Routing rules read it." }
[account.fields]
id      = { from = "Id",           why = "Names the record in evidence." }
name    = { from = "Name",         why = "Finds the same company twice." }
domain  = { from = "Domain__c",    why = "Finds the same company twice." }
street  = { from = "BillingStreet", why = "Finds the same company twice." }
phone   = { from = "Phone",        why = "Finds the same company twice.", show = "never" }
[user.fields]
id          = { from = "Id",       why = "Names the owner." }
name        = { from = "Name",     why = "Names the owner for the reviewer." }
active      = { from = "IsActive", why = "Finds records that nobody active works." }
deactivated = { from = "DeactivatedDate", why = "Says since when." }
[blocked]
names = ["*strategy*"]
"#;

const LEADS: &str = "\
Id,OwnerId,Company,Email,Phone,Country,LeadSource,Status,LastActivityDate,Segment__c,Notes__c,Utm_Term
00Q5A00001,0055A00007,Kestrel Logistics,dana@kestrel.example,+1 617 555 0142,US,Web,Working,2026-01-09,SMB,CANARY-NOTE-1,spring
00Q5A00002,0055A00001,شركة النور للطاقة,noor@alnoor.example,+971 4 555 0100,AE,,Working,2026-02-20,,CANARY-NOTE-2,
00Q5A00003,0055A00001,Aurora Foods,li@aurora.example,+44 20 5550 199,GB,Trade Show,Open,2026-02-27,Enterprise,CANARY-NOTE-3,x
";

const ACCOUNTS: &str = "\
Id,Name,Domain__c,BillingStreet,Phone,DealStrategy__c
0015A000Qm3,Meridian Health Partners,meridianhealth.example,200 Harbor St,6175550142,CANARY-STRATEGY
0015A000TkX,\"Meridian Health Partners, Inc.\",meridianhealth.example,\"200 Harbor Street, Suite 4\",6175550142,x
";

const USERS: &str = "\
Id,Name,IsActive,DeactivatedDate
0055A00001,Ann Ng,true,
0055A00007,Dana Whitfield,false,2026-01-19
";

fn never_loaded(
    _: &mut crm_review::boundary::Grant<'_>,
    _: &Policies,
) -> Result<crm_review::check::Judge, Off> {
    Err(Off::NoPolicy { file: "owners.toml", write: "the check's section" })
}

fn render(review: &Review<'_>) -> Result<String, PacketError> {
    packet::render(review, &Proposals::of(review)?, NonZeroUsize::MIN)
}

fn summary(review: &Review<'_>) -> String {
    packet::summary(review, &Proposals::of(review).unwrap())
}

const fn check(
    code: &'static str,
    name: &'static str,
    family: Family,
    severity: Severity,
    summary: &'static str,
    consequence: &'static str,
) -> CheckDef {
    let is_of_equals = matches!(family, Family::Duplicates);
    let about = if is_of_equals { About::Equals } else { About::OneRecord };
    CheckDef { code, name, family, severity, about, summary, consequence, load: never_loaded }
}

static DUPLICATE: CheckDef = check(
    "DUP-01",
    "duplicate-account",
    Family::Duplicates,
    Severity::Medium,
    "Two accounts agree in name, domain or street by more than the match weight in the rules.",
    "Two people sell to one company, and its pipeline is counted twice.",
);
static INACTIVE: CheckDef = check(
    "OWN-01",
    "inactive-owner",
    Family::Owners,
    Severity::High,
    "The owner is deactivated and the record is open.",
    "A customer waits for somebody who left.",
);
static FORECAST: CheckDef = check(
    "OWN-11",
    "inactive-forecast-owner",
    Family::Owners,
    Severity::High,
    "A deal that closes this quarter belongs to a deactivated owner.",
    "The forecast counts a deal nobody works.",
);
static SKIPPED_STAGE: CheckDef = check(
    "LIF-01",
    "stage-without-date",
    Family::Lifecycle,
    Severity::Medium,
    "The stage says Working and no activity is on record since it was set.",
    "Conversion reports count work that was not done.",
);
static MISROUTED: CheckDef = check(
    "RTE-01",
    "wrong-owner",
    Family::Routing,
    Severity::High,
    "The first routing rule that matches names another owner.",
    "The lead waits in the wrong territory.",
);
static BLANK: CheckDef = check(
    "REQ-01",
    "blank-required",
    Family::Required,
    Severity::Low,
    "A field that the stage requires is blank.",
    "The next step has to ask the customer again.",
);
static SOURCE: CheckDef = check(
    "SRC-01",
    "weak-source",
    Family::LeadSource,
    Severity::Low,
    "The source is blank or says nothing while a campaign response is on record.",
    "The campaign is not credited.",
);
static STALE: CheckDef = check(
    "OWN-07",
    "stale-owner",
    Family::Owners,
    Severity::Medium,
    "Nothing happened for longer than the rules allow.",
    "The customer hears nothing.",
);
static BROKEN: CheckDef = check(
    "SOR-04",
    "billing-disagrees",
    Family::SystemOfRecord,
    Severity::High,
    "The billing status differs from the billing system.",
    "An invoice goes to the wrong place.",
);

/// What a review borrows from.
struct Example {
    boundary: Boundary,
    leads: Batch,
    accounts: Batch,
    users: Batch,
    admissions: Vec<Admission>,
    standings: BTreeMap<FindingId, Standing<'static>>,
    since: Since,
    groups: Groups,
    patterns: Vec<Pattern>,
}

fn example() -> Example {
    with_leads(LEADS)
}

fn with_leads(leads: &str) -> Example {
    let log = Log::default();
    let document = Document::parse("rules/boundary.toml", BOUNDARY, &log);
    let boundary = Boundary::parse(&document, &log);
    let boundary = log.finish(boundary).unwrap_or_else(|problems| panic!("{problems}"));
    let mut admissions = Vec::new();
    let mut batch = |object, file: &str, text: &str| {
        let reads: BTreeSet<_> =
            boundary.fields(object).filter(|field| field.name() != "segment").cloned().collect();
        let (batch, said) = admit(&boundary, object, file, text, &reads, chrono_tz::UTC);
        admissions.extend(said);
        batch
    };
    let leads = batch(Object::Lead, "leads.csv", leads);
    let accounts = batch(Object::Account, "accounts.csv", ACCOUNTS);
    let users = batch(Object::User, "users.csv", USERS);
    Example {
        boundary,
        leads,
        accounts,
        users,
        admissions,
        standings: BTreeMap::new(),
        since: Since::default(),
        groups: Groups::default(),
        patterns: Vec::new(),
    }
}

impl Example {
    fn cell(&self, batch: &Batch, id: &str, field: &str) -> Cell {
        batch.find(id).unwrap().cell(&self.boundary.field(batch.object(), field).unwrap())
    }

    fn lead(&self, id: &str, field: &str) -> Cell {
        self.cell(&self.leads, id, field)
    }

    fn account(&self, id: &str, field: &str) -> Cell {
        self.cell(&self.accounts, id, field)
    }

    fn user(&self, id: &str, field: &str) -> Cell {
        self.cell(&self.users, id, field)
    }

    fn reports(&self) -> Vec<Report> {
        vec![
            ran(&DUPLICATE, vec![self.duplicate()]),
            ran(&INACTIVE, vec![self.inactive("00Q5A00001")]),
            ran(&STALE, vec![]),
            ran(&FORECAST, vec![self.escalated()]),
            partly(
                &SKIPPED_STAGE,
                vec![self.stage()],
                "deals: `deal.stage` is not in rules/boundary.toml",
            ),
            ran(&MISROUTED, vec![self.misrouted()]),
            ran(&BLANK, vec![self.incomplete()]),
            ran(&SOURCE, vec![self.source()]),
            Report {
                check: &STALE,
                reads: BTreeSet::new(),
                outcome: Outcome::NotApplicable(Off::NoPolicy {
                    file: "owners.toml",
                    write: "write [stale-owner] with after_days",
                }),
            },
            Report { check: &BROKEN, reads: BTreeSet::new(), outcome: Outcome::Broken },
        ]
    }

    fn duplicate(&self) -> Finding {
        let (keep, fold) = ("0015A000Qm3", "0015A000TkX");
        let of = |id: &str| RecordRef { object: Object::Account, id: id.into() };
        let compared = |field: &str, level: &str| Evidence::Compared {
            left: self.account(keep, field),
            right: self.account(fold, field),
            level: level.to_owned(),
        };
        let proposal = Proposal::MergeCandidate {
            keep: of(keep),
            fold: vec![of(fold)],
            because: "it is older and has the open deals".to_owned(),
        };
        let headline =
            "Meridian Health Partners and Meridian Health Partners, Inc. look like one company";
        Finding::about(of(keep), headline, compared("name", "same but for the legal form, +5.4 bits"), proposal)
            .because(compared("domain", "same, +8.9 bits"))
            .because(compared("street", "close, +2.1 bits"))
            .because(compared("phone", "same, +6.3 bits"))
            .because(Evidence::Figure { of: "match weight".to_owned(), is: "+12.8 bits".to_owned() })
            .because(policy("rules/duplicates.toml", 14, "report_above_bits = 6"))
            .with(of(fold))
            .unless("the second record was created by billing 11 days after the first: it may be a legal entity of its own")
            .unless("both have open deals, owned by different teams")
    }

    fn inactive(&self, id: &str) -> Finding {
        let record = RecordRef { object: Object::Lead, id: id.into() };
        let proposal = Proposal::SetOwner {
            before: self.lead(id, "owner"),
            to: Assignee { id: "0055A00001".to_owned(), name: "Ann Ng".to_owned() },
        };
        let headline =
            "Owner Dana Whitfield was deactivated 41 days ago and the lead is still open (Working)";
        Finding::about(record, headline, Evidence::Cell(self.lead(id, "owner")), proposal)
            .because(Evidence::Cell(self.lead(id, "status")))
            .because(Evidence::Cell(self.user("0055A00007", "active")))
            .because(Evidence::Cell(self.user("0055A00007", "deactivated")))
            .because(Evidence::Cell(self.lead(id, "email")))
            .because(Evidence::Cell(self.lead(id, "phone")))
            .because(policy("rules/owners.toml", 31, "handover: 0055A00007 → 0055A00001"))
            .unless("the last activity on the lead is 10 days older than the deactivation: somebody may work it without logging")
    }

    fn escalated(&self) -> Finding {
        let record = RecordRef { object: Object::Deal, id: "0065A00009".into() };
        let proposal =
            Proposal::ReturnToQueue { before: self.lead("00Q5A00001", "owner"), queue: None };
        Finding::about(
            record,
            "The deal closes in 12 days and its owner was deactivated 41 days ago",
            Evidence::Cell(self.user("0055A00007", "active")),
            proposal,
        )
        .because(Evidence::Figure { of: "days to the close date".to_owned(), is: "12".to_owned() })
        .unless("the manager logged in yesterday and may be working it")
        .reaching(Reach::Forecast)
        .reaching(Reach::Compensation)
    }

    fn stage(&self) -> Finding {
        let id = "00Q5A00002";
        let record = RecordRef { object: Object::Lead, id: id.into() };
        let proposal = Proposal::CorrectLifecycle {
            before: self.lead(id, "status"),
            to: Some("Open".to_owned()),
        };
        let headline =
            format!("{} is in Working and nothing was done", self.lead(id, "company").shown());
        Finding::about(record, headline, Evidence::Cell(self.lead(id, "status")), proposal)
            .because(Evidence::Cell(self.lead(id, "company")))
            .because(Evidence::Cell(self.lead(id, "last_activity")))
            .because(Evidence::Normalised {
                from: self.lead(id, "country"),
                step: "by the list of countries",
                to: Shown::Value("United Arab Emirates".to_owned()),
            })
            .unless("the call may have been logged on the contact")
    }

    fn misrouted(&self) -> Finding {
        let id = "00Q5A00003";
        let record = RecordRef { object: Object::Lead, id: id.into() };
        let proposal = Proposal::ReturnToQueue {
            before: self.lead(id, "owner"),
            queue: Some(Assignee {
                id: "00G5A00002".to_owned(),
                name: "EMEA Enterprise".to_owned(),
            }),
        };
        let tried = |rule: &str, line: usize, matched, because: &str| Tried {
            rule: rule.to_owned(),
            place: format!("rules/routing.toml:{line}"),
            rules: 1,
            matched,
            because: because.to_owned(),
        };
        Finding::about(
            record,
            "Routing sends the lead to EMEA Enterprise and it belongs to Ann Ng",
            Evidence::Cell(self.lead(id, "country")),
            proposal,
        )
        .because(Evidence::Trace(vec![
            tried("named-accounts", 8, false, "account is blank"),
            tried("us-smb", 15, false, "country is GB, not US"),
            tried("emea-enterprise", 22, true, "country is GB and segment is Enterprise"),
        ]))
        .unless("the owner was set by hand 3 days after routing")
    }

    fn incomplete(&self) -> Finding {
        let id = "00Q5A00002";
        let record = RecordRef { object: Object::Lead, id: id.into() };
        let proposal = Proposal::FillField {
            before: self.lead(id, "lead_source"),
            ask: "the owner, Ann Ng".to_owned(),
        };
        Finding::about(
            record,
            "Lead source is blank in stage Working",
            Evidence::Cell(self.lead(id, "lead_source")),
            proposal,
        )
        .because(policy("rules/required.toml", 0, "lead_source from Working on"))
        .unless("it was imported; the import may not have carried the field")
        .lacking("lead.segment is blank")
    }

    fn source(&self) -> Finding {
        let id = "00Q5A00001";
        let record = RecordRef { object: Object::Lead, id: id.into() };
        let proposal = Proposal::CorrectSource {
            before: self.lead(id, "lead_source"),
            to: Some("Webinar".to_owned()),
        };
        Finding::about(
            record,
            "The source says Web and the first response was to a webinar",
            Evidence::Cell(self.lead(id, "lead_source")),
            proposal,
        )
        .unless("the response was recorded 2 hours after the form")
    }
}

fn policy(file: &str, line: usize, says: &str) -> Evidence {
    Evidence::Policy { file: file.to_owned(), line, says: says.to_owned() }
}

fn ran(check: &'static CheckDef, findings: Vec<Finding>) -> Report {
    let judgement = Judgement { examined: 1_482, findings, ..Judgement::default() };
    Report { check, reads: BTreeSet::new(), outcome: Outcome::Ran(judgement) }
}

fn partly(check: &'static CheckDef, findings: Vec<Finding>, why: &str) -> Report {
    let not_looked = vec![NotLooked::nothing(why)];
    let judgement = Judgement { examined: 612, findings, not_looked, ..Judgement::default() };
    Report { check, reads: BTreeSet::new(), outcome: Outcome::Ran(judgement) }
}

/// Every flagged record is under review.
static NONE: BTreeSet<RecordRef> = BTreeSet::new();

fn review<'a>(example: &'a Example, reports: &'a [Report]) -> Review<'a> {
    let paths = [(Object::Lead, "/{id}"), (Object::Account, "/{id}"), (Object::Deal, "/{id}")];
    Review {
        organisation: "Larkfield Systems",
        run: "2026-03-01-4f1c9a",
        event: None,
        folder: "runs/2026-03-01",
        file: "packet.html",
        slice: None,
        mask: None,
        as_of: AsOf::new(NaiveDate::from_ymd_opt(2026, 3, 1).unwrap(), chrono_tz::Europe::Berlin),
        program: "crm-review 0.1.0",
        command: "crm-review run --as-of 2026-03-01",
        crm: "Salesforce",
        complete: Completeness::Complete,
        wide: &[],
        notes: &[],
        rule_change: None,
        batch: "Leads, accounts and deals created or changed from 2026-02-22 to 2026-02-28",
        counts: vec![
            Count { object: Object::Lead, admitted: 4_120, reviewed: 612 },
            Count { object: Object::Account, admitted: 2_950, reviewed: 870 },
            Count { object: Object::User, admitted: 48, reviewed: 0 },
        ],
        beside: &NONE,
        inputs: vec![
            input(
                "leads.csv",
                Object::Lead,
                4_127,
                4_120,
                vec![(88, "4 columns where the header has 12")],
            ),
            input("accounts.csv", Object::Account, 2_950, 2_950, vec![]),
            input("users.csv", Object::User, 48, 48, vec![]),
        ],
        admissions: &example.admissions,
        boundary: &example.boundary,
        reports,
        standings: &example.standings,
        since: &example.since,
        demoted: &[],
        groups: &example.groups,
        patterns: &example.patterns,
        weeks: &[],
        left_out: LeftOut::default(),
        rules: ["boundary.toml", "owners.toml", "routing.toml"]
            .map(|file| RulesFile { file: file.to_owned(), sha256: "5f".repeat(32) })
            .into(),
        approver: "Mara Okafor",
        backup: Some("Li Wei"),
        answers: Answers {
            deciders: vec!["Mara Okafor", "Li Wei"],
            escalate_to: vec!["finance", "other"],
            answer_by: NaiveDate::from_ymd_opt(2026, 3, 15).unwrap(),
            mass_owner_changes: 10,
            profile: Profile::Plain,
        },
        ledger_len: 1_204,
        ledger_head: "836ff1842b60a1d29be1d5ae6f1d40e4cbb9e8a4b7cc4cb4c1d2b6b1b9f1ce0a",
        redefined_since: None,
        record_link: Some(RecordLink::new("larkfield.my.salesforce.com", paths).unwrap()),
    }
}

fn input(
    file: &str,
    object: Object,
    read: usize,
    admitted: usize,
    problems: Vec<(u64, &str)>,
) -> Input {
    Input {
        file: file.to_owned(),
        object,
        sha256: "9d3c78a87e15".repeat(5) + "0a1b",
        bytes: 1_204_233,
        form: "UTF-8, comma".to_owned(),
        newest: None,
        rows_read: read,
        rows_admitted: admitted,
        rows_set_aside: read - admitted,
        blank: 2,
        footer: 0,
        more: (read - admitted).saturating_sub(problems.len()),
        problems: problems.into_iter().map(|(line, why)| (line, why.to_owned())).collect(),
    }
}

/// One start tag: its name and its attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Reads tags as a browser's tokenizer does for documents whose attributes are all double-quoted;
/// panics on anything else. The text between the tags is handed back with its references unresolved.
fn tags(html: &str) -> (Vec<Tag>, String) {
    let (mut tags, mut text) = (Vec::new(), String::new());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        text += &rest[..at];
        text.push('\n');
        rest = &rest[at + 1..];
        if let Some(tail) = rest.strip_prefix('!') {
            assert!(tail.starts_with("DOCTYPE html>"), "a comment or declaration: {tail:.60}");
            rest = &tail["DOCTYPE html>".len()..];
            continue;
        }
        let name_end = rest.find([' ', '>', '/', '\n']).unwrap_or(rest.len());
        let (name, mut tail) = match rest.strip_prefix('/') {
            Some(close) => {
                let end = close.find('>').unwrap();
                (format!("/{}", &close[..end]), &close[end..])
            }
            None => (rest[..name_end].to_owned(), &rest[name_end..]),
        };
        assert!(
            name.trim_start_matches('/').chars().all(|c| c.is_ascii_alphanumeric()),
            "`<` outside a tag: {rest:.60}"
        );
        let mut attributes = Vec::new();
        loop {
            tail = tail.trim_start();
            if let Some(after) = tail.strip_prefix("/>").or_else(|| tail.strip_prefix('>')) {
                rest = after;
                break;
            }
            let end = tail.find(['=', ' ', '>']).unwrap();
            let key = tail[..end].to_owned();
            assert!(
                key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'),
                "attribute `{key}`"
            );
            tail = &tail[end..];
            let value = if let Some(quoted) = tail.strip_prefix("=\"") {
                let close = quoted.find('"').unwrap();
                tail = &quoted[close + 1..];
                quoted[..close].to_owned()
            } else {
                assert!(!tail.starts_with('='), "an attribute without quotes: {key}");
                String::new()
            };
            attributes.push((key, value));
        }
        if ["style", "script"].contains(&name.as_str()) {
            let close = rest.find(&format!("</{name}>")).unwrap();
            rest = &rest[close..];
        }
        tags.push(Tag { name, attributes });
    }
    (tags, text + rest)
}

/// Tags and attribute names, without what depends on the letters of a text by design: the isolation of
/// right-to-left runs, and names in backticks as code.
fn shape(html: &str) -> Vec<String> {
    let shape = tags(html)
        .0
        .into_iter()
        .filter(|tag| !tag.name.ends_with("bdi") && !tag.name.ends_with("code"))
        .map(|tag| {
            let keys: Vec<_> = tag.attributes.into_iter().map(|(key, _)| key).collect();
            format!("{} {}", tag.name, keys.join(" "))
        });
    shape.collect()
}

/// One finding per shape of proposal, in which every text is the given one.
fn saying(text: &str, cell: &Cell) -> Vec<Finding> {
    // An id with a blank in it has no link.
    let record = |id: &str| RecordRef { object: Object::Lead, id: format!(" {id}").into() };
    let to = || Assignee { id: text.to_owned(), name: text.to_owned() };
    let before = || cell.clone();
    let proposals = [
        Proposal::MergeCandidate {
            keep: record(text),
            fold: vec![record(text)],
            because: text.to_owned(),
        },
        Proposal::SetOwner { before: before(), to: to() },
        Proposal::ReturnToQueue { before: before(), queue: Some(to()) },
        Proposal::SetField { before: before(), to: Shown::Value(text.to_owned()) },
        Proposal::FillField { before: before(), ask: text.to_owned() },
        Proposal::CorrectSource { before: before(), to: Some(text.to_owned()) },
        Proposal::ReviewRecord { question: text.to_owned() },
    ];
    let finding = |proposal| {
        Finding::about(record(text), text, Evidence::Cell(cell.clone()), proposal)
            .because(Evidence::Normalised {
                from: cell.clone(),
                step: "folded",
                to: Shown::Value(text.to_owned()),
            })
            .because(Evidence::Compared {
                left: cell.clone(),
                right: cell.clone(),
                level: text.to_owned(),
            })
            .because(Evidence::Likeness(Likeness::new(
                [record(text), record(text)],
                [(text.to_owned(), Vec::new(), text.to_owned(), 3.5)],
            )))
            .because(policy(text, 3, text))
            .because(Evidence::Figure { of: text.to_owned(), is: text.to_owned() })
            .because(Evidence::Trace(vec![Tried {
                rule: text.to_owned(),
                place: text.to_owned(),
                rules: 1,
                matched: true,
                because: text.to_owned(),
            }]))
            .with(RecordRef { object: Object::Account, id: format!(" {text}2").into() })
            .unless(text)
            .lacking(text)
    };
    proposals.into_iter().map(finding).collect()
}

/// A review in which every text that could come from outside is the given one.
fn everywhere(text: &str) -> Option<String> {
    let mut leads = csv::Writer::from_writer(Vec::new());
    let cut: String = text.chars().take(120).collect();
    leads.write_record(["Id", "OwnerId", "Company", &format!("note {text}")]).ok()?;
    leads.write_record(["00Q1", "0051", &cut, ""]).ok()?;
    let example = with_leads(&String::from_utf8(leads.into_inner().ok()?).ok()?);
    let cell = example.lead("00Q1", "company");
    if !matches!(cell.shown(), Shown::Value(_)) {
        return None;
    }
    let reports = [
        partly(&INACTIVE, saying(text, &cell), text),
        Report {
            check: &STALE,
            reads: BTreeSet::new(),
            outcome: Outcome::NotApplicable(Off::NoInput(text.to_owned())),
        },
    ];
    let mut inputs = vec![input(text, Object::Lead, 2, 1, vec![(3, text)])];
    text.clone_into(&mut inputs[0].form);
    let review = Review {
        organisation: text,
        run: text,
        event: Some(text),
        folder: text,
        program: text,
        command: text,
        crm: text,
        complete: Completeness::Incomplete(vec![text.to_owned()]),
        batch: text,
        inputs,
        rules: vec![RulesFile { file: text.to_owned(), sha256: text.to_owned() }],
        approver: text,
        backup: Some(text),
        ledger_head: text,
        answers: Answers {
            deciders: vec![text],
            escalate_to: vec![text],
            answer_by: NaiveDate::default(),
            mass_owner_changes: 10,
            profile: Profile::Operator,
        },
        ..review(&example, &reports)
    };
    assert!(findings_lines(&review).unwrap().lines().all(|line| line.starts_with("{\"id\":\"F-")));
    assert!(summary(&review).lines().all(|line| !line.contains(|c: char| c.is_control())));
    Some(render(&review).unwrap())
}

const HOSTILE: &[&str] = &[
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "\"><script>alert(1)</script>",
    "'><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "--><script>alert(1)</script><!--",
    "<!--<script>",
    "]]><script>alert(1)</script>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version=\"1.0\"?>",
    "<img src=x onerror=alert(1)>",
    "<img src=\"https://evil.example/p.gif\">",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<math><mtext></mtext><mglyph><style><img src=x onerror=alert(1)>",
    "<iframe src=javascript:alert(1)>",
    "<object data=data:text/html,<script>alert(1)</script>>",
    "<embed src=javascript:alert(1)>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<base href=https://evil.example/>",
    "<meta http-equiv=refresh content=\"0;url=https://evil.example/\">",
    "<form action=https://evil.example/><input name=q></form>",
    "<button formaction=javascript:alert(1)>x",
    "<details open ontoggle=alert(1)>",
    "</details></article></main></body></html>",
    "<a href=\"javascript:alert(1)\">x</a>",
    "<a href=\" &#106;avascript:alert(1)\">x</a>",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "\" onmouseover=\"alert(1)",
    "' onmouseover='alert(1)",
    "` onmouseover=`alert(1)",
    " onmouseover=alert(1) x=",
    "\" style=\"background:url(https://evil.example)",
    "\"autofocus onfocus=alert(1)//",
    "{{ 7 * 7 }}",
    "{{ style | safe }}",
    "{% include \"packet.html\" %}",
    "{# comment #}",
    "${alert(1)}",
    "<%= 7 * 7 %>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)",
    "&#x3c;img src=x onerror=alert(1)&#x3e;",
    "&quot;&gt;&lt;b&gt;",
    "\\\"><script>alert(1)</script>",
    "\\u003cscript\\u003e",
    "<scr\u{0}ipt>alert(1)</scr\u{0}ipt>",
    "<script\u{c}>alert(1)</script>",
    "\u{feff}<script>alert(1)</script>",
    "＜script＞alert(1)＜/script＞",
    "invoice\u{202e}fdp.exe",
    "\u{2066}admin\u{2069}\u{200b}\u{200d}",
    "a\u{2028}b\u{2029}c\u{85}d",
    "\u{1b}[31mred\u{1b}]8;;https://evil.example\u{7}",
    "line one\r\nline two\ttab",
    "\u{e0041}\u{e0042}\u{e007f}",
    "Z\u{351}\u{36b}a\u{343}l\u{36a}g\u{302}o",
    "=HYPERLINK(\"https://evil.example\")",
    "'; DROP TABLE leads; --",
    "../../../etc/passwd",
    "שלום <b>עולם</b> שלום",
    "jaVasCript:/*-/*`/*\\`/*'/*\"/**/(/* */oNcliCk=alert() )//%0D%0A</stYle/</titLe/--!>\\x3csVg/oNloAd=alert()//>",
];

/// Those for browsers, and some that fit many places at once; one a line.
const MORE: [&str; 3] = [
    include_str!("../browser/polyglots.txt"),
    include_str!("../browser/vectors/markup.txt"),
    include_str!("../browser/vectors/unseen.txt"),
];

#[test]
fn hostile_text_changes_nothing_but_text() {
    let benign = shape(&everywhere("Ann Ng").unwrap());
    let long_benign = shape(&everywhere(&"Ann Ng ".repeat(40)).unwrap());
    let more = MORE.iter().flat_map(|file| file.lines()).filter(|line| !line.starts_with("##"));
    for text in HOSTILE.iter().copied().chain(more) {
        let html = everywhere(text).unwrap_or_else(|| panic!("{text:?} was not admitted"));
        // A cell is cut at 120 characters, so that a longer text stands beside another one.
        let long = text.chars().count() > 120;
        assert!(shape(&html) == if long { &long_benign } else { &benign }[..], "{text:?}");
        assert!(!html.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
        assert!(!html.contains(['\u{202e}', '\u{200b}', '\u{2066}', '\u{feff}']), "{text:?}");
    }
}

#[test]
fn hostile_text_changes_nothing_but_text_in_a_long_packet_either() {
    let example = example();
    let cell = example.lead("00Q5A00001", "company");
    let page = |texts: &[&str]| {
        // The order of the lines must not depend on the texts.
        let findings = (0..320).flat_map(|n| saying(texts[n % texts.len()], &cell));
        let findings = findings.enumerate().map(|(n, mut finding)| {
            finding.record.id = format!("00Q{n:05}").into();
            finding
        });
        render(&review(&example, &[ran(&INACTIVE, findings.collect())])).unwrap()
    };
    let html = page(HOSTILE);
    assert!(html.contains("<article class=\"l\""));
    assert!(shape(&html) == shape(&page(&["Ann Ng"])));
}

#[test]
fn records_that_are_not_under_review_are_counted_apart() {
    let example = example();
    let reports = example.reports();
    let flagged: BTreeSet<_> = reports
        .iter()
        .filter_map(Report::judgement)
        .flat_map(|it| &it.findings)
        .collect::<Vec<_>>()
        .into_iter()
        .map(|finding| finding.record.clone())
        .collect();
    let beside = flagged.into_iter().take(2).collect();
    let review = Review { beside: &beside, ..review(&example, &reports) };
    let says = "7 proposals on 3 of 1,482 records under review and on 2 others; 5,588 more served as reference";
    assert!(render(&review).unwrap().contains(says));
    assert!(summary(&review).replace('\n', " ").contains(says), "{}", summary(&review));
}

#[test]
fn every_proposal_is_complete_on_the_page() {
    let example = example();
    let reports = example.reports();
    let html = render(&review(&example, &reports)).unwrap();
    let (tags, text) = tags(&html);
    let count = |name: &str| tags.iter().filter(|tag| tag.name == name).count();
    assert_eq!(count("article"), 7);
    for says in [
        "Nothing here has been applied.",
        "7 proposals on 5 of 1,482 records under review; 5,588 more served as reference, as of 1 March 2026.",
        "Why this may be wrong",
        "the manager logged in yesterday and may be working it",
        "Held: ",
        "a merge cannot be undone in most CRMs",
        "Escalate only: ",
        "Evidence incomplete, so it cannot be approved.",
        "lead.segment is blank",
        "not applied",
        "3 rules tried; emea-enterprise took the record",
        "there is no rules/owners.toml; ",
        " is not in rules/boundary.toml",
        "it failed; its findings are missing",
        "4 columns where the header has 12",
        "Notes__c",
        "DealStrategy__c",
        "Segment__c",
        "Utm_Term",
        "none",
        "crm-review run --as-of 2026-03-01",
        "End of packet, 7 proposals.",
    ] {
        assert!(text.contains(says), "{says}");
    }
    assert!(!text.contains("This packet is incomplete."));
    // Nothing to approve where evidence is missing or only an escalation is possible.
    let boxes = |word: &str| text.lines().filter(|line| *line == word).count();
    assert_eq!((boxes("Approve"), boxes("Reject"), boxes("Escalate")), (5, 7, 7));
}

#[test]
fn ids_are_unique_and_every_link_leads_somewhere() {
    let example = example();
    let mut reports = example.reports();
    // One fault reported twice has one id; the page still tells the two apart.
    reports.push(ran(&INACTIVE, vec![example.inactive("00Q5A00001")]));
    let (tags, _) = tags(&render(&review(&example, &reports)).unwrap());
    let mut ids = BTreeSet::new();
    for id in tags.iter().filter_map(|tag| tag.attribute("id")) {
        assert!(ids.insert(id), "{id} stands twice");
    }
    for tag in &tags {
        for name in ["href", "aria-labelledby"] {
            let Some(value) = tag.attribute(name) else { continue };
            if let Some(id) = value.strip_prefix('#').or((name != "href").then_some(value)) {
                assert!(ids.contains(id), "{id}");
            } else {
                assert!(value.starts_with("https://larkfield.my.salesforce.com/"), "{value}");
                assert_eq!(tag.attribute("rel"), Some("noreferrer noopener"));
            }
        }
    }
}

#[test]
fn proposals_on_one_record_name_each_other() {
    let example = example();
    let mut of_folded = example.inactive("00Q5A00001");
    of_folded.record = RecordRef { object: Object::Account, id: "0015A000TkX".into() };
    let owner = example.inactive("00Q5A00001").id("OWN-01");
    let (source, folded) = (example.source().id("SRC-01"), of_folded.id("OWN-01"));
    let (merge, route) = (example.duplicate().id("DUP-01"), example.misrouted().id("RTE-01"));
    let mut reports = example.reports();
    reports.push(ran(&INACTIVE, vec![of_folded]));
    let html = render(&review(&example, &reports)).unwrap();
    let card = |id: &FindingId| {
        let start = html.find(&format!("<article class=\"card\" id=\"{id}\"")).unwrap();
        let card = &html[start..];
        &card[..card.find("</article>").unwrap()]
    };
    for (one, words, other, code) in [
        (&owner, "record", &source, "SRC-01"),
        (&source, "record", &owner, "OWN-01"),
        // A merge is about the record that it folds away, too.
        (&merge, "records", &folded, "OWN-01"),
        (&folded, "record", &merge, "DUP-01"),
    ] {
        let link = format!("<a class=\"id\" href=\"#{other}\">{other}</a> {code}");
        let says = format!("On the same {words}: {link}</p>");
        assert!(card(one).contains(&says), "{says}\n{}", card(one));
    }
    assert!(!card(&route).contains("On the same"));
}

#[test]
fn nothing_is_loaded_and_only_the_packets_own_script_runs() {
    let example = example();
    let reports = example.reports();
    let html = render(&review(&example, &reports)).unwrap();
    for never in ["<link", "<img", "<iframe", "src=", "@import", "url(", "style=\""] {
        assert!(!html.contains(never), "{never}");
    }
    assert_eq!(html.matches("<script").count(), 1);
    let script = html.split_once("<script>").unwrap().1;
    // Before the cards, which are many, and the only one.
    let (script, _) = script.split_once("</script>\n<main>").unwrap();
    for part in fs::read_dir("templates/script").unwrap() {
        let part = fs::read_to_string(part.unwrap().path()).unwrap();
        assert_eq!(script.matches(&part).count(), 1);
    }
    for never in [
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "document.write",
        "eval",
        "Function",
        "import(",
        "fetch",
        "XMLHttp",
        "WebSocket",
        "sendBeacon",
        "EventSource",
        "Worker",
        "window.open",
        "://",
        ".on",
    ] {
        assert!(!script.contains(never), "{never}");
    }
    let (tags, text) = tags(&html);
    for tag in &tags {
        for (key, value) in &tag.attributes {
            assert!(!key.starts_with("on"), "{key}");
            assert!(!value.contains("://") || key == "href", "{key}=\"{value}\"");
        }
    }
    assert!(!text.contains("://"));
}

#[test]
fn the_policy_names_the_style_and_the_script_that_are_there() {
    let example = example();
    let html = render(&review(&example, &[])).unwrap();
    let [style, script] = ["style", "script"].map(|name| {
        let open = html.split_once(&format!("<{name}>")).unwrap().1;
        let text = open.split_once(&format!("</{name}>")).unwrap().0;
        base64(&<sha2::Sha256 as sha2::Digest>::digest(text))
    });
    let expect = format!(
        "default-src &#39;none&#39;; style-src &#39;sha256-{style}&#39;; script-src &#39;sha256-{script}&#39;; \
         img-src data:; base-uri &#39;none&#39;; form-action &#39;none&#39;; \
         require-trusted-types-for &#39;script&#39;; trusted-types &#39;none&#39;"
    );
    let (tags, _) = tags(&html);
    let policy = tags.iter().find(|tag| tag.attribute("http-equiv").is_some()).unwrap();
    assert_eq!(policy.attribute("content"), Some(expect.as_str()));
}

/// Bit by bit, to be sure that the packet's own is right.
fn base64(bytes: &[u8]) -> String {
    let bits = bytes.iter().fold(String::new(), |bits, byte| format!("{bits}{byte:08b}"));
    let digits: String = bits
        .as_bytes()
        .chunks(6)
        .map(|six| {
            let six = format!("{:0<6}", std::str::from_utf8(six).unwrap());
            let n = u8::from_str_radix(&six, 2).unwrap();
            char::from(match n {
                0..26 => b'A' + n,
                26..52 => b'a' + n - 26,
                52..62 => b'0' + n - 52,
                62 => b'+',
                _ => b'/',
            })
        })
        .collect();
    format!("{digits:=<width$}", width = digits.len().next_multiple_of(4))
}

#[test]
fn values_that_may_not_be_shown_are_nowhere() {
    let example = example();
    let reports = example.reports();
    let review = review(&example, &reports);
    for output in [render(&review).unwrap(), findings_lines(&review).unwrap(), summary(&review)] {
        for never in ["555 0142", "5550142", "dana@kestrel", "CANARY"] {
            assert!(!output.contains(never), "{never}");
        }
    }
    assert!(render(&review).unwrap().contains("d…@kestrel.example"));
}

#[test]
fn the_same_review_gives_the_same_bytes() {
    let once = || {
        let example = example();
        let reports = example.reports();
        let review = review(&example, &reports);
        (render(&review).unwrap(), findings_lines(&review).unwrap(), summary(&review))
    };
    assert!(once() == once());
}

#[test]
fn an_incomplete_packet_says_what_is_missing() {
    let example = example();
    let what = "accounts.csv ends in the middle of a row".to_owned();
    let review = Review { complete: Completeness::Incomplete(vec![what]), ..review(&example, &[]) };
    for output in [render(&review).unwrap(), summary(&review)] {
        assert!(output.to_lowercase().contains("incomplete"));
        assert!(output.contains("accounts.csv ends in the middle of a row"));
    }
}

#[test]
fn the_summary_names_ids_and_no_values() {
    let example = example();
    let reports = example.reports();
    let text = summary(&review(&example, &reports));
    assert!(text.lines().all(|line| line.chars().count() <= 78), "{text}");
    for says in ["7 proposals on 5 of 1,482", "OWN-01", "lead 00Q5A00001", "Broken: SOR-04"] {
        assert!(text.contains(says), "{says} is not in\n{text}");
    }
    for never in ["Meridian", "Kestrel", "Dana", "Ann", "Okafor", "Webinar", "Working"] {
        assert!(!text.contains(never), "{never}");
    }
}

#[test]
fn what_to_read_first_is_complete_and_of_many_rules() {
    let about = |id: &str| {
        let record = RecordRef { object: Object::Lead, id: id.into() };
        let fact = Evidence::Figure { of: "leads".to_owned(), is: "1".to_owned() };
        let question = "Who takes it?".to_owned();
        Finding::about(record, "It has no owner", fact, Proposal::ReviewRecord { question })
    };
    let example = example();
    let incomplete = about("A").lacking("lead.status is blank");
    let reports = [
        ran(&INACTIVE, vec![incomplete, about("B"), about("C"), about("D"), about("E")]),
        ran(&MISROUTED, vec![about("F"), about("G")]),
        ran(&BLANK, vec![about("H")]),
    ];
    let review = review(&example, &reports);
    let summary = summary(&review);
    let first = summary.lines().skip_while(|line| *line != "Read these first:").skip(1);
    let first: Vec<&str> = first.take(8).filter_map(|line| line.split(' ').next_back()).collect();
    assert_eq!(first.concat(), "BFCGDEAH");
    let page = render(&review).unwrap();
    let order = [("B", &INACTIVE), ("F", &MISROUTED), ("C", &INACTIVE), ("G", &MISROUTED)];
    let at = order.map(|(id, check)| page.find(about(id).id(check.code).as_str()).unwrap());
    assert!(at.is_sorted(), "{at:?}");
}

#[test]
fn a_line_of_findings_carries_the_whole_finding() {
    let mut example = example();
    let id = example.incomplete().id("REQ-01");
    example.standings.insert(id.clone(), Standing::undecided(State::Recurring(3)));
    let reports = example.reports();
    let lines = findings_lines(&review(&example, &reports)).unwrap();
    Schema::of(Shape::Findings).check_lines(&lines);
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 7);
    let merge = &lines[0];
    assert_eq!(merge["held"], "held");
    assert_eq!(merge["proposal"]["fold"][0], "0015A000TkX");
    assert_eq!(merge["evidence"][3]["left"]["shown"], "never");
    assert!(merge["evidence"][3]["left"]["value"].is_null());
    let blank = lines.iter().find(|line| line["id"] == id.as_str()).unwrap();
    assert_eq!(blank["sufficient"], false);
    assert_eq!(blank["state"], "recurring");
    assert_eq!(blank["proposal"]["field"], "lead_source");
    assert!(blank["proposal"]["before"].is_null());
}

#[test]
fn a_question_has_nothing_to_approve() {
    let example = example();
    let mut finding = example.source();
    let question = "Did the webinar bring this lead?".to_owned();
    finding.proposal = Proposal::ReviewRecord { question };
    let boxes = |finding: Finding| {
        let reports = [ran(&SOURCE, vec![finding])];
        let (_, text) = tags(&render(&review(&example, &reports)).unwrap());
        let count = |word: &str| text.lines().filter(|line| *line == word).count();
        (count("Approve"), count("Look into it"), count("Reject"), text.contains("not applied"))
    };
    assert_eq!(boxes(finding.clone()), (0, 1, 1, false));
    let open = finding.clone().lacking("lead.company is blank");
    assert_eq!(boxes(open), (0, 1, 1, false));
    assert_eq!(boxes(finding.escalate_only("it touches a forecast")), (0, 0, 1, false));
}

/// Many leads, each with one proposal.
fn many(example: &Example, n: usize) -> Vec<Report> {
    let findings = (0..n).map(|at| {
        let mut finding = example.inactive("00Q5A00001");
        finding.record.id = format!("00Q5A{at:06}").into();
        finding.unless("an activity was logged 3 days ago by somebody else on the account")
    });
    vec![ran(&INACTIVE, findings.collect())]
}

#[test]
fn ten_thousand_proposals_fit_in_one_file() {
    let example = example();
    let reports = many(&example, 10_000);
    let html = render(&review(&example, &reports)).unwrap();
    assert!(html.len() < 15_000_000, "{} bytes", html.len());
    let (tags, text) = tags(&html);
    assert_eq!(tags.iter().filter(|tag| tag.attribute("class") == Some("l")).count(), 10_000);
    assert!(text.contains("End of packet, 10,000 proposals."));
}

#[test]
fn long_values_are_bounded() {
    let example = example();
    let mut finding = example.inactive("00Q5A00001");
    finding.headline = "x".repeat(5_000_000);
    let reports = [ran(&INACTIVE, vec![finding])];
    let html = render(&review(&example, &reports)).unwrap();
    assert!(html.len() < 200_000, "{} bytes", html.len());
    assert!(html.contains("… (+4,998,976 more characters)"));
}

/// The packet of one of the checks' fixtures: what real checks say, shown.
fn packet_of(folder: &Path, findings: &Schema) -> String {
    let judged = fixture::judged(folder);
    let mut example = example();
    (example.boundary, example.admissions) = (judged.boundary, judged.admissions);
    let review = Review { as_of: fixture::today(), ..review(&example, &judged.reports) };
    findings.check_lines(&findings_lines(&review).unwrap());
    assert!(summary(&review).lines().all(|line| line.chars().count() <= 78));
    render(&review).unwrap()
}

#[test]
fn what_every_check_says_can_be_shown() {
    let findings = Schema::of(Shape::Findings);
    for folder in fixture::folders() {
        let html = packet_of(&folder, &findings);
        let (tags, text) = tags(&html);
        let ids: Vec<_> = tags.iter().filter_map(|tag| tag.attribute("id")).collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{folder:?}");
        assert!(text.contains("End of packet, "));
    }
}

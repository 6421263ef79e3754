//! Deciding in the packet, in a real browser: what is exported is what `decide` takes.
//!
//! Where Chromium is not installed the test says so, loudly, and ends: nothing was looked at.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::decisions::{Filled, approve, confirm, reject};
use crate::job::{DAY, Job, word};

/// What the browser is called.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// The browser's name here, if there is one.
fn browser() -> Option<&'static str> {
    let found = NAMES.into_iter().find(|name| {
        let mut command = Command::new(name);
        command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    });
    if found.is_none() {
        // Written past the harness, which keeps what a passing test prints.
        let line = "!".repeat(80);
        let _ = writeln!(
            std::io::stderr(),
            "{line}\nNOT TESTED IN A BROWSER: no Chromium is installed (Debian: apt-get install chromium).\n{line}"
        );
    }
    found
}

/// The page after it ran, as the browser writes it.
fn seen(browser: &str, home: &Path, page: &Path) -> String {
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", home.join("browser").display()))
        .args(["--virtual-time-budget=5000", "--dump-dom"])
        .arg(format!("file://{}", page.display()))
        .stderr(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// What a reviewer's hands do, after the packet's own script; ends with what was exported in a `<pre>`.
fn acted(packet: &str, acts: &str) -> String {
    // The policy admits the packet's script alone, so that a test's needs another one.
    let from = packet.find("<meta http-equiv=\"Content-Security-Policy\"").unwrap();
    let to = from + packet[from..].find('>').unwrap() + 1;
    let (head, rest) = (&packet[..from], &packet[to..]);
    let (body, tail) = rest.split_once("</body>").unwrap();
    format!("{head}{body}<script>{HANDS}{acts}</script></body>{tail}")
}

const HANDS: &str = r"
const card = (rule, record) => [...document.querySelectorAll('[data-facts]')].find(card =>
  card.querySelector('.k').textContent.includes(rule) && card.querySelector('.meta').textContent.includes(record));
const press = (at, text) => [...at.querySelectorAll('button')].find(one => one.firstChild.textContent === text).click();
const type = (at, css, value) => {
  const field = at.querySelector(css);
  field.value = value;
  field.dispatchEvent(new Event(field.matches('select') ? 'change' : 'input', { bubbles: true }));
  field.dispatchEvent(new Event('input', { bubbles: true }));
};
const bar = document.querySelector('.bar');
const show = (id, text) => {
  const pre = document.createElement('pre');
  pre.id = id;
  pre.textContent = text;
  document.body.append(pre);
};
// What is read and written goes past the disk, which does not keep the browser's virtual time.
URL.createObjectURL = () => '#';
window.Blob = class extends Blob {
  constructor(parts, options) {
    super(parts, options);
    show('exported', parts.join(''));
  }
};
";

/// The week's packet, acted upon and written by the browser.
fn decided(browser: &str, job: &Job, acts: &str) -> String {
    let packet = job.text(&format!("runs/{DAY}/packet.html"));
    job.put("acted.html", &acted(&packet, acts));
    seen(browser, job.home(), &job.path("acted.html"))
}

/// The text of an element that the test wrote.
fn pre(page: &str, id: &str) -> String {
    let open = format!("<pre id=\"{id}\">");
    let (_, rest) = page.split_once(&open).unwrap_or_else(|| panic!("no {id} in\n{page:.3000}"));
    let text = rest.split_once("</pre>").unwrap().0;
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", "\u{a0}").replace("&amp;", "&")
}

#[test]
fn what_is_decided_in_the_packet_is_what_decide_takes() {
    let Some(browser) = browser() else { return };
    let job = Job::weekly();
    job.run(&[]).ends(0);
    let acts = r"
show('before', document.querySelectorAll('[aria-pressed=true], [data-decided]').length);
const held = card('DUP-01', '00Q1'), owner = card('OWN-01', '00Q3'), none = card('OWN-02', '00Q4');
const approve = [...held.querySelectorAll('button')][0];
show('disabled', approve.disabled);
approve.click();
show('refused', held.dataset.decided || 'nothing');
held.querySelector('.tick input').click();
press(held, 'Approve');
press(owner, 'Reject');
show('open', bar.querySelector('.count').textContent);
type(owner, 'select', 'other');
type(owner, 'textarea', 'Agreed <b>by phone</b> & in writing');
press(none, 'Escalate');
type(none, 'select', 'finance');
type(none, 'input[type=date]', '2026-03-12');
show('count', bar.querySelector('.count').textContent);
press(bar, 'Export');
show('nobody', bar.querySelector('.wrong').textContent);
type(bar, 'select', 'Dana Reyes');
press(bar, 'Export');
";
    let page = decided(browser, &job, acts);
    assert_eq!(pre(&page, "before"), "0");
    assert_eq!((pre(&page, "disabled"), pre(&page, "refused")), ("true".into(), "nothing".into()));
    assert_eq!(pre(&page, "open"), "1 of 3 decided, 1 not complete");
    assert_eq!(pre(&page, "count"), "3 of 3 decided");
    assert_eq!(pre(&page, "nobody"), "Choose who decides, then export.");
    let exported = pre(&page, "exported");
    let file: Value = serde_json::from_str(&exported).unwrap();
    assert_eq!(word(&file["approver"]), "Dana Reyes");
    job.put("week.json", &exported);
    let said = job.call(&["decide", "week.json"]).ends(0);
    assert!(
        said.out.starts_with("week.json: 1 approved, 1 rejected, 1 escalated; 0 still undecided\n"),
        "{}",
        said.out
    );
    let ledger = job.text("ledger.jsonl");
    for says in ["Agreed <b>by phone</b> & in writing", "2026-03-12", "finance"] {
        assert!(ledger.contains(says), "{says}");
    }
}

#[test]
fn a_draft_waits_for_the_next_visit_and_undo_and_keys_act() {
    let Some(browser) = browser() else { return };
    let job = Job::weekly();
    job.run(&[]).ends(0);
    let first = r"
const key = name => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: name, bubbles: true }));
key('j');
show('first', document.activeElement.id === document.querySelector('[data-facts]').id);
card('OWN-01', '00Q3').focus();
key('r');
type(card('OWN-01', '00Q3'), 'select', 'correct_as_is');
card('DUP-01', '00Q1').focus();
key('a');
show('tick', document.activeElement.matches('.tick input'));
document.activeElement.click();
key('a');
show('both', bar.querySelector('.count').textContent);
key('u');
show('undone', bar.querySelector('.count').textContent);
show('unticked', document.querySelector('.tick input').checked);
";
    let page = decided(browser, &job, first);
    for (id, says) in [
        ("first", "true"),
        ("tick", "true"),
        ("both", "2 of 3 decided"),
        ("undone", "1 of 3 decided"),
        ("unticked", "false"),
    ] {
        assert_eq!(pre(&page, id), says, "{id}");
    }
    let second = "show('kept', bar.querySelector('.count').textContent + card('OWN-01', '00Q3').dataset.decided);";
    assert_eq!(pre(&decided(browser, &job, second), "kept"), "1 of 3 decidedreject");
}

#[test]
fn an_exported_file_is_imported_and_one_of_another_packet_is_not() {
    let Some(browser) = browser() else { return };
    let job = Job::weekly();
    job.run(&[]).ends(0);
    let mut file = Filled::of(&job, DAY)
        .says(&job, DAY, "DUP-01", "00Q1", confirm())
        .says(&job, DAY, "OWN-01", "00Q3", reject("other"))
        .says(&job, DAY, "OWN-02", "00Q4", approve())
        .file;
    file["decisions"][2]["evidence_digest"] = "0".repeat(24).into();
    let mut other = file.clone();
    other["packet_digest"] = format!("sha256:{}", "0".repeat(64)).into();
    let acts = format!(
        r"
const take = file => {{
  const files = new DataTransfer();
  files.items.add(new File([''], 'week.json'));
  File.prototype.text = async () => JSON.stringify(file);
  const picker = bar.querySelector('input[type=file]');
  picker.files = files.files;
  picker.dispatchEvent(new Event('change'));
  return new Promise(done => setTimeout(() => done(bar.querySelector('.wrong').textContent), 200));
}};
(async () => {{
  show('other', await take({other}));
  show('nothing', bar.querySelector('.count').textContent);
  show('taken', await take({file}));
  show('count', bar.querySelector('.count').textContent);
  show('who', bar.querySelector('select').value);
}})();
"
    );
    let page = decided(browser, &job, &acts);
    assert_eq!(pre(&page, "other"), "It decides on another packet. Nothing was taken.");
    assert_eq!(pre(&page, "nothing"), "0 of 3 decided");
    // One is on other facts; another reason needs a note.
    assert_eq!(
        pre(&page, "taken"),
        "2 decisions taken; 1 left out: not in this packet, on other facts, or not to be approved."
    );
    assert_eq!(pre(&page, "count"), "1 of 3 decided, 1 not complete");
    assert_eq!(pre(&page, "who"), "Dana Reyes");
}

#[test]
fn the_operator_profile_is_asked_for_tickets_and_a_second_approver() {
    let Some(browser) = browser() else { return };
    let job = Job::weekly();
    job.put(
        "rules/approvals.toml",
        r#"profile = "operator"
mass_owner_changes = 1
[approver]
name = "Dana Reyes"
[[role]]
name = "RevOps"
people = ["Dana Reyes", "Ida Moor"]
may_approve = "all"
"#,
    );
    job.run(&[]).ends(0);
    let acts = r"
const held = card('DUP-01', '00Q1'), owner = card('OWN-01', '00Q3');
for (const one of [held, owner]) {
  one.querySelector('.tick input').click();
  press(one, 'Approve');
}
show('open', held.querySelector('.said').textContent);
type(held, '.why input', 'CHG-1');
type(owner, '.why input', 'CHG-2');
const [who, second] = bar.querySelectorAll('select');
type(bar, 'select', 'Dana Reyes');
second.value = 'Ida Moor';
press(bar, 'Export');
";
    let page = decided(browser, &job, acts);
    assert_eq!(pre(&page, "open"), "Not counted yet: it needs a ticket.");
    job.put("week.json", &pre(&page, "exported"));
    let said = job.call(&["decide", "week.json"]).ends(0);
    assert!(
        said.out.starts_with("week.json: 2 approved, 0 rejected, 0 escalated;"),
        "{}",
        said.out
    );
}

#[test]
fn a_packet_of_many_lines_is_decided_line_by_line() {
    let Some(browser) = browser() else { return };
    let job = Job::weekly();
    let lead = |n| format!("01Q{n:05},A{n},B{n},C{n},,,,New,2025-03-01,2025-04-01,,\n");
    let leads: String = (0..2_100).map(lead).collect();
    job.put("exports/lead.csv", &format!("{}{leads}", job.text("exports/lead.csv")));
    let code = job.run(&[]).code;
    assert!(code <= 1, "{code}");
    let acts = r"
const key = name => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: name, bubbles: true }));
const lines = [...document.querySelectorAll('details[data-facts]')];
lines.at(-1).querySelector('summary').focus();
show('made', document.querySelectorAll('.ask').length);
key('r');
type(lines.at(-1), 'select', 'weak_evidence');
type(bar, 'select', 'Dana Reyes');
press(bar, 'Export');
";
    let page = decided(browser, &job, acts);
    assert_eq!(pre(&page, "made"), "0");
    job.put("week.json", &pre(&page, "exported"));
    let said = job.call(&["decide", "week.json"]).ends(0);
    assert!(
        said.out.starts_with("week.json: 0 approved, 1 rejected, 0 escalated;"),
        "{}",
        said.out
    );
}

#[test]
fn the_packets_own_policy_lets_its_script_run() {
    let Some(browser) = browser() else { return };
    let job = Job::weekly();
    job.run(&[]).ends(0);
    let page = seen(browser, job.home(), &job.path(&format!("runs/{DAY}/packet.html")));
    assert!(page.contains("0 of 3 decided"));
    assert_eq!(page.matches("class=\"ask\"").count(), 3);
}

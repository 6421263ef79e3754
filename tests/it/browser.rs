//! Deciding in the packet, in a real browser: what is exported is what `decide` takes.
//!
//! Where Chromium is not installed the test says so, loudly, and ends: nothing was looked at.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

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
        eprintln!(
            "NOT TESTED: no Chromium, so nobody decided in a packet. `apt-get install chromium`"
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

const HANDS: &str = r#"
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
URL.createObjectURL = blob => {
  blob.text().then(text => show('exported', text));
  return '#';
};
"#;

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
    let packet = job.text(&format!("runs/{DAY}/packet.html"));
    let page = job.home().join("acted.html");
    let acts = r#"
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
"#;
    std::fs::write(&page, acted(&packet, acts)).unwrap();
    let page = seen(browser, job.home(), &page);
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
fn the_packets_own_policy_lets_its_script_run() {
    let Some(browser) = browser() else { return };
    let job = Job::weekly();
    job.run(&[]).ends(0);
    let page = seen(browser, job.home(), &job.path(&format!("runs/{DAY}/packet.html")));
    assert!(page.contains("0 of 3 decided"));
    assert_eq!(page.matches("class=\"ask\"").count(), 3);
}

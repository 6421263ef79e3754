//! A review folder built by a test, and the program run in it as a person would run it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The day of every review in these tests.
pub(crate) const DAY: &str = "2026-03-01";

/// A rules/owners.toml that says who takes the records of the one who left.
pub(crate) const HANDOVER: &str = "[inactive-owner]\nhandover = { \"0052\" = \"0051\" }\n";

/// What the program said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// Fails unless the program ended with this code, and never by a panic.
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\nstdout:\n{}\nstderr:\n{}", self.out, self.err);
        assert!(!self.err.contains("failed inside"), "{}", self.err);
        self
    }
}

/// A review folder with a folder for temporary files beside it.
pub(crate) struct Job {
    home: tempfile::TempDir,
}

impl Job {
    /// A folder with these files, by their name below it.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let job = Self { home: tempfile::tempdir().unwrap() };
        for folder in ["review", "tmp"] {
            fs::create_dir(job.home.path().join(folder)).unwrap();
        }
        for (name, text) in files {
            job.put(name, text);
        }
        job
    }

    /// Leads with a pair of twins, a lead whose owner left and a lead without one: four findings' worth.
    pub(crate) fn weekly() -> Self {
        Self::new(&[
            ("review.toml", REVIEW),
            ("rules/boundary.toml", BOUNDARY),
            ("rules/approvals.toml", APPROVALS),
            ("rules/lifecycle.toml", LIFECYCLE),
            ("exports/lead.csv", LEADS),
            ("exports/user.csv", USERS),
        ])
    }

    /// The company Acme, as a customer of a CRM.
    pub(crate) fn acme(flavour: &str) -> Self {
        let job = Self::new(&[]);
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/acme").join(flavour);
        for (name, bytes) in files(&folder) {
            let name = name.to_str().unwrap();
            if ["exports", "rules", "review.toml"].iter().any(|kept| name.starts_with(kept)) {
                job.put_bytes(name, &bytes);
            }
        }
        job
    }

    /// The review folder, or a file below it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join("review").join(name)
    }

    /// Where the program may put temporary files.
    pub(crate) fn tmp(&self) -> PathBuf {
        self.home.path().join("tmp")
    }

    /// The folder that holds everything of this test.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn put(&self, name: &str, text: &str) {
        self.put_bytes(name, text.as_bytes());
    }

    pub(crate) fn put_bytes(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::File::create(path).and_then(|mut file| file.write_all(bytes)).unwrap();
    }

    /// Replaces a text that stands in a file exactly once.
    #[track_caller]
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.text(name);
        assert_eq!(text.matches(from).count(), 1, "{name}: {from}");
        self.put(name, &text.replace(from, to));
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn json(&self, name: &str) -> serde_json::Value {
        serde_json::from_str(&self.text(name)).unwrap()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        fs::symlink_metadata(self.path(name)).is_ok()
    }

    /// The findings of the day's run.
    pub(crate) fn findings(&self) -> Vec<serde_json::Value> {
        let lines = self.text(&format!("runs/{DAY}/findings.jsonl"));
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The codes and records of the day's findings.
    pub(crate) fn found(&self) -> Vec<(String, String)> {
        self.findings().iter().map(|line| (word(&line["rule"]), word(&line["record"]))).collect()
    }

    /// Every file below the review folder with its bytes.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        files(&self.path(""))
    }

    /// The program, in the review folder, with nothing of this process's surroundings.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_crm-review"));
        command
            .args(arguments)
            .current_dir(self.path(""))
            .env_clear()
            .env("TMPDIR", self.tmp())
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn call(&self, arguments: &[&str]) -> Said {
        said(&mut self.command(arguments))
    }

    /// The weekly run as of [`DAY`].
    pub(crate) fn run(&self, more: &[&str]) -> Said {
        self.call(&[&["run", ".", "--as-of", DAY], more].concat())
    }
}

pub(crate) fn said(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    // A process that was ended by a signal has no code.
    let code = output.status.code().unwrap_or(-1);
    Said { code, out: text(output.stdout), err: text(output.stderr) }
}

/// The text of a JSON value that is one.
pub(crate) fn word(value: &serde_json::Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Every file below a folder, links not followed.
pub(crate) fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            } else {
                let name = entry.path().strip_prefix(folder).unwrap().to_owned();
                files.insert(name, fs::read(entry.path()).unwrap_or_default());
            }
        }
    }
    files
}

pub(crate) const REVIEW: &str = r#"organisation = "Acme"
time_zone = "UTC"

[source]
crm = "salesforce"

[source.files]
lead = "lead.csv"
user = "user.csv"
"#;

pub(crate) const BOUNDARY: &str = r#"[lead.fields]
id = { from = "Id", why = "Names the record in evidence." }
first_name = { from = "FirstName", why = "Tells people apart who share an address." }
last_name = { from = "LastName", why = "Tells people apart who share an address." }
company = { from = "Company", why = "Names the company." }
email = { from = "Email", why = "Finds the same person twice.", show = "masked" }
phone = { from = "Phone", why = "Finds the same person twice.", show = "never" }
owner = { from = "OwnerId", why = "Finds records nobody works." }
status = { from = "Status", why = "The stage." }
created = { from = "CreatedDate", why = "The older record is kept." }
modified = { from = "LastModifiedDate", why = "Says what changed." }

[user.fields]
id = { from = "Id", why = "Names the person." }
name = { from = "Name", why = "Names the person in findings." }
active = { from = "IsActive", why = "Finds owners who left." }

[blocked]
names = ["*strategy*"]
"#;

pub(crate) const APPROVALS: &str = "[approver]\nname = \"Dana Reyes\"\n";

pub(crate) const LIFECYCLE: &str =
    "[lead]\nfield = \"status\"\norder = [\"New\", \"Working\"]\nclosed = [\"Closed\"]\n";

pub(crate) const LEADS: &str = "\
Id,FirstName,LastName,Company,Email,Phone,OwnerId,Status,CreatedDate,LastModifiedDate,Notes,Nickname
00Q1,Ann,Ng,Acme,ann.ng@acme-corp.com,+1 202 555 0143,0051,New,2025-01-05,2026-02-27,said yes,annie
00Q2,Ann,Ng,Acme,ann.ng@acme-corp.com,+1 202 555 0143,0051,New,2025-06-01,2026-02-28,said no,annie
00Q3,Bo,Li,Bolt,bo.li@bolt-works.com,+1 202 555 0178,0052,New,2025-02-01,2025-03-01,x,bo
00Q4,Cy,Fox,Fox,cy.fox@foxes.org,+1 202 555 0199,,New,2025-03-01,2025-04-01,x,cy
00Q5,Dee,Roe,Roe,dee.roe@roe-group.com,+1 202 555 0111,0051,Working,2025-03-01,2025-05-01,x,dee
";

pub(crate) const USERS: &str = "Id,Name,IsActive\n0051,Eve Moss,true\n0052,Gil Poe,false\n";

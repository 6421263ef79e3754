//! The command line: arguments, clock and environment once; call; print; exit code. Nothing else.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};
use std::num::NonZeroUsize;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread::available_parallelism;

use chrono::NaiveDate;
use clap::Parser as _;

use crm_review::cli::{
    Cli, Command, Format, Inspect, Match, RulesCommand, SeverityWord, ShapeWord, VerdictFormat,
};
use crm_review::config::Config;
use crm_review::finding::{FindingId, Severity};
use crm_review::packet::visible;
use crm_review::review::{
    self, Earlier, Notices, Order, PaperError, Reader, Recording, ReviewError, Shape,
};
use crm_review::source::csv::Encoding;
use crm_review::source::inspect::{self, Inspection, Options};
use crm_review::source::secret::Environment;
use crm_review::{draft, folder, linking};

fn main() -> ExitCode {
    folder::keep_private();
    // A panic's own words may quote what was being read: only where it happened is said.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        say(&format!("crm-review failed inside itself{place}; please report this"));
    }));
    let cores = available_parallelism().unwrap_or(NonZeroUsize::MIN);
    match Cli::parse().command {
        Command::Init { dir, from } => init(&dir, &from, cores),
        Command::Run { dir, as_of, event, fail_on, threads } => {
            if review::asks_a_crm(&dir) {
                overwrite_what_is_freed();
            }
            let order = Order { event, ..order(dir, as_of, threads.unwrap_or(cores)) };
            run(&order, fail_on)
        }
        Command::Decide { paths, supersede } => decide(paths, supersede),
        Command::Changes { dir, of } => finish(review::changes(&dir, of, now())),
        Command::Metrics { dir } => finish(review::trend(&dir)),
        Command::Patterns { dir } => finish(review::patterns(&dir)),
        Command::Procedure { dir } => finish(review::procedure(&dir)),
        Command::Quarter { dir, of } => finish(review::quarter(&dir, of)),
        Command::Rules { command } => rules(command, cores),
        Command::WhatIf { dir, rules } => finish(review::what_if(&dir, &rules, cores)),
        Command::Doctor { dir } => doctor(&order(dir, None, cores)),
        Command::Verify { dir } => verify(&dir, cores),
        Command::Inspect(arguments) => inspect(&arguments, cores),
        Command::Match(arguments) => link(arguments, cores),
        Command::Explain { finding, of } => explain(&finding, of),
        Command::Checks { id, dir, markdown } => checks(id.as_deref(), dir.as_deref(), markdown),
        Command::Schema { of } => {
            print(&schema(of));
            ExitCode::SUCCESS
        }
    }
}

/// Starts the program anew with memory that is overwritten when it is given back: what a CRM sends passes
/// through buffers of the libraries for TLS and HTTP, which nobody else can overwrite. Only the GNU C
/// library has such a setting, and it reads it when a process starts; without it all goes on as it is.
fn overwrite_what_is_freed() {
    const NAME: &str = "GLIBC_TUNABLES";
    // What a thread keeps at hand for itself would not be overwritten.
    const SETTING: &str = "glibc.malloc.perturb=85:glibc.malloc.tcache_count=0";
    let held = std::env::vars_os().find(|(name, _)| name == NAME);
    let held = held.map_or_else(String::new, |(_, value)| value.to_string_lossy().into_owned());
    if held.contains("glibc.malloc.perturb=") {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    let setting = if held.is_empty() { SETTING.to_owned() } else { format!("{held}:{SETTING}") };
    let arguments = std::env::args_os().skip(1);
    // It comes back only where it could not be started.
    let _ = std::process::Command::new(program).args(arguments).env(NAME, setting).exec();
}

fn schema(of: ShapeWord) -> String {
    match of {
        ShapeWord::Findings => review::schema(Shape::Findings),
        ShapeWord::Manifest => review::schema(Shape::Manifest),
        ShapeWord::Decisions => review::schema(Shape::Decisions),
        ShapeWord::File(file) => file.schema(),
    }
}

/// The present instant.
fn now() -> chrono::DateTime<chrono::Utc> {
    #[expect(clippy::disallowed_methods, reason = "the one reading of the clock")]
    chrono::Utc::now()
}

/// What the commands that may ask a CRM are told.
fn order(folder: PathBuf, as_of: Option<NaiveDate>, threads: NonZeroUsize) -> Order {
    let tell = if io::stderr().is_terminal() { tell } else { |_: &str| {} };
    Order { folder, as_of, now: now(), threads, environment: environment(), tell, event: None }
}

/// The environment: the secrets of a live source may lie there.
fn environment() -> Environment {
    let text =
        |(name, value): (OsString, OsString)| name.into_string().ok().zip(value.into_string().ok());
    Environment::new(std::env::vars_os().filter_map(text))
}

/// How far a pull is, on a line of the terminal that is written anew; no words take the line away.
fn tell(words: &str) {
    let _ = write!(io::stderr().lock(), "\r\x1b[2K{words}");
}

/// Words go to stderr; what a terminal would obey of a name in them is made visible. When nobody can be told,
/// there is nothing left to do.
fn say(words: &str) {
    let seen = |line: &str| line.split('\t').map(visible).collect::<Vec<_>>().join("\t");
    for line in in_words(words.trim_end()).lines() {
        let _ = writeln!(io::stderr().lock(), "{}", seen(line));
    }
}

/// Without the numbers of the system's errors: `No such file or directory (os error 2)`.
fn in_words(text: &str) -> String {
    let mut parts = text.split(" (os error ");
    let mut words = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        words += part.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches(')');
    }
    words
}

/// Data goes to stdout. A reader who stopped listening has heard enough; one who could not write it down
/// has not, and must not go on as if.
#[expect(clippy::exit, reason = "whoever prints is done, and gave back what was held")]
fn print(data: &str) {
    let mut out = io::stdout().lock();
    let written = out.write_all(data.as_bytes()).and_then(|()| out.flush());
    if let Err(error) = written
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        say(&format!("what was to be printed cannot be written: {error}"));
        std::process::exit(3);
    }
}

fn init(dir: &Path, from: &Path, threads: NonZeroUsize) -> ExitCode {
    match draft::init(dir, from, now().date_naive(), threads) {
        Ok(drafted) => {
            print(&drafted.summary);
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(&error.to_string());
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(order: &Order, fail_on: Option<SeverityWord>) -> ExitCode {
    let (notices, done) = review::run(order);
    // The line that told how far a pull was gives way.
    (order.tell)("");
    say_beside(&notices);
    match done {
        Ok(done) => {
            for missing in &done.missing {
                say(&format!("incomplete: {missing}"));
            }
            print(&done.summary);
            // What was asked for is answered even where something else is missing.
            if reaches(done.worst, fail_on) {
                ExitCode::from(6)
            } else if !done.missing.is_empty() || !notices.refused.is_empty() {
                ExitCode::from(1)
            } else {
                ExitCode::SUCCESS
            }
        }
        Err(error) => failed(&error),
    }
}

/// Says what is to be known besides what came of a command.
fn say_beside(notices: &Notices) {
    for note in &notices.notes {
        say(&format!("note: {note}"));
    }
    for refused in &notices.refused {
        say(&format!("not recorded: {refused}"));
    }
}

/// True when the worst of something is at least as severe as a person said.
fn reaches(worst: Option<Severity>, bar: Option<SeverityWord>) -> bool {
    let bar = bar.map(|word| match word {
        SeverityWord::Low => Severity::Low,
        SeverityWord::Medium => Severity::Medium,
        SeverityWord::High => Severity::High,
    });
    bar.is_some_and(|bar| worst.is_some_and(|worst| worst >= bar))
}

fn rules(command: RulesCommand, threads: NonZeroUsize) -> ExitCode {
    match command {
        RulesCommand::Check { dir, format, as_of, fail_on } => {
            let reader = match format {
                VerdictFormat::Text => Reader::Person,
                VerdictFormat::Json => Reader::Program,
                VerdictFormat::Sarif => Reader::CodeHost,
            };
            match review::check(&dir, as_of, now(), reader, threads) {
                Ok(checked) => {
                    print(&checked.words);
                    if !checked.valid {
                        ExitCode::from(2)
                    } else if reaches(checked.worst, fail_on) {
                        ExitCode::from(6)
                    } else {
                        ExitCode::SUCCESS
                    }
                }
                Err(error) => failed(&error),
            }
        }
        RulesCommand::Example { finding, dir } => {
            finish(review::example(&dir, &finding, now(), threads))
        }
        RulesCommand::Test { dir } => match review::test(&dir, now()) {
            Ok(tested) => {
                print(&tested.words);
                ExitCode::from(if tested.failed == 0 { 0 } else { 2 })
            }
            Err(error) => failed(&error),
        },
    }
}

fn decide(mut paths: Vec<PathBuf>, supersede: bool) -> ExitCode {
    let folder = match paths.first() {
        Some(first) if first.is_dir() => paths.remove(0),
        Some(_) | None => PathBuf::from("."),
    };
    if paths.is_empty() {
        say(
            "no decisions file is named\n  hint: crm-review decide DIR FILE, such as decisions/week.json",
        );
        return ExitCode::from(2);
    }
    let earlier = if supersede { Earlier::Superseded } else { Earlier::Stands };
    let (notices, said) = review::decide(&Recording { folder, files: paths, earlier, now: now() });
    say_beside(&notices);
    finish(said)
}

fn doctor(order: &Order) -> ExitCode {
    match review::doctor(order) {
        Ok(examined) => {
            (order.tell)("");
            print(&in_words(&examined.words));
            ExitCode::from(match examined.refused {
                Some(error) if error.is_of_the_config() => 2,
                Some(_) => 3,
                None => u8::from(examined.faults > 0),
            })
        }
        Err(error) => failed(&error),
    }
}

fn verify(dir: &Path, threads: NonZeroUsize) -> ExitCode {
    match review::verify(dir, now(), threads) {
        Ok(verified) => {
            print(&in_words(&verified.words));
            ExitCode::from(if verified.faults == 0 { 0 } else { 4 })
        }
        Err(error) => failed(&error),
    }
}

/// Prints what a command has to say, and ends with its code.
fn finish(said: Result<String, ReviewError>) -> ExitCode {
    match said {
        Ok(words) => {
            print(&words);
            ExitCode::SUCCESS
        }
        Err(error) => failed(&error),
    }
}

/// Says why nothing came of it.
fn failed(error: &ReviewError) -> ExitCode {
    say(&error.to_string());
    ExitCode::from(exit_code(error))
}

fn exit_code(error: &ReviewError) -> u8 {
    use crm_review::ledger::LedgerError;
    match error {
        ReviewError::Rules(_) | ReviewError::Decisions(_) | ReviewError::Unreadable { .. } => 2,
        ReviewError::Live(error) if error.is_of_the_config() => 2,
        ReviewError::Ledger(LedgerError::Broken { .. } | LedgerError::Newer { .. })
        | ReviewError::LedgerLost { .. }
        | ReviewError::Paper(PaperError::Altered { .. }) => 4,
        ReviewError::Folder(error) => error.exit_code(),
        ReviewError::Source(_)
        | ReviewError::Live(_)
        | ReviewError::Packet(_)
        | ReviewError::Paper(PaperError::Gone { .. } | PaperError::Disk { .. })
        | ReviewError::Ledger(LedgerError::Folder(_) | LedgerError::Disk { .. }) => 3,
    }
}

fn link(arguments: Match, cores: NonZeroUsize) -> ExitCode {
    let order = linking::Order {
        file: arguments.file,
        other: arguments.other,
        pairs: arguments.pairs,
        clusters: arguments.clusters,
        id: arguments.id,
        source: arguments.link.then_some(arguments.source),
        kinds: arguments.kinds,
        model: arguments.model,
        model_out: arguments.model_out,
        retrained: arguments.retrained,
        splink: arguments.splink,
        weights: arguments.weights,
        threads: arguments.threads.unwrap_or(cores),
    };
    match linking::run(&order) {
        Ok(linked) => {
            print(&linked.summary());
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(&error.to_string());
            ExitCode::from(error.exit_code())
        }
    }
}

fn inspect(arguments: &Inspect, threads: NonZeroUsize) -> ExitCode {
    let encoding = match arguments.encoding.as_deref().map(|label| (label, Encoding::parse(label)))
    {
        None => None,
        Some((_, Some(encoding))) => Some(encoding),
        Some((label, None)) => {
            say(&format!(
                "`{label}` is not an encoding; try utf-8, windows-1252, utf-16le or macintosh"
            ));
            return ExitCode::from(2);
        }
    };
    let options = Options { encoding, threads, show_headers: arguments.show_headers };
    let rows_out = arguments.rows_out.as_deref();
    let look: Box<dyn Fn(&Path) -> Inspection> = match &arguments.fields {
        Some(fields) => {
            Box::new(move |file| inspect::inspect_fields(file, fields, &options, rows_out))
        }
        None => match review::check_folder(&arguments.config) {
            Ok(Config { boundary, .. }) => {
                Box::new(move |file| inspect::inspect_allowed(file, &boundary, &options))
            }
            Err(error) => {
                say(&format!(
                    "{error}\n  hint: name the columns with --fields A,B, or a review folder with --config DIR"
                ));
                return ExitCode::from(2);
            }
        },
    };
    if arguments.rows_out.is_some() && arguments.files.len() > 1 {
        say("`--rows-out` holds the rows of one file: inspect the files one by one");
        return ExitCode::from(2);
    }
    let mut worst = 0;
    for file in &arguments.files {
        let inspection = look(file);
        match arguments.format {
            Format::Json => print(&(serde_json::to_string(&inspection).unwrap_or_default() + "\n")),
            Format::Text => print(&in_words(&inspection.to_text())),
        }
        worst = worst.max(inspection.exit_code());
    }
    ExitCode::from(worst)
}

fn explain(words: &[String], of: Option<NaiveDate>) -> ExitCode {
    let (dir, finding) = match words {
        // `rules example` takes them the other way round.
        [finding, dir] if FindingId::typed(finding).is_some() => (Path::new(dir), finding.as_str()),
        [dir, finding] => (Path::new(dir), finding.as_str()),
        [finding] => (Path::new("."), finding.as_str()),
        _ => return ExitCode::from(2),
    };
    match review::explain(dir, finding, of) {
        Ok(Ok(told)) => {
            print(&told);
            ExitCode::SUCCESS
        }
        Ok(Err(why)) => {
            say(&why);
            ExitCode::from(2)
        }
        Err(error) => failed(&error),
    }
}

fn checks(id: Option<&str>, dir: Option<&Path>, markdown: bool) -> ExitCode {
    if markdown {
        print(&review::checks_table());
        return ExitCode::SUCCESS;
    }
    match review::catalogue(id, dir) {
        Ok(Some(text)) => {
            print(&text);
            ExitCode::SUCCESS
        }
        Ok(None) => {
            say(&format!(
                "there is no check `{}`; `crm-review checks` lists them",
                id.unwrap_or_default()
            ));
            ExitCode::from(2)
        }
        Err(error) => failed(&error),
    }
}

//! What the program does where the system gives it too little: threads, open files, room on the disk.
//!
//! The limits are set by a shell, which then becomes the program. Does not: say how much it needs.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::job::{DAY, Job, Said, said};

/// The program in the review folder, under limits that a shell sets.
fn limited(job: &Job, program: &Path, limits: &str, arguments: &[&str]) -> Command {
    let script = format!("{limits}; exec \"$0\" \"$@\"");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).arg(program).args(arguments).current_dir(job.path(""));
    shell
}

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_crm-review"))
}

/// The weekly run under limits.
fn run(job: &Job, limits: &str) -> Said {
    said(&mut limited(job, program(), limits, &["run", ".", "--as-of", DAY, "--threads", "4"]))
}

/// The packets of a review folder and what lies beside them.
fn runs(job: &Job) -> BTreeMap<PathBuf, Vec<u8>> {
    job.files().into_iter().filter(|(name, _)| name.starts_with("runs")).collect()
}

/// Gives all below a folder to somebody, and the folder itself.
fn give(folder: &Path, to: u32) {
    chown(folder, Some(to), Some(to)).unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { give(&path, to) } else { chown(&path, Some(to), Some(to)).unwrap() }
    }
}

#[test]
fn fewer_threads_than_asked_give_the_same_bytes() {
    // Nobody has this number, so no process of theirs counts.
    const NOBODY: u32 = 54_321;
    let whole = Job::weekly();
    run(&whole, ":").ends(0);
    for threads in 1..=3 {
        let job = Job::weekly();
        // The limit does not hold for root, who becomes somebody else; that one may not see into every folder
        // in which programs are built.
        let is_root = fs::metadata(job.home()).unwrap().uid() == 0;
        let copy = job.home().join("program");
        fs::copy(program(), &copy).unwrap();
        let limit = format!("{{ ulimit -u {threads} || ulimit -p {threads}; }} 2>&-");
        let arguments = ["run", ".", "--as-of", DAY, "--threads", "4"];
        let mut command = limited(&job, &copy, &limit, &arguments);
        if is_root {
            give(job.home(), NOBODY);
            command.uid(NOBODY).gid(NOBODY);
        }
        said(&mut command).ends(0);
        assert!(runs(&whole) == runs(&job), "with {threads}");
    }
}

#[test]
fn too_few_open_files_are_told_with_the_remedy() {
    let whole = Job::weekly();
    run(&whole, ":").ends(0);
    let mut codes = Vec::new();
    for files in 4..=12 {
        let job = Job::weekly();
        let told = run(&job, &format!("ulimit -n {files}"));
        codes.push(told.code);
        if told.code == 0 {
            assert!(runs(&whole) == runs(&job), "with {files}");
            continue;
        }
        let told = told.ends(3);
        assert!(told.err.contains("Too many open files\n  hint: raise the limit"), "{}", told.err);
        assert!(!told.err.contains("exists") && !told.err.contains("writable"), "{}", told.err);
        assert!(!job.has(&format!("runs/{DAY}")), "with {files}");
    }
    assert!(codes.contains(&3) && codes.contains(&0), "{codes:?}");
}

#[test]
fn what_does_not_fit_on_the_disk_leaves_no_draft() {
    let job = Job::weekly();
    let below = |name: &str| fs::read_dir(job.path(name)).unwrap().count();
    // A file may grow to so many half kilobytes, and the packet is larger.
    for most in [1, 100] {
        let told = run(&job, &format!("trap '' XFSZ; ulimit -f {most}")).ends(3);
        assert!(told.err.contains(&format!("runs/.{DAY}.draft/packet.html")), "{}", told.err);
        assert_eq!(below("runs"), 0);
    }
    run(&job, ":").ends(0);
    // The packet that stands is not lost to one that does not fit.
    let stood = runs(&job);
    job.edit("exports/lead.csv", "00Q5,Dee", "00Q5,Di");
    run(&job, "trap '' XFSZ; ulimit -f 100").ends(3);
    assert!(runs(&job) == stood && below("runs") == 1);

    let arguments = ["init", "drafted", "--from", "exports"];
    let init = |limits: &str| said(&mut limited(&job, program(), limits, &arguments));
    let told = init("trap '' XFSZ; ulimit -f 8").ends(3);
    assert!(told.err.contains(".rules.draft/"), "{}", told.err);
    assert!(!job.has("drafted/.rules.draft") && !job.has("drafted/rules"));
    init(":").ends(0);
}

#[test]
fn an_output_that_does_not_fit_leaves_what_stood_there() {
    // Everybody stands there twice.
    let row = |n: usize| format!("P{n},Ann{},Smith{},ann{}@acme.com\n", n % 60, n % 60, n % 60);
    let rows: String = (0..120).map(row).collect();
    let people = format!("Id,First Name,Last Name,Email\n{rows}");
    let job = Job::new(&[("people.csv", &people)]);
    for arguments in [
        &["match", "people.csv", "--pairs", "out.csv"][..],
        &["match", "people.csv", "--pairs", "pairs.csv", "--clusters", "out.csv"],
        &["match", "people.csv", "--pairs", "pairs.csv", "--weights", "out.csv"],
        &["inspect", "people.csv", "--fields", "Id,Email", "--rows-out", "out.csv"],
    ] {
        let call = |limits: &str| said(&mut limited(&job, program(), limits, arguments));
        call(":").ends(0);
        assert!(job.text("out.csv").len() > 512, "{arguments:?}");
        let stood = job.files();
        let told = call("trap '' XFSZ; ulimit -f 1").ends(3);
        assert!(format!("{}{}", told.out, told.err).contains("File too large"), "{arguments:?}");
        assert!(job.files() == stood, "{arguments:?}");
        // What lies behind a link is left alone, and a pipe has nothing to lose.
        fs::remove_file(job.path("out.csv")).unwrap();
        symlink("elsewhere.csv", job.path("out.csv")).unwrap();
        let told = call(":").ends(3);
        assert!(format!("{}{}", told.out, told.err).contains("symbolic link"), "{arguments:?}");
        assert!(!job.has("elsewhere.csv"));
        fs::remove_file(job.path("out.csv")).unwrap();
    }
    let piped = job.call(&["match", "people.csv", "--pairs", "/dev/stdout"]).ends(0).out;
    assert!(piped.starts_with("id_l,id_r,score,weight\n"), "{piped}");
}

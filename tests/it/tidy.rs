//! The house: who may import whom, where the big crates live, and that nothing hides from the lists.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each module and the modules it may import, in the order of `lib.rs`.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("threads", &[]),
    ("digest", &[]),
    ("policy", &[]),
    ("boundary", &["threads", "policy"]),
    ("matching", &["threads"]),
    ("finding", &["digest", "boundary"]),
    ("check", &["threads", "policy", "boundary", "matching", "finding"]),
    ("folder", &[]),
    ("source", &["threads", "digest", "boundary", "folder"]),
    ("gate", &["policy", "finding"]),
    ("ledger", &["digest", "boundary", "finding", "folder", "gate"]),
    ("metrics", &["gate", "ledger"]),
    ("packet", &["threads", "digest", "boundary", "finding", "check", "gate", "metrics"]),
    ("config", &["policy", "boundary", "check", "source", "gate"]),
    (
        "review",
        &[
            "digest", "policy", "boundary", "finding", "check", "source", "folder", "gate",
            "ledger", "metrics", "packet", "config",
        ],
    ),
    ("draft", &["policy", "boundary", "check", "source", "folder", "gate", "config"]),
    ("linking", &["folder", "threads", "check", "matching", "source"]),
    ("cli", &["config", "matching", "metrics"]),
];

/// Big crates and the only places that may name them.
const HOMES: &[(&str, &[&str])] = &[
    ("polars", &["boundary/"]),
    ("tera", &["packet/"]),
    ("annotate_snippets", &["review/rules/draw.rs"]),
    ("clap", &["cli.rs", "main.rs"]),
    ("tokio", &["source/http.rs"]),
    ("reqwest", &["source/http.rs"]),
    ("rustls", &["source/http.rs"]),
    ("ring", &["source/salesforce/login.rs"]),
    ("strsim", &["policy.rs", "matching/"]),
    ("psl", &["matching/"]),
    ("phonenumber", &["matching/"]),
    ("encoding_rs", &["source/csv/"]),
    ("regex", &["boundary/scanner.rs"]),
    ("minisign_verify", &["gate/signature.rs"]),
    ("toml", &["policy.rs", "draft/", "matching/parameters.rs"]),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file below a folder, by its path relative to it.
fn sources(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

/// The code of a file without its comments.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(|line| line.split("//").next().unwrap_or_default())
}

/// Words that follow a marker: `crate::` gives the modules a file names.
fn words_after<'t>(text: &'t str, marker: &'t str) -> impl Iterator<Item = &'t str> {
    code(text).flat_map(move |line| {
        line.match_indices(marker).map(move |(at, _)| {
            let rest = &line[at + marker.len()..];
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            &rest[..end]
        })
    })
}

#[test]
fn modules_import_only_what_the_table_allows() {
    let table: BTreeMap<_, _> = MAY_IMPORT.iter().copied().collect();
    let mut wrong = Vec::new();
    for (file, text) in sources(&root().join("src")) {
        let module = file.split(['/', '.']).next().unwrap();
        if ["lib", "main"].contains(&module) {
            continue;
        }
        // A group would hide what is imported from the words that are looked for.
        if code(&text).any(|line| line.contains("crate::{")) {
            wrong.push(format!("{file}: imports of several modules in one `crate::{{`"));
        }
        let Some(allowed) = table.get(module) else {
            wrong.push(format!("{file}: the module `{module}` is not in the table"));
            continue;
        };
        for name in words_after(&text, "crate::") {
            if name != module && table.contains_key(name) && !allowed.contains(&name) {
                wrong.push(format!("{file}: `{module}` may not import `{name}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_table_has_no_cycle_and_follows_the_order_of_the_crate() {
    let mut known = BTreeSet::new();
    for (module, imports) in MAY_IMPORT {
        for import in *imports {
            assert!(known.contains(import), "`{module}` imports `{import}`, which comes after it");
        }
        known.insert(*module);
    }
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let declared: BTreeSet<&str> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(declared, known);
}

#[test]
fn big_crates_stay_in_their_homes() {
    let mut wrong = Vec::new();
    for (file, text) in sources(&root().join("src")) {
        for (name, homes) in HOMES {
            let named = code(&text).any(|line| {
                line.match_indices(&format!("{name}::")).any(|(at, _)| {
                    !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
                })
            });
            if named && !homes.iter().any(|home| file.starts_with(home)) {
                wrong.push(format!("{file} names `{name}`, whose home is {}", homes.join(" or ")));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_is() {
    for folder in ["src", "tests", "benches"] {
        let folder = root().join(folder);
        if !folder.exists() {
            continue;
        }
        for (file, text) in sources(&folder) {
            let first = text.lines().find(|line| !line.starts_with("#!"));
            assert!(first.is_some_and(|line| line.starts_with("//! ")), "{file}");
        }
    }
}

#[test]
fn checks_are_listed_once_and_belong_to_their_rules_file() {
    use crm_review::check::{ALL, Family};
    let codes: BTreeSet<_> = ALL.iter().map(|check| check.code).collect();
    let names: BTreeSet<_> = ALL.iter().map(|check| check.name).collect();
    assert_eq!((codes.len(), names.len()), (ALL.len(), ALL.len()), "codes and names are unique");
    for check in ALL {
        assert!(check.name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", check.code);
        for words in [check.summary, check.consequence] {
            assert!(words.ends_with('.') && words.len() > 30, "{}: {words}", check.code);
        }
    }
    let shipped: BTreeSet<String> = fs::read_dir(root().join("rules"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_str().unwrap().to_owned())
        .collect();
    let expected: BTreeSet<String> = Family::ALL
        .iter()
        .map(|family| family.file().to_owned())
        .chain(["approvals.toml".to_owned()])
        .collect();
    assert_eq!(shipped, expected);
}

#[test]
fn every_check_fires_in_some_fixture() {
    let mut fired = BTreeSet::new();
    for entry in fs::read_dir(root().join("fixtures/checks")).unwrap() {
        for file in fs::read_dir(entry.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|end| end == "csv") {
                let text = fs::read_to_string(path).unwrap();
                fired.extend(
                    crm_review::check::ALL.iter().filter(|c| text.contains(c.code)).map(|c| c.code),
                );
            }
        }
    }
    let silent: Vec<_> = crm_review::check::ALL
        .iter()
        .map(|check| check.code)
        .filter(|code| !fired.contains(code))
        .collect();
    assert!(silent.is_empty(), "no fixture shows {}", silent.join(", "));
}

/// What stands between two marks of the README.
fn readme_part(mark: &str) -> String {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, rest) = readme.split_once(&format!("<!-- {mark} -->\n")).unwrap();
    rest.split_once(&format!("<!-- /{mark} -->")).unwrap().0.to_owned()
}

#[test]
fn the_readme_shows_the_checks_as_they_are() {
    let table = crm_review::review::checks_table();
    assert_eq!(readme_part("checks"), table, "run `crm-review checks --markdown`");
}

#[test]
fn the_readme_names_every_command_with_its_options() {
    use clap::CommandFactory as _;
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let mut lacking = Vec::new();
    for command in crm_review::cli::Cli::command().get_subcommands() {
        let name = command.get_name();
        if !command.has_subcommands() {
            lacking.extend(lacking_of(&readme, name, command));
        }
        for below in command.get_subcommands() {
            lacking.extend(lacking_of(&readme, &format!("{name} {}", below.get_name()), below));
        }
    }
    assert!(lacking.is_empty(), "the README lacks\n{}", lacking.join("\n"));
}

/// The options of a command that its row of the README does not name, or the command that has no row.
fn lacking_of(readme: &str, name: &str, command: &clap::Command) -> Vec<String> {
    let mut usages = readme.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let usage = usages.find(|(usage, _)| usage.starts_with(&format!("{name} ")));
    let Some((usage, _)) = usage else { return vec![name.to_owned()] };
    let words: BTreeSet<&str> = usage.split(|c: char| !c.is_alphanumeric() && c != '-').collect();
    let options = command.get_arguments().filter(|option| !option.is_hide_set());
    options
        .filter_map(|option| Some(format!("--{}", option.get_long()?)))
        .filter(|long| !words.contains(long.as_str()))
        .map(|long| format!("{name} {long}"))
        .collect()
}

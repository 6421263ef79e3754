//! `crm-review match`: the duplicate engine alone, through its command.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use crm_review::folder::write_new;

use crate::job::{Said, said};

const SYLLABLES: [&str; 10] = ["ka", "lo", "mi", "ter", "son", "berg", "wal", "ri", "no", "hu"];
const FIRST: [&str; 8] = ["Ann", "Robert", "Maria", "James", "Linda", "David", "Susan", "Peter"];

/// A person by number; no two share a last name, a company or a number.
fn person(n: usize) -> [String; 5] {
    let word = |n: usize| -> String {
        [n / 100 % 10, n / 10 % 10, n % 10].map(|digit| SYLLABLES[digit]).concat()
    };
    let (first, last) = (FIRST[n % FIRST.len()].to_owned(), word(n * 7 % 1_000));
    let company = format!("{} foods", word(n * 13 % 1_000));
    let mail = format!("{}.{last}@{}.com", first.to_lowercase(), word(n * 13 % 1_000));
    [first, last, mail, format!("+1 202 {:03} {:04}", 200 + n, n * 37 % 10_000), company]
}

/// Records of people, each as its cells.
type Rows = Vec<[String; 6]>;

/// The ids of two that are one.
type Twins = BTreeSet<(String, String)>;

/// People of whom every tenth comes a second time, with something missing or misspelt.
fn people() -> (Rows, Twins) {
    let mut rows = Vec::new();
    let mut twins = BTreeSet::new();
    for n in 0..400 {
        let [first, last, mail, phone, company] = person(n);
        rows.push([
            format!("P{n:03}"),
            first.clone(),
            last.clone(),
            mail.clone(),
            phone.clone(),
            company.clone(),
        ]);
        if n % 10 == 0 {
            let id = format!("Q{n:03}");
            twins.insert((format!("P{n:03}"), id.clone()));
            rows.push(match n / 10 % 4 {
                0 => [id, first, last.to_uppercase(), String::new(), phone, company],
                1 => [id, first, last, mail, String::new(), String::new()],
                2 => [
                    id,
                    String::new(),
                    format!("{last}, {first}"),
                    mail.to_uppercase(),
                    phone,
                    company,
                ],
                _ => [id, first, format!("{last}e"), mail, phone, format!("{company} Inc.")],
            });
        }
    }
    (rows, twins)
}

/// The same, those who come a second time in a source of their own.
fn two_sources() -> (Rows, Rows, Twins) {
    let (rows, twins) = people();
    let (left, right) = rows.into_iter().partition(|row| row[0].starts_with('P'));
    (left, right, twins)
}

#[test]
fn no_file_is_written_over_that_is_named_for_something_else() {
    let held = tempfile::tempdir().unwrap();
    let (rows, _) = people();
    write(&held.path().join("people.csv"), &HEADER, &rows);
    let text = fs::read(held.path().join("people.csv")).unwrap();
    for arguments in [
        &["people.csv", "--pairs", "people.csv"][..],
        &["people.csv", "--pairs", "./people.csv"],
        &["people.csv", "--pairs", "pairs.csv", "--clusters", "people.csv"],
        &["people.csv", "--pairs", "out.csv", "--weights", "./out.csv"],
        &["people.csv", "--pairs", "prepared.csv", "--splink", "."],
        &["people.csv", "--pairs", "out.csv", "--weights", "limits.csv", "--splink", "."],
        &["people.csv", "--pairs", "out.csv", "--model-out", "model.toml", "--splink", "./"],
        &["people.csv", "--pairs", "settings.duckdb.json", "--splink", "."],
    ] {
        let said = call(held.path(), arguments).ends(2);
        assert!(said.err.contains("it is named twice"), "{arguments:?}: {}", said.err);
        assert_eq!(fs::read(held.path().join("people.csv")).unwrap(), text, "{arguments:?}");
        assert_eq!(fs::read_dir(held.path()).unwrap().count(), 1, "{arguments:?}");
    }
}

const HEADER: [&str; 6] = ["Record ID", "First Name", "Last Name", "Email", "Phone", "Company"];

fn write(path: &Path, header: &[&str], rows: &[[String; 6]]) {
    let mut out = csv::Writer::from_path(path).unwrap();
    out.write_record(header).unwrap();
    for row in rows {
        out.write_record(&row[..header.len()]).unwrap();
    }
    out.flush().unwrap();
}

fn call(folder: &Path, arguments: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crm-review"));
    said(command.arg("match").args(arguments).current_dir(folder))
}

/// The pairs of a file, each with its score and its weight; every line is checked.
fn scored(path: &Path) -> BTreeMap<(String, String), [f64; 2]> {
    let mut file = csv::Reader::from_path(path).unwrap();
    assert_eq!(file.headers().unwrap(), ["id_l", "id_r", "score", "weight"].as_slice());
    let rows = file.deserialize::<(String, String, f64, f64)>().map(Result::unwrap);
    let rows: BTreeMap<(String, String), [f64; 2]> =
        rows.map(|(left, right, score, weight)| ((left, right), [score, weight])).collect();
    let own = |weight: f64| 1.0 / (1.0 + (-weight).exp2());
    // Pairs that are likely by themselves, both ways.
    let mut links: BTreeMap<&str, BTreeMap<&str, f64>> = BTreeMap::new();
    for ((left, right), [_, weight]) in rows.iter().filter(|(_, [_, weight])| *weight > 0.0) {
        for (one, other) in [(left, right), (right, left)] {
            links.entry(one).or_default().insert(other, own(*weight));
        }
    }
    for ((left, right), [score, weight]) in &rows {
        if (score - own(*weight)).abs() < 1e-12 {
            continue;
        }
        let none = BTreeMap::new();
        let [of_left, of_right] = [left, right].map(|end| links.get(end.as_str()).unwrap_or(&none));
        let through = of_left.iter().filter_map(|(third, one)| Some(one * of_right.get(third)?));
        let surest = through.fold(0.0, f64::max);
        assert!((score - surest).abs() < 1e-12, "{left} {right}: {score}, {weight} bits, {surest}");
        assert!(*score > own(*weight), "{left} {right}: {score} is less than {weight} bits");
    }
    rows
}

/// The pairs that a file says are more likely one than not.
fn likely(path: &Path) -> BTreeSet<(String, String)> {
    let likely = scored(path).into_iter().filter(|(_, [score, _])| *score > 0.5);
    likely.map(|(ends, _)| ends).collect()
}

/// All twins, and of 16,000 other pairs hardly any: without the companies little tells some apart.
#[track_caller]
fn assert_few_more(found: &BTreeSet<(String, String)>, twins: &BTreeSet<(String, String)>) {
    let missed: Vec<_> = twins.difference(found).collect();
    assert!(missed.is_empty(), "{missed:?}");
    let more: Vec<_> = found.difference(twins).collect();
    assert!(more.len() <= 2, "{more:?}");
}

#[test]
fn two_that_are_one_with_a_third_are_one_though_they_share_nothing_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let (mut rows, _) = people();
    // Who married and changed jobs: one form holds the old name and address, one the new, and one both.
    for n in [5, 105, 205, 305] {
        let [first, last, mail, phone, company] = person(n);
        let blank = String::new;
        let at = rows.iter().position(|row| row[0] == format!("P{n:03}")).unwrap();
        rows[at][4] = phone.clone();
        rows.insert(at, [format!("O{n:03}"), first.clone(), last, mail, blank(), company]);
        let new = ["Zo", "Vu", "Qi", "Ji"][n / 100];
        rows.push([format!("N{n:03}"), first, format!("{new}bretz"), blank(), phone, blank()]);
    }
    write(&folder.path().join("people.csv"), &HEADER, &rows);
    let why = ["people.csv", "--pairs", "out.csv", "--weights", "why.csv", "--clusters", "one.csv"];
    let done = call(folder.path(), &why).ends(0);
    assert!(
        done.out.contains("; 4 of these because both are one with a third record\n"),
        "{}",
        done.out
    );
    let rows = scored(&folder.path().join("out.csv"));
    let clusters = fs::read_to_string(folder.path().join("one.csv")).unwrap();
    for n in [5, 105, 205, 305] {
        let [score, weight] = rows[&(format!("O{n:03}"), format!("N{n:03}"))];
        assert!(score > 0.5 && weight < 0.0, "{n}: {score}, {weight} bits");
        assert!(clusters.contains(&format!("N{n:03},O{n:03}\n")), "{clusters}");
    }
    // The third is named, and what it adds is what the score has and the weight has not.
    let mut why = csv::Reader::from_path(folder.path().join("why.csv")).unwrap();
    let mut named = 0;
    for row in
        why.deserialize::<(String, String, String, String, String, f64)>().map(Result::unwrap)
    {
        let (left, right, comparison, level, third, adds) = row;
        if comparison != "third record" {
            continue;
        }
        assert_eq!(level, "both are one with it");
        let [score, weight] = rows[&(left.clone(), right.clone())];
        assert!(((score / (1.0 - score)).log2() - weight - adds).abs() < 1e-6, "{left} {right}");
        if left.starts_with('O') && right.starts_with('N') {
            assert_eq!(third, left.replace('O', "P"));
            named += 1;
        }
    }
    assert_eq!(named, 4);
}

#[test]
fn a_file_is_linked_within_itself_whatever_the_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let (rows, twins) = people();
    write(&folder.path().join("people.csv"), &HEADER, &rows);
    let done = call(folder.path(), &["people.csv", "--pairs", "one.csv", "--threads", "1"]);
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.out.starts_with(
        "440 records linked by First Name (first-name), Last Name (last-name), Email (mail), Phone (phone), \
         Company (company)\n"
    ), "{}", done.out);
    assert_eq!(likely(&folder.path().join("one.csv")), twins);
    call(folder.path(), &["people.csv", "--pairs", "two.csv", "--threads", "2"]);
    let [one, two] = ["one.csv", "two.csv"].map(|name| fs::read(folder.path().join(name)).unwrap());
    assert_eq!(one, two);
}

/// Companies of several sites, every third with its words in another order or a slip in them.
fn sites() -> Rows {
    let site = |n: usize| {
        let [first, last, mail, phone, company] = person(n / 2);
        let (mut name, street) = (company.clone(), format!("{} {last} street", 10 + n % 3));
        if n.is_multiple_of(3) {
            name = format!("{} {first}", name.replacen('o', "oo", 1));
        }
        let domain = mail.split('@').nth(1).unwrap_or_default().to_owned();
        [format!("S{n:03}"), name, domain, phone, street, FIRST[n % FIRST.len()].to_owned()]
    };
    (0..800).map(site).collect()
}

#[test]
fn the_order_of_rows_changes_no_pair_no_score_and_no_model() {
    let sites_header = ["Record ID", "Company", "Website", "Phone", "Street", "City"];
    for (header, rows) in [(HEADER, people().0), (sites_header, sites())] {
        let folder = tempfile::tempdir().unwrap();
        // Each row once: 17 and the number of rows have no factor in common.
        let turned: Vec<_> = (1..=rows.len()).map(|n| rows[n * 17 % rows.len()].clone()).collect();
        let found = [("one", &rows), ("two", &turned)].map(|(name, rows)| {
            let file = |kind: &str| format!("{name}.{kind}");
            write(&folder.path().join(file("csv")), &header, rows);
            let [table, pairs, model] = ["csv", "pairs", "toml"].map(file);
            call(folder.path(), &[&table, "--pairs", &pairs, "--model-out", &model]).ends(0);
            let pairs: BTreeMap<_, _> = scored(&folder.path().join(pairs))
                .into_iter()
                .map(|((one, other), scores)| {
                    ([one.clone().min(other.clone()), one.max(other)], scores)
                })
                .collect();
            (pairs, fs::read_to_string(folder.path().join(model)).unwrap())
        });
        let [(one, model), (two, other)] = found;
        assert!(one.len() > 40, "{} pairs", one.len());
        assert_eq!(one, two);
        assert_eq!(model, other);
    }
}

#[test]
fn ids_that_repeat_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let (mut rows, _) = people();
    for row in &mut rows[..7] {
        row[0] = "1.23457E+11".to_owned();
    }
    write(&folder.path().join("people.csv"), &HEADER, &rows);
    let done = call(folder.path(), &["people.csv", "--pairs", "pairs.csv"]).ends(0);
    assert!(done.out.contains("6 records have the id of an earlier one"), "{}", done.out);
    // The same ids in two sources are nobody's mistake.
    write(&folder.path().join("one.csv"), &HEADER, &rows[7..200]);
    write(&folder.path().join("two.csv"), &HEADER, &rows[7..200]);
    let done = call(folder.path(), &["one.csv", "two.csv", "--pairs", "pairs.csv"]).ends(0);
    assert!(!done.out.contains("the id of an earlier one"), "{}", done.out);
}

#[test]
fn clusters_name_every_record_once_and_join_the_twins() {
    let folder = tempfile::tempdir().unwrap();
    let (rows, twins) = people();
    write(&folder.path().join("people.csv"), &HEADER, &rows);
    for (threads, file) in [("1", "one.csv"), ("2", "two.csv")] {
        let arguments =
            ["people.csv", "--pairs", "pairs.csv", "--clusters", file, "--threads", threads];
        let done = call(folder.path(), &arguments);
        assert_eq!(done.code, 0, "{}", done.err);
        assert!(done.out.contains("80 records in 40 clusters; 0 pairs left apart"), "{}", done.out);
    }
    let mut file = csv::Reader::from_path(folder.path().join("one.csv")).unwrap();
    assert_eq!(file.headers().unwrap(), ["id", "cluster"].as_slice());
    let of: Vec<(String, String)> = file.deserialize().collect::<Result<_, _>>().unwrap();
    assert!(of.iter().map(|(id, _)| id).eq(rows.iter().map(|row| &row[0])));
    let joined: BTreeSet<(String, String)> = of
        .into_iter()
        .filter(|(id, cluster)| id != cluster)
        .map(|(id, cluster)| (cluster, id))
        .collect();
    assert_eq!(joined, twins);
    let [one, two] = ["one.csv", "two.csv"].map(|name| fs::read(folder.path().join(name)).unwrap());
    assert_eq!(one, two);
}

#[test]
fn a_lone_copy_among_people_without_twins_is_likely_one_with_its_original() {
    let held = tempfile::tempdir().unwrap();
    let mut rows: Vec<[String; 6]> = (0..799)
        .map(|n| {
            let [first, last, mail, phone, _] = person(n);
            [format!("P{n:03}"), first, last, mail, phone, String::new()]
        })
        .collect();
    let mut copy = rows[1].clone();
    copy[0] = "Q001".to_owned();
    copy[3].clear();
    rows.push(copy);
    write(&held.path().join("people.csv"), &HEADER, &rows);
    call(held.path(), &["people.csv", "--pairs", "pairs.csv"]).ends(0);
    let likely = likely(&held.path().join("pairs.csv"));
    assert_eq!(likely, [("P001".to_owned(), "Q001".to_owned())].into());
}

#[test]
fn copies_are_one_cluster_however_many_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let (mut rows, _) = people();
    // A copy of somebody who stands there once, and of somebody who has a twin.
    for (n, copies) in [(5, 30), (10, 11_000)] {
        let of = rows.iter().find(|row| row[0] == format!("P{n:03}")).unwrap().clone();
        rows.extend((0..copies).map(|copy| {
            let mut row = of.clone();
            row[0] = format!("{n}-{copy}");
            row
        }));
    }
    write(&folder.path().join("people.csv"), &HEADER, &rows);
    let files = ["people.csv", "--pairs", "pairs.csv", "--clusters", "one.csv"];
    let done = call(folder.path(), &files).ends(0);
    assert!(done.out.contains("11111 records in 41 clusters; 0 pairs left apart"), "{}", done.out);
    let clusters = fs::read_to_string(folder.path().join("one.csv")).unwrap();
    let of = |first: &str| clusters.lines().filter(|line| line.ends_with(first)).count();
    assert_eq!([of(",P005"), of(",P010"), of(",P020")], [31, 11_002, 2]);
}

#[test]
fn where_countries_are_all_that_is_told_of_a_place_one_country_is_no_doubt_and_two_are() {
    const COUNTRIES: [&str; 4] = ["Germany", "France", "Italy", "Spain"];
    let folder = tempfile::tempdir().unwrap();
    let (mut rows, mut twins) = (Vec::new(), BTreeMap::new());
    for n in 0..600 {
        // Three colleagues each, in one country.
        let ([first, last, ..], [.., company]) = (person(n), person(n / 3));
        let domain = company.split(' ').next().unwrap().to_owned();
        let country = COUNTRIES[n / 3 % 4].to_owned();
        let mail = format!("{first}.{last}@{domain}.com");
        rows.push([
            format!("P{n:03}"),
            first.clone(),
            last.clone(),
            mail,
            company.clone(),
            country,
        ]);
        if n % 60 == 0 {
            let moved = n % 300 == 0;
            let country = COUNTRIES[(n / 3 + usize::from(moved)) % 4].to_owned();
            let mail = format!("{}{last}@{domain}.com", &first[..1]);
            rows.push([format!("Q{n:03}"), first, last, mail, company, country]);
            twins.insert((format!("P{n:03}"), format!("Q{n:03}")), moved);
        }
    }
    let header = ["Id", "First Name", "Last Name", "Email", "Company", "Country"];
    let weights = |columns: usize| -> BTreeMap<(String, String), f64> {
        write(&folder.path().join("people.csv"), &header[..columns], &rows);
        let files = ["people.csv", "--pairs", "pairs.csv", "--weights", "why.csv"];
        assert_eq!(call(folder.path(), &files).code, 0);
        let mut pairs = csv::Reader::from_path(folder.path().join("pairs.csv")).unwrap();
        let rows = pairs.deserialize::<(String, String, f64, f64)>().map(Result::unwrap);
        rows.map(|(left, right, _, bits)| ((left, right), bits)).collect()
    };
    let (without, with) = (weights(5), weights(6));
    for (pair, moved) in &twins {
        let gained = with[pair] - without[pair];
        assert!(if *moved { gained < 0.1 } else { gained > -0.5 }, "{pair:?} {moved}: {gained}");
    }
    let mut why = csv::Reader::from_path(folder.path().join("why.csv")).unwrap();
    let told = why.deserialize::<(String, String, String, String, String, f64)>();
    let mut seen = [0, 0];
    for (.., says, _, bits) in told.map(Result::unwrap) {
        match says.as_str() {
            "the same country" => {
                seen[0] += 1;
                assert!(bits > -0.5, "{bits}");
            }
            "different countries" => {
                seen[1] += 1;
                assert!(bits <= 0.0, "{bits}");
            }
            _ => {}
        }
    }
    assert!(seen.iter().all(|seen| *seen > 1), "{seen:?}");
}

#[test]
fn two_sources_are_linked_between_in_one_file_or_in_two() {
    let folder = tempfile::tempdir().unwrap();
    let (left, right, twins) = two_sources();
    write(&folder.path().join("left.csv"), &HEADER, &left);
    // Fewer columns, in another order, are found by name.
    let header = ["Record ID", "Email", "Last Name", "First Name", "Phone"];
    let moved: Vec<[String; 6]> = right
        .iter()
        .map(|[id, first, last, mail, phone, company]| {
            [id, mail, last, first, phone, company].map(String::clone)
        })
        .collect();
    write(&folder.path().join("right.csv"), &header, &moved);
    let done = call(folder.path(), &["left.csv", "right.csv", "--pairs", "out.csv"]);
    assert_eq!(done.code, 0, "{}", done.err);
    assert_few_more(&likely(&folder.path().join("out.csv")), &twins);

    let sources = left.iter().map(|row| (row, "crm")).chain(right.iter().map(|row| (row, "shop")));
    let both: Vec<[String; 6]> = sources
        .map(|([id, first, last, mail, phone, _], source)| {
            [id, first, last, mail, phone, &source.to_owned()].map(String::clone)
        })
        .collect();
    let header = ["Record ID", "First Name", "Last Name", "Email", "Phone", "source"];
    write(&folder.path().join("both.csv"), &header, &both);
    let done = call(folder.path(), &["both.csv", "--link", "--pairs", "both-out.csv"]);
    assert_eq!(done.code, 0, "{}", done.err);
    assert_few_more(&likely(&folder.path().join("both-out.csv")), &twins);
}

#[test]
fn columns_of_two_files_are_joined_by_name_by_spelling_and_by_what_they_hold() {
    let folder = tempfile::tempdir().unwrap();
    let (left, right, twins) = two_sources();
    write(&folder.path().join("left.csv"), &HEADER, &left);
    let header = ["id", "first_name", "surname", "E-MAIL", "Mobile", "Postcode"];
    write(&folder.path().join("right.csv"), &header, &right);
    let done = call(folder.path(), &["left.csv", "right.csv", "--pairs", "out.csv"]).ends(0);
    let told = "440 records linked by First Name / first_name (first-name), Last Name / surname (last-name), \
                Email / E-MAIL (mail), Phone / Mobile (phone), Company (company)\n";
    assert!(done.out.starts_with(told), "{}", done.out);
    // The company's name is compared with the domain of the address.
    assert!(!done.out.contains("not compared of left.csv"), "{}", done.out);
    assert!(done.out.contains("\nnot compared of right.csv: Postcode ("), "{}", done.out);
    assert_few_more(&likely(&folder.path().join("out.csv")), &twins);

    // What no name and no value tells is told by who asks.
    let header = ["id", "Industry", "Gender", "Year", "Occupation", "Sex"];
    write(&folder.path().join("right.csv"), &header, &right);
    let left = ["id", "a", "b", "c", "d", "Vendor"];
    write(&folder.path().join("left.csv"), &left, &right);
    let files = ["left.csv", "right.csv", "--pairs", "none.csv"];
    let kinds = ["--kind", "Vendor=company"];
    let none = call(folder.path(), &[&files[..], &kinds].concat()).ends(2);
    assert!(none.err.contains("left.csv and right.csv have no column in common"), "{}", none.err);
    assert!(none.err.contains("hint: say which two hold the same, with --kind"), "{}", none.err);
    let kinds = ["--kind", "Vendor=company", "--kind", "Sex=company"];
    let done = call(folder.path(), &[&files[..], &kinds].concat()).ends(0);
    assert!(done.out.contains("linked by Vendor / Sex (company)\n"), "{}", done.out);
}

#[test]
fn whole_names_of_a_small_file_are_compared_with_the_parts_of_a_large_one() {
    let folder = tempfile::tempdir().unwrap();
    let (rows, _) = people();
    let large: Vec<[String; 6]> = rows
        .iter()
        .map(|[id, first, last, _, phone, _]| [id, first, last, phone, id, id].map(String::clone))
        .collect();
    write(&folder.path().join("large.csv"), &["id", "first_name", "last_name", "phone"], &large);
    let small: Vec<[String; 6]> = (5..15)
        .map(|n| {
            let [first, last, _, phone, _] = person(n);
            let id = format!("S{n}");
            [id.clone(), format!("{first} {last}"), phone, id.clone(), id.clone(), id]
        })
        .collect();
    write(&folder.path().join("small.csv"), &["id", "Full Name", "phone"], &small);
    let files = ["large.csv", "small.csv", "--pairs", "out.csv", "--weights", "why.csv"];
    let done = call(folder.path(), &files).ends(0);
    assert!(done.out.contains("Full Name (full-name)"), "{}", done.out);
    let why = fs::read_to_string(folder.path().join("why.csv")).unwrap();
    for n in 5..15 {
        let same = format!("P{n:03},S{n},last name,the same last name,");
        assert!(why.contains(&same), "{same}: {why}");
    }
}

#[test]
fn a_column_without_a_partner_stands_behind_one_that_has_one() {
    let folder = tempfile::tempdir().unwrap();
    let (left, right, twins) = two_sources();
    let left: Vec<[String; 6]> = left
        .iter()
        .map(|[id, first, last, mail, phone, _]| {
            let work = format!("{id}@elsewhere.com");
            [id, &work, first, last, mail, phone].map(String::clone)
        })
        .collect();
    write(
        &folder.path().join("left.csv"),
        &["id", "work_email", "first_name", "last_name", "email", "phone"],
        &left,
    );
    write(
        &folder.path().join("right.csv"),
        &["id", "first_name", "last_name", "email", "phone"],
        &right,
    );
    let done = call(
        folder.path(),
        &["left.csv", "right.csv", "--pairs", "out.csv", "--weights", "why.csv"],
    )
    .ends(0);
    assert_few_more(&likely(&folder.path().join("out.csv")), &twins);
    let why = fs::read_to_string(folder.path().join("why.csv")).unwrap();
    assert!(why.contains("P010,Q010,mail address,the same mail address,"), "{why}\n{}", done.out);
}

#[test]
fn columns_that_are_said_to_hold_the_same_are_joined_before_those_that_seem_to() {
    let folder = tempfile::tempdir().unwrap();
    let (left, right, twins) = two_sources();
    let left: Vec<[String; 6]> = left
        .iter()
        .map(|[id, first, last, mail, phone, _]| {
            [id, &format!("{id}@elsewhere.com"), mail, first, last, phone].map(String::clone)
        })
        .collect();
    write(
        &folder.path().join("left.csv"),
        &["id", "Email", "Contact", "first_name", "last_name", "phone"],
        &left,
    );
    write(
        &folder.path().join("right.csv"),
        &["id", "first_name", "last_name", "Kontakt", "phone"],
        &right,
    );
    let kinds = ["--kind", "Contact=mail", "--kind", "Kontakt=mail"];
    let done = call(
        folder.path(),
        &[&["left.csv", "right.csv", "--pairs", "out.csv"][..], &kinds].concat(),
    )
    .ends(0);
    assert!(done.out.contains("Contact / Kontakt (mail)"), "{}", done.out);
    assert_few_more(&likely(&folder.path().join("out.csv")), &twins);
}

#[test]
fn a_name_of_people_is_not_joined_to_a_name_of_companies_that_has_a_partner() {
    let folder = tempfile::tempdir().unwrap();
    let leads: Vec<[String; 6]> = (0..200)
        .map(|n| {
            let [_, last, mail, phone, company] = person(n);
            [format!("L{n}"), format!("Ann {last}"), company, phone, mail, String::new()]
        })
        .collect();
    let accounts: Vec<[String; 6]> = (0..400)
        .map(|n| {
            let [.., phone, company] = person(n);
            [format!("A{n}"), company, phone, String::new(), String::new(), String::new()]
        })
        .collect();
    write(&folder.path().join("leads.csv"), &["id", "Name", "Company", "Phone"], &leads);
    write(&folder.path().join("accounts.csv"), &["id", "Name", "Phone"], &accounts);
    let done = call(folder.path(), &["leads.csv", "accounts.csv", "--pairs", "out.csv"]).ends(0);
    assert!(done.out.contains("by Company / Name (company), Phone (phone)\n"), "{}", done.out);
    // Whether a bare name is a company's is a guess, and where none fits better the header says more.
    write(&folder.path().join("leads.csv"), &["id", "Name", "Partner"], &leads);
    let done = call(folder.path(), &["leads.csv", "accounts.csv", "--pairs", "out.csv"]).ends(0);
    assert!(done.out.contains("by Name ("), "{}", done.out);
}

#[test]
fn what_is_said_to_be_compared_is_what_is_compared() {
    let folder = tempfile::tempdir().unwrap();
    let (left, right, _) = two_sources();
    let write = |name: &str, header: &[&str], rows: &[[String; 6]]| {
        let mut out = csv::Writer::from_path(folder.path().join(name)).unwrap();
        out.write_record(header).unwrap();
        for [id, first, last, mail, _, company] in rows {
            let cell = |name: &&str| match *name {
                "id" => id.clone(),
                "email" | "other_email" => mail.clone(),
                "website" => mail.split('@').nth(1).unwrap_or_default().to_lowercase(),
                "full_name" => format!("{first} {last}"),
                _ => company.clone(),
            };
            out.write_record(header.iter().map(cell)).unwrap();
        }
        out.flush().unwrap();
    };
    let check = |files: &[&str], linked: &str, left_out: &[&str]| {
        let done = call(folder.path(), &[files, &["--pairs", "out.csv"]].concat()).ends(0);
        assert!(done.out.contains(&format!(" linked by {linked}\n")), "{}", done.out);
        let told: Vec<&str> =
            done.out.lines().filter_map(|line| line.strip_prefix("not compared of ")).collect();
        let hint = " (`--kind` says what a column holds)";
        let left_out: Vec<String> = left_out.iter().map(|told| format!("{told}{hint}")).collect();
        assert_eq!(told, left_out);
    };
    let between = |of_left: &[&str], of_right: &[&str], linked: &str, left_out: &[&str]| {
        write("left.csv", of_left, &left);
        write("right.csv", of_right, &right);
        check(&["left.csv", "right.csv"], linked, left_out);
    };
    // The domain of a website is that of an address,
    between(&["id", "website"], &["id", "email"], "website (web), email (mail)", &[]);
    let linked = "name (company), website (web), email (mail)";
    between(&["id", "name", "website"], &["id", "name", "email"], linked, &[]);
    // and is held against a company's name where people work for it.
    let company = ["left.csv: company"];
    between(&["id", "company", "website"], &["id", "website"], "website (web)", &company);
    let linked = "full_name (full-name), company (company), website (web)";
    between(&["id", "full_name", "company"], &["id", "full_name", "website"], linked, &[]);
    // Of two columns of addresses the first is read.
    write("left.csv", &["id", "email", "other_email", "full_name"], &left);
    let told = ["left.csv: other_email"];
    check(&["left.csv"], "email (mail), full_name (full-name)", &told);
}

#[test]
fn a_house_number_is_compared_only_beside_a_street() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, header: &[&str]| {
        let mut out = csv::Writer::from_path(folder.path().join(name)).unwrap();
        out.write_record(header).unwrap();
        for n in 0..60 {
            let [_, street, _, _, company] = person(n % 50);
            let cell = |name: &&str| match *name {
                "id" => format!("{name}{n}"),
                "company" => company.clone(),
                "street" => street.clone(),
                "house_number" => n.to_string(),
                _ => format!("{n} {street}"),
            };
            out.write_record(header.iter().map(cell)).unwrap();
        }
        out.flush().unwrap();
    };
    let hint = " (`--kind` says what a column holds)\n";
    let check = |files: &[&str], linked: &str, left_out: &[&str]| {
        let done = call(folder.path(), &[files, &["--pairs", "out.csv"]].concat()).ends(0);
        assert!(done.out.contains(&format!(" linked by {linked}\n")), "{}", done.out);
        for file in files {
            let told = format!("not compared of {file}: house_number{hint}");
            assert_eq!(done.out.contains(&told), left_out.contains(file), "{}", done.out);
        }
    };
    write("alone.csv", &["id", "company", "house_number"]);
    write("more.csv", &["id", "company", "house_number"]);
    write("apart.csv", &["id", "company", "street", "house_number"]);
    write("whole.csv", &["id", "company", "address"]);
    write("nothing.csv", &["id", "house_number"]);
    check(&["alone.csv"], "company (company)", &["alone.csv"]);
    check(&["alone.csv", "more.csv"], "company (company)", &["alone.csv", "more.csv"]);
    let linked = "company (company), street (street), house_number (house-number)";
    check(&["apart.csv"], linked, &[]);
    let linked = "company (company), street / address (street), house_number (house-number)";
    check(&["apart.csv", "whole.csv"], linked, &[]);
    // A street that no other is held against is not compared, and neither is its number.
    check(&["alone.csv", "whole.csv"], "company (company)", &["alone.csv"]);
    let none = call(folder.path(), &["nothing.csv", "--pairs", "out.csv"]).ends(2);
    assert!(none.err.contains("no column is known to hold a name"), "{}", none.err);
}

#[test]
fn the_ids_stand_where_they_tell_records_apart_and_never_tell_the_source() {
    let folder = tempfile::tempdir().unwrap();
    let (rows, twins) = people();
    let rows: Vec<[String; 6]> = rows
        .iter()
        .map(|[id, first, last, mail, phone, _]| {
            let source = if id.starts_with('P') { "crm" } else { "shop" };
            [&source.to_owned(), first, last, mail, phone, id].map(String::clone)
        })
        .collect();
    for header in [
        ["source", "First Name", "Last Name", "Email", "Phone", "Record ID"],
        ["source", "First Name", "Last Name", "Email", "Phone", "id"],
    ] {
        write(&folder.path().join("both.csv"), &header, &rows);
        let done = call(folder.path(), &["both.csv", "--link", "--pairs", "out.csv"]).ends(0);
        assert!(done.out.contains("linked by First Name (first-name), "), "{}", done.out);
        let told = format!("\nthe ids of both.csv are its column {}\n", header[5]);
        assert!(done.out.contains(&told), "{}", done.out);
        assert_few_more(&likely(&folder.path().join("out.csv")), &twins);
    }
}

#[test]
fn what_is_asked_for_wrongly_is_named_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (rows, _) = people();
    write(&folder.path().join("people.csv"), &HEADER, &rows);
    write_new(&folder.path().join("flags.csv"), b"id,flag\n1,yes\n2,no\n").unwrap();
    for (arguments, code, words) in [
        (&["people.csv", "--id", "Key"][..], 2, "people.csv: there is no column `Key`"),
        (&["people.csv", "--kind", "Vendor=company"], 2, "there is no column `Vendor`"),
        (&["people.csv", "--kind", "Email=e-mail"], 2, "`e-mail` is no kind"),
        (&["people.csv", "--link"], 2, "there is no column `source`"),
        (&["people.csv", "--link", "--source", "Company"], 2, "sources, not two"),
        (&["flags.csv"], 2, "no column is known to hold a name"),
        (&["nothing.csv"], 3, "nothing.csv"),
    ] {
        let done = call(folder.path(), &[arguments, &["--pairs", "out.csv"]].concat());
        assert_eq!(done.code, code, "{arguments:?}: {}", done.err);
        assert!(done.err.contains(words), "{arguments:?}: {}", done.err);
        assert!(!folder.path().join("out.csv").exists(), "{arguments:?}");
    }
}

#[test]
fn a_column_is_what_it_is_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let (rows, twins) = people();
    let header = ["Record ID", "Given", "Sur", "Contact", "Dial", "Firm"];
    write(&folder.path().join("people.csv"), &header, &rows);
    let kinds = ["Given=first-name", "Sur=last-name", "Dial=phone", "Firm=company", "Contact=none"];
    let kinds: Vec<&str> = kinds.iter().flat_map(|kind| ["--kind", kind]).collect();
    let done = call(folder.path(), &[&["people.csv", "--pairs", "out.csv"][..], &kinds].concat());
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(!done.out.contains("Contact"), "{}", done.out);
    let found = likely(&folder.path().join("out.csv"));
    // Without the addresses, those of whom nothing else is known are not found.
    assert!(found.is_subset(&twins) && found.len() >= twins.len() / 2, "{found:?}");
}

#[test]
fn a_model_is_kept_and_gives_the_same_bytes_again() {
    let folder = tempfile::tempdir().unwrap();
    let (rows, _) = people();
    write(&folder.path().join("people.csv"), &HEADER, &rows);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let done =
        call(folder.path(), &["people.csv", "--pairs", "one.csv", "--model-out", "model.toml"]);
    assert_eq!(done.code, 0, "{}", done.err);
    let again = ["--model", "model.toml", "--pairs", "two.csv", "--model-out", "again.toml"];
    let pinned = call(folder.path(), &[&["people.csv"][..], &again].concat());
    assert_eq!(pinned.code, 0, "{}", pinned.err);
    assert_eq!(pinned.out, done.out);
    assert_eq!(read("two.csv"), read("one.csv"));
    assert_eq!(read("again.toml"), read("model.toml"));

    // Of a tenth of the people nothing can be learned, but what all of them taught still holds.
    write(&folder.path().join("few.csv"), &HEADER, &rows[..44]);
    let few = ["few.csv", "--model", "model.toml", "--pairs", "few-out.csv"];
    let done = call(folder.path(), &[&few[..], &["--model-out", "few.toml"]].concat());
    assert_eq!(done.code, 0, "{}", done.err);
    assert_eq!(read("few.toml"), read("model.toml"));
    assert_eq!(likely(&folder.path().join("few-out.csv")).len(), 4);
}

#[test]
fn a_model_that_is_damaged_or_of_other_records_is_told_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let (rows, _) = people();
    write(&folder.path().join("people.csv"), &HEADER, &rows);
    call(folder.path(), &["people.csv", "--pairs", "one.csv", "--model-out", "good.toml"]);
    let good = fs::read_to_string(folder.path().join("good.toml")).unwrap();
    let slip = good.replacen("m = 0.", "m = 7.", 1);
    let line = 1 + good.lines().position(|line| line.contains("m = 0.")).unwrap();
    let renamed = good.replacen("\"the same first name\"", "\"one first name\"", 1);
    for (name, text) in [
        ("cut.toml", &good[..good.len() - 200]),
        ("slip.toml", &slip),
        ("renamed.toml", &renamed),
        ("splink.json", "{\n  \"link_type\": \"dedupe_only\"\n}\n"),
    ] {
        write_new(&folder.path().join(name), text.as_bytes()).unwrap();
    }
    let slip = format!("slip.toml: line {line}: `m` is 7.");
    for (arguments, code, words) in [
        (&["--model", "nothing.toml"][..], 3, "nothing.toml: "),
        (&["--model", "people.csv"], 2, "people.csv: line 1: "),
        (&["--model", "splink.json"], 2, "splink.json: line 1: "),
        (&["--model", "cut.toml"], 2, "cut.toml: line "),
        (&["--model", "slip.toml"], 2, &slip),
        (
            &["--model", "renamed.toml"],
            2,
            "other levels of the first name: `one first name` where this program has `the same first name`",
        ),
        (
            &["--model", "good.toml", "--kind", "Phone=none"],
            2,
            "the model weighs the phone number, of which these records say nothing",
        ),
        (
            &["--model", "good.toml", "--kind", "Phone=identifier"],
            2,
            "the model does not weigh the identifier, which these records hold",
        ),
    ] {
        let done =
            call(folder.path(), &[arguments, &["people.csv", "--pairs", "out.csv"]].concat());
        assert_eq!(done.code, code, "{arguments:?}: {}", done.err);
        assert!(done.err.contains(words), "{arguments:?}: {}", done.err);
        assert!(done.err.contains("\n  hint: "), "{arguments:?}: {}", done.err);
        assert!(!folder.path().join("out.csv").exists(), "{arguments:?}");
    }
}

#[test]
fn copies_go_to_splink_with_what_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let (mut rows, _) = people();
    let [_, cells @ ..] = rows[0].clone();
    rows.extend((0..300).map(|n| {
        let [first, last, mail, phone, company] = cells.clone();
        [format!("C{n}"), first, last, mail, phone, company]
    }));
    write(&folder.path().join("people.csv"), &HEADER, &rows);
    call(folder.path(), &["people.csv", "--pairs", "out.csv", "--splink", "there"]).ends(0);
    let mut prepared = csv::Reader::from_path(folder.path().join("there/prepared.csv")).unwrap();
    let prepared: BTreeMap<String, Vec<String>> = prepared
        .deserialize::<Vec<String>>()
        .map(|row| {
            let mut row = row.unwrap();
            (row.remove(0), row)
        })
        .collect();
    assert!(prepared["P000"].iter().filter(|cell| !cell.is_empty()).count() > 5);
    for n in 0..300 {
        assert_eq!(prepared[&format!("C{n}")], prepared["P000"]);
    }
}

#[test]
fn a_model_goes_to_splink_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let (rows, _) = people();
    write(&folder.path().join("people.csv"), &HEADER, &rows);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let there = ["people.csv", "--pairs", "one.csv", "--splink", "there", "--weights", "why.csv"];
    let done = call(folder.path(), &there);
    assert_eq!(done.code, 0, "{}", done.err);
    let prepared = read("there/prepared.csv");
    assert!(prepared.starts_with("unique_id,first_name,first_name_roots,"), "{prepared}");
    assert_eq!(prepared.lines().count(), 441);
    assert!(read("there/limits.csv").starts_with("comparison,level,circumstances,told,why\n"));
    assert!(read("there/settings.duckdb.json").contains("jaro_winkler_similarity("));
    assert!(read("there/settings.spark.json").contains("jaro_winkler("));

    // What each comparison is worth sums with the prior to the pair's weight.
    let model = read("there/model.toml");
    let prior = model.lines().find_map(|line| line.strip_prefix("prior = ")).unwrap();
    let prior: f64 = prior.parse().unwrap();
    let mut why = csv::Reader::from_path(folder.path().join("why.csv")).unwrap();
    let mut sums = BTreeMap::new();
    for row in why.deserialize::<(String, String, String, String, String, f64)>() {
        let (left, right, .., bits) = row.unwrap();
        *sums.entry((left, right)).or_insert(prior) += bits;
    }
    let mut pairs = csv::Reader::from_path(folder.path().join("one.csv")).unwrap();
    for row in pairs.deserialize::<(String, String, f64, f64)>() {
        let (left, right, _, weight) = row.unwrap();
        assert!((sums[&(left, right)] - weight).abs() < 1e-9);
    }

    // Splink counts levels with their circumstances: three matches in ten under one last name.
    let settings = read("there/settings.duckdb.json");
    let mut trained: serde_json::Value = serde_json::from_str(&settings).unwrap();
    let comparisons = trained["comparisons"].as_array_mut().unwrap();
    let first_name = comparisons.iter_mut().find(|one| one["output_column_name"] == "first_name");
    for level in first_name.unwrap()["comparison_levels"].as_array_mut().unwrap() {
        let share =
            if level["label_for_charts"].as_str().unwrap().contains(", ") { 0.3 } else { 0.7 };
        if let Some(m) = level["m_probability"].as_f64() {
            level["m_probability"] = (m * share).into();
        }
    }
    write_new(&folder.path().join("trained.json"), trained.to_string().as_bytes()).unwrap();
    let rates = |text: &str| -> Vec<f64> {
        let numbers = text.split([',', ' ']).filter_map(|word| word.parse().ok());
        numbers.collect()
    };
    for (file, is_same) in [("there/settings.duckdb.json", true), ("trained.json", false)] {
        let back = ["--model", "there/model.toml", "--retrained", file, "--model-out", "back.toml"];
        let done =
            call(folder.path(), &[&["people.csv", "--pairs", "two.csv"], &back[..]].concat());
        assert_eq!(done.code, 0, "{}", done.err);
        assert_eq!(read("back.toml") == model, is_same, "{file}");
        for (one, other) in rates(&read("back.toml")).iter().zip(rates(&model)) {
            assert!((one - other).abs() < 1e-9, "{file}: {one} {other}");
        }
    }
    let wrong = ["people.csv", "--pairs", "three.csv", "--model", "there/model.toml"];
    let done = call(folder.path(), &[&wrong[..], &["--retrained", "one.csv"]].concat());
    assert_eq!(done.code, 2, "{}", done.err);
    assert!(done.err.starts_with("one.csv: line 1: "), "{}", done.err);
}

#[test]
fn of_many_columns_that_are_not_compared_the_known_ones_are_told_first() {
    let unknown: Vec<String> = (0..20).map(|n| format!("X{n:02}")).collect();
    let header = format!("Id,{},City,Email\n", unknown.join(","));
    let row = |n: usize| format!("{n},{}Lyon,p{n}@firm{n}.com\n", "x y z,".repeat(20));
    let folder = tempfile::tempdir().unwrap();
    let left = header + &(0..60).map(row).collect::<String>();
    write_new(&folder.path().join("left.csv"), left.as_bytes()).unwrap();
    write_new(&folder.path().join("right.csv"), b"Id,Email\n7,p7@firm7.com\n").unwrap();
    let done = call(folder.path(), &["left.csv", "right.csv", "--pairs", "pairs.csv"]).ends(0);
    let told = "not compared of left.csv: City, X00, X01, X02, X03, X04, X05, X06, X07, X08, X09, X10 and 9 more (";
    assert!(done.out.contains(told), "{}", done.out);
}

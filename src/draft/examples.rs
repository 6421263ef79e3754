//! The examples in the rules as shipped, beside what is drafted: of a table there is one, or taking the marks
//! of a comment away would make two.
//!
//! Does not: know what any table means.

use std::collections::BTreeMap;

/// The shipped text without its examples of tables that are drafted, and the draft with what they say of the
/// keys that it sets, and those that it does not set: as comments, behind what it sets.
pub(super) fn beside(shipped: &str, drafted: &str) -> (String, String) {
    let drafted = &explained(shipped, drafted);
    let tables = keys_by_table(drafted);
    let mut kept = String::new();
    let mut more: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    // The drafted table of whose example the last line was, and whether it was of that table itself.
    let mut within: Option<(&str, bool)> = None;
    for line in shipped.lines() {
        let shown = line.strip_prefix("# ");
        if let Some(path) = shown.and_then(heading) {
            let (table, _) = path.split_once('.').unwrap_or((path, ""));
            within = tables.get_key_value(table).map(|(table, _)| (*table, *table == path));
        } else if shown.and_then(key).is_none() {
            within = None;
        }
        let Some((table, is_itself)) = within else {
            kept.push_str(line);
            kept.push('\n');
            continue;
        };
        let is_set = |key: &str| tables.get(table).is_some_and(|keys| keys.contains(&key));
        // What stands in quotes only shows how a name is written.
        let is_more = |key: &str| !is_set(key) && !key.starts_with('"');
        if is_itself && shown.and_then(key).is_some_and(is_more) {
            more.entry(table).or_default().push(line);
        }
    }
    (kept, with_more(drafted, &more))
}

/// A draft with what the shipped examples say of its keys, behind each that says nothing of itself. A table without
/// an example, or whose example leaves it to another, takes it from the first that tells.
fn explained(shipped: &str, drafted: &str) -> String {
    let mut said: Vec<(&str, &str, &str)> = Vec::new();
    let mut table = "";
    for line in shipped.lines().filter_map(|line| line.strip_prefix("# ")) {
        if let Some(path) = heading(line) {
            table = path;
        } else if let (Some(key), Some((_, says))) = (key(line), line.rsplit_once(COMMENT)) {
            said.push((table, key, says));
        }
    }
    let says = |table: &str, key: &str| {
        let of_key = || said.iter().filter(|(_, of, _)| *of == key);
        let own = of_key().find(|(of, ..)| *of == table);
        own.or_else(|| of_key().next()).map(|(.., says)| *says)
    };
    let mut text = String::new();
    let mut table = None;
    for line in drafted.lines() {
        text.push_str(line);
        let line = bare(line);
        if let Some(path) = heading(line) {
            table = (!line.starts_with("[[")).then_some(path);
        } else if let (Some(table), Some(key)) = (table, key(line))
            && !line.contains(COMMENT)
            && let Some(says) = says(table, key)
        {
            text += &format!("{COMMENT}{says}");
        }
        text.push('\n');
    }
    text
}

/// What begins a comment behind a setting.
const COMMENT: &str = "  # ";

/// The tables of a draft, commented ones too, and the keys that each sets.
fn keys_by_table(drafted: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut tables: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut table = None;
    for line in drafted.lines().map(bare) {
        if let Some(path) = heading(line) {
            // Entries of a list may be as many as one likes.
            table = (!line.starts_with("[[")).then_some(path);
            tables.extend(table.map(|table| (table, Vec::new())));
        } else if let (Some(table), Some(key)) = (table, key(line)) {
            tables.entry(table).or_default().push(key);
        }
    }
    tables
}

/// A draft with more lines at the end of its tables, which end with a blank line.
fn with_more(drafted: &str, more: &BTreeMap<&str, Vec<&str>>) -> String {
    let mut text = String::new();
    let mut due: &[&str] = &[];
    let add = |text: &mut String, lines: &[&str]| {
        for line in lines {
            text.push_str(line);
            text.push('\n');
        }
    };
    for line in drafted.lines() {
        if line.is_empty() {
            add(&mut text, std::mem::take(&mut due));
        } else if let Some(path) = heading(bare(line)) {
            due = more.get(path).map_or(&[], Vec::as_slice);
        }
        add(&mut text, &[line]);
    }
    // The end of the text ends its last table.
    add(&mut text, due);
    text
}

/// A line without the mark of a comment.
fn bare(line: &str) -> &str {
    line.strip_prefix("# ").unwrap_or(line)
}

/// The path of a table that a line begins.
fn heading(line: &str) -> Option<&str> {
    let (path, rest) = line.strip_prefix('[')?.split_once(']')?;
    let rest = rest.trim_start_matches(']').trim_start();
    (rest.is_empty() || rest.starts_with('#')).then(|| path.trim_start_matches('['))
}

/// The key that a line sets, where it is a bare one or the name of something.
fn key(line: &str) -> Option<&str> {
    let (key, _) = line.split_once(" = ")?;
    let is_bare = key.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'-'));
    (is_bare || key.starts_with('"') && key.ends_with('"')).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drafted_table_takes_over_what_its_example_shows_beyond_it() {
        let shipped = "# One table per object.\n#\n# [contact]\n# field = \"lifecycle\"   # the field\n\
                       # back = []           # moves that are normal\n#\n# [deal]\n# field = \"stage\"\n\n\
                       [stuck]\ndays = 3\n# [segment]   # bands\n# carve_outs = {}\n# [[segment.bands]]\n# to = 1\n";
        let drafted = "[contact]\nfield = \"stage\"\norder = [\n  \"New\",\n]\n\n# [segment]\n# bands = [\n# ]\n";
        let (shipped, drafted) = beside(shipped, drafted);
        assert_eq!(
            shipped,
            "# One table per object.\n#\n#\n# [deal]\n# field = \"stage\"\n\n[stuck]\ndays = 3\n"
        );
        assert_eq!(
            drafted,
            "[contact]\nfield = \"stage\"  # the field\norder = [\n  \"New\",\n]\n# back = []           # moves that are normal\n\n\
             # [segment]\n# bands = [\n# ]\n# carve_outs = {}\n"
        );
    }

    #[test]
    fn what_is_drafted_says_what_its_keys_mean() {
        let shipped = "# [contact]\n# field = \"lifecycle\"   # the field\n# order = [\"a\"]   # from first to last\n\
                       # [deal]\n# field = \"stage\"\n# won = [\"Won\"]       # the good end\n# [bands]\n\
                       # order = 1         # which comes first\n";
        let drafted = "[deal]\nfield = \"status\"\norder = [\n  \"New\",  # 3 deals\n]\nwon = []  # 0 deals\n\n\
                       # [bands]\n# order = 2\n\n[[rule]]\norder = 1\n";
        assert_eq!(
            explained(shipped, drafted),
            "[deal]\nfield = \"status\"  # the field\norder = [  # from first to last\n  \"New\",  # 3 deals\n]\n\
             won = []  # 0 deals\n\n# [bands]\n# order = 2  # which comes first\n\n[[rule]]\norder = 1\n"
        );
    }

    #[test]
    fn the_names_of_an_example_are_not_taken_over() {
        let shipped = "# [channels]   # source -> channel\n# \"Web\" = \"Inbound\"\n[direct]\n";
        let drafted = "[channels]\n\"Fair\" = \"Event\"\n\n";
        assert_eq!(beside(shipped, drafted), ("[direct]\n".to_owned(), drafted.to_owned()));
    }

    #[test]
    fn entries_of_a_list_stand_beside_their_example() {
        let (shipped, drafted) = ("# [[rule]]\n# to = \"Bo\"\n", "[[rule]]\nto = \"Ann\"\n");
        assert_eq!(beside(shipped, drafted), (shipped.to_owned(), drafted.to_owned()));
    }
}

//! Folds companies' names: legal forms, abbreviations, articles, branches.
//!
//! Does not: know which companies belong together; a branch is kept apart, not dropped.

use std::sync::LazyLock;

use hashbrown::HashMap;

use super::company_tables::{ABBREVIATIONS, LEADING_FORMS, LEGAL_FORMS, UNSPACED_FORMS};
use super::fold::{Next, Signs, bare, fold_words};
use super::place::Initials;
use super::{Step, Steps};

/// A company's name, folded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Company {
    /// The name without legal form and article, words in their one form.
    pub core: String,
    /// A branch, place or remark: what stands in brackets or after a dash; empty when there is none.
    pub site: String,
}

impl Company {
    /// Folds a name into one that exists.
    pub fn refold(&mut self, raw: &str) -> Steps {
        self.core.clear();
        self.site.clear();
        let mut steps = Steps::NONE;
        let name = without_unspaced_form(raw);
        if name.len() < raw.len() {
            steps |= Step::LegalForm;
        }
        let raw = name;
        let (front, site, back) = apart(raw);
        if !site.is_empty() {
            steps |= name_into(site, &mut self.site);
            if is_legal_form(&self.site) || self.site.is_empty() {
                self.site.clear();
                return name_into(raw, &mut self.core) | legal_form_out(&mut self.core);
            }
        }
        steps |= name_into(front, &mut self.core);
        if !back.trim().is_empty() {
            self.core.push(' ');
            steps |= name_into(back, &mut self.core);
        }
        steps |= legal_form_out(&mut self.core);
        if self.core.is_empty() {
            std::mem::swap(&mut self.core, &mut self.site);
        } else if !self.site.is_empty() {
            steps |= Step::Site;
        }
        steps
    }

    /// True when there is no name.
    pub fn is_blank(&self) -> bool {
        self.core.is_empty()
    }
}

/// Folds a company's name: case, accents, punctuation, `&`, a leading article, legal forms and usual
/// abbreviations. What is left when nothing else is the name as a whole. A branch stands at the end.
pub fn company(raw: &str) -> String {
    let mut company = Company::default();
    company.refold(raw);
    let Company { mut core, site } = company;
    if !site.is_empty() {
        core.push(' ');
        core.push_str(&site);
    }
    core
}

/// Writes the initials of a folded name into `out`; linking words have none. Empty for a single word.
pub fn acronym_into(core: &str, out: &mut String) {
    out.clear();
    if !core.contains(' ') {
        return;
    }
    let words = core.split(' ').filter(|word| !matches!(*word, "and" | "the"));
    out.extend(words.filter_map(|word| word.chars().next()));
}

/// A name, what stands in its brackets or after its last dash, and what follows the brackets.
fn apart(raw: &str) -> (&str, &str, &str) {
    if !raw.bytes().any(|byte| matches!(byte, b'(' | b'-' | b'|' | b'#' | b',' | b'/' | 0xE2)) {
        return (raw, "", "");
    }
    if let Some((front, rest)) = raw.split_once('(')
        && let Some((site, back)) = rest.split_once(')')
        && has_name(front)
    {
        return (front, site, back);
    }
    for dash in [" - ", " – ", " — ", " | ", " #"] {
        if let Some((front, site)) = raw.rsplit_once(dash)
            && has_name(front)
        {
            return (front, site, "");
        }
    }
    // Acme Inc., Berlin: a place follows the legal form.
    if let Some((front, site)) = raw.rsplit_once([',', '/'])
        && ends_in_form(front)
        && !ends_in_form(site)
    {
        return (front, site, "");
    }
    (raw, "", "")
}

/// A name without a legal form that stands before or behind it without a space, while a name remains.
fn without_unspaced_form(raw: &str) -> &str {
    if raw.is_ascii() {
        return raw;
    }
    let name = raw.trim();
    let strip = |form: &&str| name.strip_prefix(*form).or_else(|| name.strip_suffix(*form));
    let rest = UNSPACED_FORMS.iter().find_map(strip);
    rest.map(str::trim).filter(|rest| rest.contains(char::is_alphanumeric)).unwrap_or(raw)
}

/// True when the last word is a legal form.
fn ends_in_form(text: &str) -> bool {
    let last = text.trim_end().rsplit(' ').next().unwrap_or_default();
    let mut buffer = [0; 16];
    let word = bare(last, &mut buffer);
    word.len() < text.len() && FORMS.get(word).is_some_and(|whole| *whole)
}

/// True when two letters or digits are there.
fn has_name(text: &str) -> bool {
    text.chars().filter(|c| c.is_alphanumeric()).nth(1).is_some()
}

static WORDS: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    let forms =
        ABBREVIATIONS.iter().flat_map(|(one, forms)| forms.split(' ').map(|form| (form, *one)));
    forms.collect()
});

/// Every legal form and every ending of one; true for a whole one.
static FORMS: LazyLock<HashMap<&'static str, bool>> = LazyLock::new(|| {
    let mut forms = HashMap::new();
    for form in LEGAL_FORMS {
        for ending in (1..form.len()).filter_map(|at| form.get(at..)) {
            forms.entry(ending).or_insert(false);
        }
        forms.insert(*form, true);
    }
    forms
});

/// The words of a name in their one form, without an article before them.
fn name_into(raw: &str, out: &mut String) -> Steps {
    let base = out.len();
    let mut letters = Initials::default();
    let mut more = Steps::NONE;
    let mut steps = fold_words(raw, Signs::And, out, |out, word| {
        letters.join(out, word.start, word.after_dot);
        let text = out.get(word.start..).unwrap_or_default();
        let is_and = matches!(text, "et" | "y" | "und");
        if is_and && word.start == base {
            return Next::Apart;
        }
        if let Some(one) = WORDS.get(text) {
            out.truncate(word.start);
            out.push_str(one);
            more |= Step::Abbreviation;
        }
        Next::Apart
    });
    steps |= more;
    let text = out.get(base..).unwrap_or_default();
    if let Some((first, rest)) = text.split_once(' ')
        && !rest.is_empty()
    {
        let dropped = if matches!(
            first,
            "the" | "die" | "der" | "das" | "la" | "le" | "les" | "el" | "los" | "las" | "il"
        ) {
            Some(Step::Article)
        } else if LEADING_FORMS.contains(&first) {
            Some(Step::LegalForm)
        } else {
            None
        };
        if let Some(step) = dropped {
            let end = base + first.len() + 1;
            out.drain(base..end);
            steps |= step;
        }
    }
    steps
}

fn is_legal_form(folded: &str) -> bool {
    let mut buffer = [0; LONGEST_FORM];
    joined(folded, &mut buffer).is_some_and(|form| {
        FORMS.get(form).is_some_and(|whole| *whole) || form == "haftungsbeschrankt"
    })
}

/// Takes legal forms off the end of a name, and an `and` that is left there, while a name remains.
fn legal_form_out(name: &mut String) -> Steps {
    let mut steps = Steps::NONE;
    while let Some(len) = without_legal_form(name) {
        name.truncate(len);
        steps |= Step::LegalForm;
    }
    steps
}

/// Room for the longest legal form.
const LONGEST_FORM: usize = 48;
/// A legal form has no more words than this: sp z o o sp k.
const MOST_WORDS: usize = 6;

/// How long a name is without the longest legal form at its end.
fn without_legal_form(name: &str) -> Option<usize> {
    let mut found = None;
    let mut buffer = [0; LONGEST_FORM];
    let mut end = name.len();
    for _ in 0..MOST_WORDS {
        let Some(space) = name.get(..end)?.rfind(' ') else { break };
        let start = space + 1;
        let form = joined(name.get(start..)?, &mut buffer).unwrap_or_default();
        // What no form ends in, no form with more words before it ends in either.
        match FORMS.get(form) {
            Some(true) => found = Some(start - 1),
            Some(false) => {}
            None => break,
        }
        end = start - 1;
        if end == 0 {
            break;
        }
    }
    let front = name.get(..found?)?;
    Some(front.strip_suffix(" and").unwrap_or(front).len())
}

/// Words without the spaces between them, with `co` for `and co`.
fn joined<'b>(words: &str, buffer: &'b mut [u8; LONGEST_FORM]) -> Option<&'b str> {
    let mut len = 0;
    let mut after_and = false;
    for word in words.split(' ') {
        if word == "and" {
            after_and = true;
            continue;
        }
        if after_and && !word.starts_with("co") {
            return None;
        }
        after_and = false;
        let slot = buffer.get_mut(len..len + word.len())?;
        slot.copy_from_slice(word.as_bytes());
        len += word.len();
    }
    buffer.get(..len).and_then(|form| std::str::from_utf8(form).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_company(raw: &str, expected: &str) {
        assert_eq!(company(raw), expected, "{raw}");
    }

    #[test]
    fn company_names_fold_legal_forms_of_many_countries() {
        for raw in [
            "Acme",
            "ACME, Inc.",
            "The Acme Corporation",
            "Acme GmbH & Co. KG",
            "Acme G.m.b.H.",
            "Acme S.A.R.L.",
            "Acme Sp. z o.o.",
            "Acme S.p.A.",
            "Acme S.A. de C.V.",
            "Acme Pty Ltd",
            "Acme Sdn. Bhd.",
            "Acme Pvt. Ltd.",
            "Acme Private Limited",
            "Acme A/S",
            "Acme Oy Ab",
            "Acme K.K.",
            "Acme, s.r.o.",
            "Acme L.L.P.",
            "Acme & Co.",
        ] {
            check_company(raw, "acme");
        }
        check_company("Müller & Söhne AG", "muller and sohne");
        check_company("Company", "company");
        check_company("The Limited", "limited");
        check_company("SAP SE", "sap");
        check_company("AT&T Inc", "at and t");
        check_company("Acme (UK) Ltd", "acme uk");
    }

    #[test]
    fn more_legal_forms_go() {
        for raw in [
            "Acme Sp. z o.o. Sp. k.",
            "Acme Aktiengesellschaft",
            "Acme Besloten Vennootschap",
            "OOO Acme",
            "PT Acme Tbk",
            "Acme Co., Ltd.",
            "Acme W.L.L.",
            "Acme Berhad",
            "Acme UG (haftungsbeschränkt)",
            "Acme SARL et Cie",
            "Acme FZ-LLC",
            "Acme A.Ş.",
        ] {
            check_company(raw, "acme");
        }
    }

    #[test]
    fn legal_forms_go_from_before_a_name_and_in_other_scripts() {
        for (raw, expected) in [
            ("AS Tallinna Sadam", "tallinna sadam"),
            ("Tallinna Sadam AS", "tallinna sadam"),
            ("Baltika OÜ", "baltika"),
            ("ООО «Ромашка»", "ромашка"),
            ("Ромашка ООО", "ромашка"),
            ("\"Sofia Med\" ЕООД", "sofia med"),
            ("株式会社ソニック", "ソニック"),
            ("ソニック 株式会社", "ソニック"),
            ("北京华为有限公司", "北京华为"),
        ] {
            check_company(raw, &company(expected));
        }
        assert_eq!(company("(주)삼성전자"), company("삼성전자 주식회사"));
        assert_eq!(company("有限公司"), "有限公司");
    }

    #[test]
    fn abbreviations_have_one_form() {
        let same =
            |left: &str, right: &str| assert_eq!(company(left), company(right), "{left} | {right}");
        same("Acme Intl Mfg", "Acme International Manufacturing");
        same("Acme Tech Svcs", "Acme Technologies Services");
        same("Smith Bros. & Assoc.", "Smith Brothers and Associates");
        same("Natl. Univ. of Acme", "National University of Acme");
        same("Acme Hldgs Grp", "Acme Holding Group");
        same("Müller und Söhne", "Müller & Söhne");
        same("García y López", "García & López");
        same("I.B.M.", "IBM");
        same("J.P. Morgan", "JP Morgan");
        assert_ne!(company("Acme Car"), company("Acme Cars"));
    }

    #[track_caller]
    fn check_site(raw: &str, core: &str, site: &str) {
        let mut company = Company::default();
        let steps = company.refold(raw);
        assert_eq!((company.core.as_str(), company.site.as_str()), (core, site), "{raw}");
        assert_eq!(steps.has(Step::Site), !site.is_empty());
    }

    #[test]
    fn a_branch_is_kept_apart() {
        check_site("Acme Inc. (Berlin)", "acme", "berlin");
        check_site("Acme (UK) Ltd", "acme", "uk");
        check_site("Acme - Boston Office", "acme", "boston office");
        check_site("Acme #12", "acme", "12");
        check_site("Acme Inc., Berlin", "acme", "berlin");
        check_site("Smith, Jones & Co., Ltd.", "smith jones", "");
        check_site("Acme - GmbH", "acme", "");
        check_site("(Acme)", "acme", "");
        check_site("Hewlett-Packard", "hewlett packard", "");
        check_site("", "", "");
    }

    #[test]
    fn initials_leave_linking_words_out() {
        let mut out = String::new();
        for (core, expected) in [
            ("international business machines", "ibm"),
            ("massachusetts institute of technology", "miot"),
            ("johnson and johnson", "jj"),
            ("acme", ""),
        ] {
            acronym_into(core, &mut out);
            assert_eq!(out, expected, "{core}");
        }
    }

    #[test]
    fn the_tables_have_no_chains() {
        assert!(LEGAL_FORMS.is_sorted());
        assert!(LEGAL_FORMS.iter().all(|form| form.len() <= LONGEST_FORM));
        for (one, forms) in ABBREVIATIONS {
            assert!(!WORDS.contains_key(one), "{one}");
            for form in forms.split(' ') {
                assert_eq!(WORDS.get(form), Some(one), "{form}");
            }
        }
    }
}

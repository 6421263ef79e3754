//! The company Acme as a HubSpot account: its exports, turned back into what the API sends.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use chrono::{NaiveDateTime, TimeZone as _, Utc};
use serde_json::{Value, json};

use super::hubspot::{Account, Record, Type, Was, written};

/// Names of properties that are not their label in small letters.
const NAMES: [(&str, &str); 27] = [
    ("Record ID", "hs_object_id"),
    ("First Name", "firstname"),
    ("Last Name", "lastname"),
    ("Phone Number", "phone"),
    ("Contact owner", "hubspot_owner_id"),
    ("Company owner", "hubspot_owner_id"),
    ("Deal owner", "hubspot_owner_id"),
    ("Last Activity Date", "notes_last_updated"),
    ("Lead Status", "hs_lead_status"),
    ("Marketing contact status", "hs_marketable_status"),
    ("Create Date", "createdate"),
    ("Lifecycle Stage", "lifecyclestage"),
    ("Job Title", "jobtitle"),
    ("Company Name", "company"),
    ("Company name", "name"),
    ("Deal Name", "dealname"),
    ("Deal Stage", "dealstage"),
    ("Close Date", "closedate"),
    ("State/Region", "state"),
    ("Country/Region", "country"),
    ("Number of Employees", "numemployees"),
    ("Unsubscribed from all email", "hs_email_optout"),
    ("Became a Marketing Qualified Lead Date", "hs_lifecyclestage_marketingqualifiedlead_date"),
    ("Became a Customer Date", "hs_lifecyclestage_customer_date"),
    ("Currency", "deal_currency_code"),
    ("Is Deal Closed?", "hs_is_closed"),
    ("Is Closed Won", "hs_is_closed_won"),
];
/// Properties that hold one of a list of values.
const LISTS: [&str; 16] = [
    "Lead Status",
    "Marketing contact status",
    "Lifecycle Stage",
    "Company Segment",
    "Sales Region",
    "Industry",
    "Lead Source",
    "Country/Region",
    "State/Region",
    "Type",
    "Company kind",
    "Currency",
    "Deal Stage",
    "Deal Type",
    "Forecast category",
    "Pipeline",
];
/// Where HubSpot keeps a person's first conversion.
const CONVERSION: [(&str, &str, &str); 3] = [
    ("first_conversion_date", "First Conversion Date", "datetime"),
    ("first_conversion_event_name", "First Conversion", "string"),
    ("hs_analytics_source", "Original Traffic Source", "string"),
];
/// Columns that are no property, but associated records.
const ASSOCIATED: [(&str, &str); 2] =
    [("Associated Company IDs", "companies"), ("Associated Contact IDs", "contacts")];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/acme/hubspot/exports")
}

/// The rows of an export, by column.
fn rows(file: &str) -> (Vec<String>, Vec<BTreeMap<String, String>>) {
    let text = fs::read(folder().join(file)).unwrap();
    let mut reader = csv::Reader::from_reader(text.as_slice());
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows = reader
        .records()
        .map(|row| header.iter().cloned().zip(row.unwrap().iter().map(str::to_owned)).collect());
    let rows = rows.collect();
    (header, rows)
}

/// An instant of an export, of Acme's own zone, as the API writes it.
fn instant(local: &str) -> String {
    let local = NaiveDateTime::parse_from_str(local, "%Y-%m-%d %H:%M").unwrap();
    written(
        chrono_tz::Europe::Berlin
            .from_local_datetime(&local)
            .earliest()
            .unwrap()
            .with_timezone(&Utc),
    )
}

fn is_instant(column: &str) -> bool {
    column.contains("Date") || column.contains(" date") || column == "Time First Seen"
}

fn property(column: &str) -> String {
    let known = NAMES.iter().find(|(label, _)| *label == column);
    known.map_or_else(
        || column.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_"),
        |(_, name)| (*name).to_owned(),
    )
}

/// The internal value of an option; labels that differ in capitals alone are two options.
fn option(label: &str) -> String {
    let plain = label.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase);
    let capitals = label.chars().filter(|c| c.is_uppercase()).count();
    format!("{}_{capitals}", plain.collect::<String>())
}

/// Whoever is named in an owner column, with the number HubSpot gives them.
struct People(BTreeMap<String, u64>);

impl People {
    /// Those of the users' export, and those who are gone from it.
    fn read() -> (Self, Vec<Value>) {
        let mut people = Self(BTreeMap::new());
        let mut owners = Vec::new();
        for user in rows("users.csv").1 {
            let id: u64 = user["Owner ID"].parse().unwrap();
            people.0.insert(user["Name"].clone(), id);
            owners.push(owner(id, &user["Name"], user["Active"] == "false", &user["Main team"]));
        }
        let gone = 1_204_999_999;
        people.0.insert("Inès Moreau".to_owned(), gone);
        owners.push(owner(gone, "Inès Moreau", true, ""));
        (people, owners)
    }

    fn id(&self, name: &str) -> Option<u64> {
        self.0.get(name.trim_end_matches(" (Deactivated User)")).copied()
    }
}

fn owner(id: u64, name: &str, archived: bool, team: &str) -> Value {
    let (first, last) = name.split_once(' ').unwrap();
    let teams = if team.is_empty() {
        json!([])
    } else {
        json!([{ "id": "1", "name": "Everybody" }, { "id": "2", "name": team, "primary": true }])
    };
    json!({
        "id": id.to_string(), "email": "canary-owner@acme-instruments.example", "type": "PERSON",
        "firstName": first, "lastName": last, "userId": id + 1, "archived": archived,
        "createdAt": "2019-01-01T00:00:00.000Z", "updatedAt": "2019-01-01T00:00:00.000Z",
        "teams": teams,
    })
}

/// The account.
pub(crate) fn account() -> Account {
    let (people, owners) = People::read();
    let mut account = Account {
        owners,
        scopes: Some(
            ["contacts", "companies", "deals", "owners"]
                .map(|kind| format!("crm.objects.{kind}.read"))
                .to_vec(),
        ),
        searches_a_second: 5,
        searched_rows: 10_000,
        ..Account::default()
    };
    for (kind, file) in [
        ("contacts", "hubspot-crm-exports-all-contacts.csv"),
        ("companies", "hubspot-crm-exports-all-companies.csv"),
        ("deals", "hubspot-crm-exports-all-deals.csv"),
    ] {
        add(&mut account, kind, file, &people);
    }
    add_history(&mut account, &people);
    account
}

fn add(account: &mut Account, kind: &str, file: &str, people: &People) {
    let (header, rows) = rows(file);
    let mut table = Type::default();
    for column in header.iter().filter(|column| !column.starts_with("Associated")) {
        let name = property(column);
        let options: BTreeSet<&String> = rows.iter().map(|row| &row[column]).collect();
        let options: Vec<Value> = options
            .into_iter()
            .filter(|label| LISTS.contains(&column.as_str()) && !label.is_empty())
            .map(|label| json!({ "label": label, "value": option(label), "hidden": false }))
            .collect();
        let values = match column.as_str() {
            column if LISTS.contains(&column) || name == "hubspot_owner_id" => "enumeration",
            column if is_instant(column) => "datetime",
            _ => "string",
        };
        let stages = matches!(name.as_str(), "dealstage" | "pipeline");
        table.properties.push(json!({
            "name": name, "label": column, "type": values, "fieldType": "text",
            "options": if stages { Vec::new() } else { options.clone() },
            "referencedObjectType": (name == "hubspot_owner_id").then_some("OWNER"),
        }));
        if name == "dealstage" {
            let stages: Vec<Value> = options
                .iter()
                .map(|stage| json!({ "id": stage["value"], "label": stage["label"], "metadata": {} }))
                .collect();
            let pipeline =
                json!({ "id": "salespipeline", "label": "Sales Pipeline", "stages": stages });
            account.pipelines.insert(kind.to_owned(), vec![pipeline]);
        }
    }
    table.properties.push(json!({
        "name": "hs_createdate", "label": "Object create date/time", "type": "datetime",
        "fieldType": "date", "options": [],
    }));
    for row in rows {
        let id: u64 = row["Record ID"].parse().unwrap();
        let mut record = Record::default();
        for (column, cell) in row.iter().filter(|(_, cell)| !cell.is_empty()) {
            if let Some((_, other)) = ASSOCIATED.iter().find(|(name, _)| name == column) {
                let ids = cell.split(';').map(|id| id.trim().parse().unwrap()).collect();
                let types = (kind.to_owned(), (*other).to_owned());
                account.associations.entry(types).or_default().insert(id, ids);
            } else if !column.starts_with("Associated") && column != "Record ID" {
                let name = property(column);
                let value = if name == "hubspot_owner_id" {
                    people.id(cell).unwrap().to_string()
                } else if LISTS.contains(&column.as_str()) {
                    option(cell)
                } else if is_instant(column) {
                    instant(cell)
                } else {
                    cell.clone()
                };
                record.properties.insert(name, value);
            }
        }
        // HubSpot lists the property for every type, and fills it for deals alone.
        if kind == "deals" {
            let noted = record.properties["createdate"].clone();
            record.properties.insert("hs_createdate".to_owned(), noted);
        }
        table.records.insert(id, record);
    }
    account.types.insert(kind.to_owned(), table);
}

/// What people answered first, as HubSpot keeps it with each of them; gives those answers as an export.
pub(crate) fn add_conversions(account: &mut Account) -> String {
    let contacts = account.types.get_mut("contacts").unwrap();
    let (_, mut rows) = rows("form-submissions.csv");
    rows.sort_by_key(|row| row["Submitted on"].clone());
    for (name, label, values) in CONVERSION {
        contacts.properties.push(json!({
            "name": name, "label": label, "type": values, "fieldType": "text", "options": [],
        }));
    }
    let mut export = "Record ID,Campaign,Channel,Submitted on\n".to_owned();
    for row in rows {
        let id: u64 = row["Record ID"].parse().unwrap();
        let properties = &mut contacts.records.get_mut(&id).unwrap().properties;
        let values =
            [instant(&row["Submitted on"]), row["Campaign"].clone(), row["Channel"].clone()];
        let [(first, ..), ..] = CONVERSION;
        if properties.contains_key(first) {
            continue;
        }
        for ((name, ..), value) in CONVERSION.into_iter().zip(values) {
            properties.insert(name.to_owned(), value);
        }
        let [campaign, channel, at] =
            ["Campaign", "Channel", "Submitted on"].map(|name| &row[name]);
        export += &format!("{id},\"{campaign}\",{channel},{at}\n");
    }
    export
}

fn add_history(account: &mut Account, people: &People) {
    let (_, mut rows) = rows("property-history.csv");
    rows.sort_by_key(|row| {
        (row["Record ID"].clone(), row["Property"].clone(), row["Changed on"].clone())
    });
    for row in rows {
        let id: u64 = row["Record ID"].parse().unwrap();
        let tables = &mut account.types.values_mut();
        let record = tables.find_map(|table| table.records.get_mut(&id)).unwrap();
        let created = record.properties["createdate"].clone();
        let versions = record.history.entry(row["Property"].clone()).or_default();
        if versions.is_empty() {
            let value = option(&row["Old value"]);
            let source = "IMPORT".to_owned();
            versions.push(Was { value, at: created, user: None, source });
        }
        assert_eq!(versions.last().unwrap().value, option(&row["Old value"]), "{row:?}");
        let by = people.id(&row["Changed by"]);
        versions.push(Was {
            value: option(&row["New value"]),
            at: instant(&row["Changed on"]),
            user: by.map(|id| id + 1),
            source: if by.is_some() { "CRM_UI".to_owned() } else { row["Changed by"].clone() },
        });
    }
}

/// The users' export as the account's owners would fill it.
pub(crate) fn users(account: &Account) -> String {
    let mut text = "Owner ID,Name,Email,Active,Main team\n".to_owned();
    for owner in &account.owners {
        let part = |key: &str| owner[key].as_str().unwrap();
        let team = owner["teams"].as_array().unwrap().iter().find(|team| team["primary"] == true);
        text += &format!(
            "{},{} {},{},{},{}\n",
            part("id"),
            part("firstName"),
            part("lastName"),
            part("email"),
            owner["archived"] == false,
            team.map_or("", |team| team["name"].as_str().unwrap()),
        );
    }
    text
}

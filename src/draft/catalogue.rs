//! What CRMs call the columns a review can use.
//!
//! Salesforce API names and report labels, HubSpot labels and internal names, the labels of Pipedrive
//! (`Person - Email - Work`), Zoho (`Account Name.id`), Dynamics (`(Do Not Modify) Lead`, in German
//! `(Nicht ändern) Lead`) and Odoo, the plain words that other systems use, and the German ones, which exports
//! have where the CRM is shown in German; of HubSpot the Spanish and the French ones too.
//! A name is compared without case, spaces and punctuation.
//! Does not: look at a value.

use crate::boundary::{Object, letters};

/// The canonical name, the names it goes by (`@` stands for the table's own noun), why it is read.
type Known = (&'static str, &'static [&'static str], &'static str);

const ID: Known = (
    "id",
    &[
        "Id",
        "@ Id",
        "@ Record ID",
        "Record ID",
        "Record ID - @",
        "hs_object_id",
        "Datensatz-ID",
        "Datensatz-ID - @",
        "ID de registro",
        "ID de fiche d'informations",
        "ID de fiche d'informations - @",
        "ID de registro - @",
        "Copper ID",
        "Nr.",
        "N°",
        "Numéro",
        "Identifiant",
        "Identificador",
        "(Do Not Modify) @",
        "(Nicht ändern) @",
    ],
    "Names the record in evidence.",
);
const OWNER: Known = (
    "owner",
    &[
        "OwnerId",
        "Owner ID",
        "@ Owner ID",
        "hubspot_owner_id",
        "@ owner",
        "Owner",
        "user_id",
        "Salesperson",
        "@-Inhaber",
        "Inhaber",
        "Besitzer",
        "Zuständiger Mitarbeiter",
        "Zuständiger Mitarbeiter für @",
        "Für @ zuständiger Mitarbeiter",
        "@-Inhaber-ID",
        "Betreuer",
        "Account Manager",
        "Verantwortlicher",
        "Assigned To",
        "Assigned User",
        "Commercial",
        "Responsable",
        "Propriétaire",
        "Propietario",
        "Propietario del contacto",
        "Propietario de la empresa",
        "Propietario del negocio",
        "Propriétaire du contact",
        "Propriétaire de l'entreprise",
        "Propriétaire de la transaction",
    ],
    "Finds records that nobody active works.",
);
const CREATED: Known = (
    "created",
    &[
        "CreatedDate",
        "Created Date",
        "Create Date",
        "createdate",
        "Created Time",
        "Created",
        "Created On",
        "Created At",
        "Date Created",
        "Angelegt am",
        "Créé le",
        "Creado el",
        "@ @ created",
        "create_date",
        "Erstelldatum",
        "Erstellungsdatum",
        "Erstellt am",
        "Fecha de creación",
        "Date de création",
    ],
    "Tells how old the record is.",
);
const MODIFIED: Known = (
    "modified",
    &[
        "LastModifiedDate",
        "Last Modified Date",
        "Last Modified",
        "lastmodifieddate",
        "hs_lastmodifieddate",
        "Modified Time",
        "Modified On",
        "Updated At",
        "Date Modified",
        "Last Updated",
        "Updated",
        "Modified",
        "Aktualisiert am",
        "Modifié le",
        "(Do Not Modify) Modified On",
        "(Nicht ändern) Geändert am",
        "@ Update time",
        "Last Updated on",
        "write_date",
        "Letzte Änderung",
        "Letzte Änderung am",
        "Zuletzt geändert am",
        "Geändert am",
        "Datum der letzten Änderung",
        "Date de dernière modification",
        "Date de modification",
        "Dernière modification",
        "Fecha de última modificación",
        "Última modificación",
        "Fecha de la última modificación",
    ],
    "Says which records changed since the last review.",
);
const COUNTRY: Known = (
    "country",
    &[
        "Country",
        "Country/Region",
        "BillingCountry",
        "Billing Country",
        "MailingCountry",
        "Mailing Country",
        "country_id",
        "Address 1: Country/Region",
        "Adresse 1: Land/Region",
        "@ Country of Address",
        "Land",
        "Land/Region",
        "Rechnungsland",
        "Pays",
        "País",
        "País/región",
        "Pays/Région",
    ],
    "Routing and required fields.",
);
const STATE: Known = (
    "state",
    &[
        "State",
        "State/Province",
        "State/Region",
        "BillingState",
        "Billing State/Province",
        "MailingState",
        "Mailing State/Province",
        "State or Province",
        "Address 1: State/Province",
        "Bundesland/Kanton",
        "Adresse 1: Bundesland/Kanton",
        "@ State/county of Address",
        "Bundesland",
        "Bundesland/Region",
        "Bundesland/Provinz",
    ],
    "Routing.",
);
const STREET: Known = (
    "street",
    &[
        "Street",
        "BillingStreet",
        "Billing Street",
        "MailingStreet",
        "Mailing Street",
        "Street Address",
        "Address 1: Street 1",
        "Straße 1",
        "Adresse 1: Straße 1",
        "@ Street/road name of Address",
        "Straße",
        "Strasse",
        "Rechnungsstraße",
        "Postanschrift Straße",
        "Address",
        "Address Line 1",
        "Anschrift",
        "Rue",
        "Adresse",
        "Dirección",
    ],
    "Finds the same person or company twice.",
);
const CITY: Known = (
    "city",
    &[
        "City",
        "BillingCity",
        "Billing City",
        "MailingCity",
        "Mailing City",
        "Address 1: City",
        "Adresse 1: Ort",
        "@ City/town/village/locality of Address",
        "Ort",
        "Stadt",
        "Ciudad",
        "Ville",
    ],
    "Tells namesakes apart.",
);
const POSTAL: Known = (
    "postal_code",
    &[
        "PostalCode",
        "Postal Code",
        "Zip",
        "Zip/Postal Code",
        "BillingPostalCode",
        "MailingPostalCode",
        "Zip Code",
        "Address 1: ZIP/Postal Code",
        "Adresse 1: Postleitzahl",
        "@ ZIP/Postal code of Address",
        "PLZ",
        "Postleitzahl",
        "Code postal",
        "Postcode",
        "Código postal",
    ],
    "Routing; tells namesakes apart.",
);
const PHONE: Known = (
    "phone",
    &[
        "Phone",
        "Phone Number",
        "Business Phone",
        "Main Phone",
        "@ Phone Work",
        "@ Phone",
        "Telefon",
        "Telefonnummer",
        "Telefon (geschäftlich)",
        "Tel.",
        "Telephone",
        "Téléphone",
        "Tél.",
        "Teléfono",
        "Número de teléfono",
        "Numéro de téléphone",
    ],
    "Finds the same person or company twice.",
);
const MOBILE: Known = (
    "mobile",
    &[
        "MobilePhone",
        "Mobile Phone",
        "Mobile Phone Number",
        "Mobile",
        "@ Phone Mobile",
        "Mobil",
        "Mobiltelefon",
        "Mobiltelefonnummer",
        "Handy",
        "Cell Phone",
        "Téléphone mobile",
        "Téléphone portable",
        "Portable",
        "Móvil",
        "Teléfono móvil",
    ],
    "Finds the same person twice.",
);
const CURRENCY: Known = (
    "currency",
    &["CurrencyIsoCode", "@ Currency", "Currency", "@ Currency of Value", "Währung"],
    "Amounts in two currencies are not one amount.",
);
const INDUSTRY: Known =
    ("industry", &["Industry", "Branche", "Sector", "Secteur d'activité"], "Segments and routing.");
const EMPLOYEES: Known = (
    "employees",
    &[
        "NumberOfEmployees",
        "Employees",
        "Number of Employees",
        "No. of Employees",
        "Anzahl der Mitarbeiter",
        "Mitarbeiterzahl",
        "Mitarbeiter",
    ],
    "Segments and routing.",
);
const RECORD_TYPE: Known = (
    "record_type",
    &["RecordTypeId", "Record Type ID", "Record Type"],
    "Keeps records apart that are apart on purpose.",
);
const LEAD_SOURCE: Known = (
    "lead_source",
    &[
        "LeadSource",
        "Lead Source",
        "Original Source",
        "Original Traffic Source",
        "hs_analytics_source",
        "source_id",
        "Source",
        "Ursprüngliche Quelle",
        "Leadquelle",
        "Lead-Quelle",
        "Quelle",
        "Herkunft",
        "Source du prospect",
        "Source du lead",
        "Origine",
        "Fuente original de tráfico",
    ],
    "Compared with the governed list and the first campaign.",
);
const LAST_ACTIVITY: Known = (
    "last_activity",
    &[
        "LastActivityDate",
        "Last Activity",
        "Last Activity Date",
        "Last Activity Time",
        "@ Last activity date",
        "Letzte Aktivität",
        "Datum der letzten Aktivität",
        "Última actividad",
        "Date de la dernière activité",
    ],
    "Finds records that nobody works.",
);
const EXTERNAL_ID: Known = (
    "external_id",
    &["External_Id__c", "External ID", "AccountNumber", "Account Number"],
    "Compared with the system of record.",
);
const LAST_SYNC: Known = (
    "last_sync",
    &[
        "salesforcelastsynctime",
        "Last Salesforce Sync Time",
        "Last Sync",
        "Last Synced",
        "Last Sync Date",
        "Last Sync Time",
        "Letzte Synchronisierung",
    ],
    "Tells whether a sync stands still.",
);
const SEGMENT: Known = ("segment", &["Segment", "Segment__c"], "Segments and routing.");
const REGION: Known =
    ("region", &["Region", "Region__c", "Sales Region", "Territory"], "Segments and routing.");
const OPTED_OUT: Known = (
    "opted_out",
    &["HasOptedOutOfEmail", "Email Opt Out", "Unsubscribed from all email", "hs_email_optout"],
    "A merge must keep the stricter consent.",
);
const DO_NOT_ROUTE: Known = (
    "do_not_route",
    &["Do Not Route", "Do Not Assign", "Exclude from Routing", "Excluded from Routing"],
    "Whoever is marked so is nobody's to work.",
);
/// Whom billing knows as a customer. A box that somebody ticks in the CRM is no bill.
const BILLED: Known = (
    "customer",
    &["Billed", "Is Billed", "Billed in ERP", "Billed by ERP", "Is Invoiced", "Paying Customer"],
    "Bears out the stage of customers whose deals are not here.",
);
const IN_SEQUENCE: Known = (
    "in_sequence",
    &[
        "Currently in Sequence",
        "hs_sequences_is_enrolled",
        "In Sequence",
        "In Cadence",
        "Actively Being Sequenced",
        "Actively_Being_Sequenced__c",
        "Outreach_Actively_Being_Sequenced__c",
    ],
    "Whoever is disqualified should get no sequence.",
);

const DELETED: Known = (
    "deleted",
    &[
        "IsDeleted",
        "Is Deleted",
        "Deleted",
        "@ Deleted",
        "Archived",
        "IsArchived",
        "Is Archived",
        "@ Archived",
        "hs_archived",
        "Gelöscht",
        "Archiviert",
    ],
    "What is deleted or archived is not judged.",
);
// Whether somebody may be mailed is another question.
const EXCLUDED: Known = (
    "excluded",
    &[
        "Exclude from Review",
        "Excluded from Review",
        "Exclude from CRM Review",
        "Excluded from CRM Review",
        "Leave Out of Review",
        "Left Out of Review",
    ],
    "Whoever asks to be left out of the review is.",
);

/// A person's name in one column.
pub(super) const WHOLE_NAME: &str = "full_name";

const FIRST_NAME: Known = (
    "first_name",
    &["FirstName", "First Name", "Vorname", "Prénom", "Nombre", "@ First name"],
    "Names the person.",
);
const LAST_NAME: Known = (
    "last_name",
    &["LastName", "Last Name", "Nachname", "Apellidos", "Apellido", "Nom", "@ Last name"],
    "Names the person.",
);
const FULL_NAME: Known = (
    WHOLE_NAME,
    &[
        "Full Name",
        "@ Name",
        "contact_name",
        "Contact Person",
        "Vollständiger Name",
        "Name",
        "Nombre",
        "Nom complet",
        "Nom",
        "@",
    ],
    "Names the person.",
);
const COMPANY: Known = (
    "company",
    &[
        "Company",
        "Company / Account",
        "Company Name",
        "partner_name",
        "@ Organization",
        "Firma",
        "Firma / Account",
        "Firmenname",
        "Société",
        "Entreprise",
        "Empresa",
        "Organization",
        "Organisation",
        "Unternehmen",
        "Name des Unternehmens",
        "Unternehmensname",
        "Nombre de la empresa",
        "Nom de l'entreprise",
    ],
    "Names the company.",
);
const TITLE: Known = (
    "title",
    &[
        "Title",
        "Job Title",
        "function",
        "Titel",
        "Position",
        "Funktion",
        "Poste",
        "Fonction",
        "Cargo",
        "Intitulé du poste",
    ],
    "Tells colleagues apart.",
);
const EMAIL: Known = (
    "email",
    &[
        "Email",
        "Email Address",
        "email_from",
        "E-Mail-Adresse",
        "Courriel",
        "Adresse e-mail",
        "Correo",
        "Correo electrónico",
        "@ Email Work",
        "@ Email",
        "@ Email Home",
        "@ Email Other",
    ],
    "Finds the same person twice.",
);

const LEAD: &[Known] = &[
    ID,
    OWNER,
    FIRST_NAME,
    LAST_NAME,
    FULL_NAME,
    COMPANY,
    TITLE,
    EMAIL,
    PHONE,
    MOBILE,
    ("website", &["Website", "Website URL"], "Finds the account a lead belongs to."),
    COUNTRY,
    STATE,
    STREET,
    CITY,
    POSTAL,
    CURRENCY,
    INDUSTRY,
    EMPLOYEES,
    SEGMENT,
    REGION,
    RECORD_TYPE,
    LEAD_SOURCE,
    (
        "status",
        &[
            "Status Reason",
            "Statusgrund",
            "Status",
            "Lead Status",
            "stage_id",
            "Stage",
            "Statut",
            "Statut du prospect",
            "Statut du lead",
        ],
        "The stage.",
    ),
    (
        "stage_changed",
        &["Last Status Change", "LastStatusChange__c", "date_last_stage_update"],
        "Tells how long the stage stands.",
    ),
    ("assigned", &["date_open"], "Tells since when the owner has it."),
    ("type", &["type"], "Tells leads from opportunities."),
    CREATED,
    MODIFIED,
    LAST_ACTIVITY,
    (
        "converted",
        &["IsConverted", "Converted", "Is Converted", "Konvertiert"],
        "Converted leads are done.",
    ),
    (
        "converted_date",
        &["ConvertedDate", "Converted Date", "Date Converted"],
        "Tells dates that contradict each other.",
    ),
    ("converted_account", &["ConvertedAccountId", "Converted Account ID"], "Follows a conversion."),
    ("converted_contact", &["ConvertedContactId", "Converted Contact ID"], "Follows a conversion."),
    (
        "converted_deal",
        &["ConvertedOpportunityId", "Converted Opportunity ID"],
        "Follows a conversion.",
    ),
    OPTED_OUT,
    DO_NOT_ROUTE,
    IN_SEQUENCE,
    EXTERNAL_ID,
    DELETED,
    EXCLUDED,
    LAST_SYNC,
];

const CONTACT: &[Known] = &[
    ID,
    OWNER,
    FIRST_NAME,
    LAST_NAME,
    FULL_NAME,
    COMPANY,
    TITLE,
    EMAIL,
    PHONE,
    MOBILE,
    (
        "account",
        &[
            "AccountId",
            "Account ID",
            "Associated Company IDs (Primary)",
            "Associated Company IDs",
            "Associated Company ID",
            "associatedcompanyid",
            "Primary Associated Company ID",
            "Account Name.id",
            "@ Organization ID",
            "Customer ID",
            "Customer No.",
            "Customer Number",
            "Kundennummer",
            "Kunden-Nr.",
            "Numéro client",
            "N° client",
            "Número de cliente",
        ],
        "Links the person to a company.",
    ),
    (
        "website",
        &["Website URL", "Website", "URL du site web"],
        "Finds the company a person belongs to.",
    ),
    COUNTRY,
    STATE,
    STREET,
    CITY,
    POSTAL,
    CURRENCY,
    INDUSTRY,
    EMPLOYEES,
    SEGMENT,
    REGION,
    RECORD_TYPE,
    LEAD_SOURCE,
    (
        "lifecycle",
        &[
            "Lifecycle Stage",
            "lifecyclestage",
            "Lifecycle",
            "Lifecycle-Phase",
            "Etapa del ciclo de vida",
            "Phase du cycle de vie",
        ],
        "The stage.",
    ),
    (
        "status",
        &[
            "Lead Status",
            "hs_lead_status",
            "Estado del lead",
            "Statut du lead",
            "Statut du prospect",
        ],
        "The working status.",
    ),
    (
        "stage_changed",
        &["Date entered current lifecycle stage", "Date entered current stage"],
        "Tells how long the stage stands.",
    ),
    (
        "marketing_status",
        &["Marketing contact status", "Estado del contacto de marketing"],
        "Marketing contacts need no owner.",
    ),
    ("became_lead", &["Became a Lead Date", "hs_lifecyclestage_lead_date"], "The order of stages."),
    (
        "became_mql",
        &[
            "Became a Marketing Qualified Lead Date",
            "hs_lifecyclestage_marketingqualifiedlead_date",
        ],
        "The order of stages.",
    ),
    (
        "became_sql",
        &["Became a Sales Qualified Lead Date", "hs_lifecyclestage_salesqualifiedlead_date"],
        "The order of stages.",
    ),
    (
        "became_opportunity",
        &["Became an Opportunity Date", "hs_lifecyclestage_opportunity_date"],
        "The order of stages.",
    ),
    (
        "became_customer",
        &["Became a Customer Date", "hs_lifecyclestage_customer_date"],
        "The order of stages.",
    ),
    CREATED,
    MODIFIED,
    LAST_ACTIVITY,
    OPTED_OUT,
    DO_NOT_ROUTE,
    IN_SEQUENCE,
    EXTERNAL_ID,
    BILLED,
    DELETED,
    EXCLUDED,
    LAST_SYNC,
];

const ACCOUNT: &[Known] = &[
    ID,
    OWNER,
    (
        "name",
        &[
            "Name",
            "@ Name",
            "Company name",
            "Name des Unternehmens",
            "Unternehmensname",
            "Nombre de la empresa",
            "Firma",
            "Firmenname",
            "Unternehmen",
            "Société",
            "Raison sociale",
            "Nom",
            "Empresa",
            "Nombre",
            "Nom de l'entreprise",
            "@",
            "Customer",
            "Kunde",
            "Client",
            "Cliente",
        ],
        "Names the company.",
    ),
    (
        "website",
        &[
            "Website",
            "Website URL",
            "@ Website",
            "Sitio web",
            "URL du site web",
            "Site web",
            "Webseite",
        ],
        "Finds the same company twice.",
    ),
    (
        "domain",
        &[
            "Company Domain Name",
            "Domain",
            "Domain Name",
            "Nombre de dominio de la empresa",
            "Nom de domaine de l'entreprise",
        ],
        "Finds the same company twice.",
    ),
    (
        "type",
        &["Type", "@ Type", "Typ", "Relationship Type", "Beziehungstyp"],
        "Tells customers from prospects.",
    ),
    (
        "lifecycle",
        &[
            "Lifecycle Stage",
            "lifecyclestage",
            "Lifecycle-Phase",
            "Etapa del ciclo de vida",
            "Phase du cycle de vie",
        ],
        "The stage.",
    ),
    (
        "parent",
        &["ParentId", "Parent Account ID", "Parent Company ID"],
        "A parent and its subsidiary are no duplicates.",
    ),
    COUNTRY,
    STATE,
    STREET,
    CITY,
    POSTAL,
    CURRENCY,
    PHONE,
    INDUSTRY,
    EMPLOYEES,
    SEGMENT,
    REGION,
    RECORD_TYPE,
    CREATED,
    MODIFIED,
    LAST_ACTIVITY,
    EXTERNAL_ID,
    BILLED,
    DELETED,
    EXCLUDED,
    LAST_SYNC,
];

const DEAL: &[Known] = &[
    ID,
    OWNER,
    (
        "name",
        &[
            "Name",
            "@ Name",
            "Deal Title",
            "Topic",
            "Thema",
            "Titel",
            "Bezeichnung",
            "Nombre del negocio",
            "Nom de la transaction",
            "Nom de l'affaire",
            "Nom",
            "@",
        ],
        "Names the deal.",
    ),
    (
        "account",
        &[
            "AccountId",
            "Account ID",
            "Associated Company IDs (Primary)",
            "Associated Company IDs",
            "Associated Company ID",
            "Account Name.id",
            "@ Organization ID",
            "Customer ID",
            "Customer No.",
            "Customer Number",
            "Kundennummer",
            "Kunden-Nr.",
            "Numéro client",
            "N° client",
            "Número de cliente",
        ],
        "Links the deal to a company.",
    ),
    (
        "contact",
        &["ContactId", "Contact ID", "Associated Contact IDs", "Contact Name.id", "@ Person ID"],
        "Links the deal to a person.",
    ),
    // Pipedrive's status says whether a deal is won or lost; its stage stays what it was then.
    (
        "stage",
        &[
            "StageName",
            "Stage",
            "@ Status",
            "Deal Stage",
            "dealstage",
            "Status",
            "Phase",
            "@-Phase",
            "Etapa del negocio",
            "Phase de la transaction",
            "Verkaufsphase",
            "Étape",
            "Etapa",
        ],
        "The stage.",
    ),
    (
        "amount",
        &[
            "Amount",
            "@ Value",
            "Est. Revenue",
            "Gesch. Umsatz",
            "Geschätzter Umsatz",
            "Expected Revenue",
            "planned_revenue",
            "expected_revenue",
            "Betrag",
            "@ Wert",
            "Wert",
            "Deal Value",
            "Value",
            "Importe",
            "Valor",
            "Montant",
        ],
        "A late deal without an amount is a false report.",
    ),
    CURRENCY,
    (
        "close_date",
        &[
            "CloseDate",
            "Close Date",
            "closedate",
            "Closing Date",
            "Est. Close Date",
            "Gesch. Abschlussdatum",
            "Geschätztes Abschlussdatum",
            "@ Expected close date",
            "Expected Closing",
            "date_deadline",
            "Schlusstermin",
            "Abschlussdatum",
            "Voraussichtliches Abschlussdatum",
            "Fecha de cierre",
            "Date de fermeture",
            "Date de clôture",
            "Date de clôture prévue",
            "Abschluss am",
        ],
        "Open deals past it are a false report.",
    ),
    // Where the close date is only the expected one, this is when a deal did close. Of the deals that one of
    // two columns dates, such as Pipedrive's won ones, the others stay undated.
    (
        "closed_date",
        &[
            "Actual Close Date",
            "Tatsächliches Abschlussdatum",
            "@ Deal closed on",
            "@ Closed on",
            "@ Won time",
            "Won time",
            "date_closed",
        ],
        "Tells dates that contradict each other.",
    ),
    (
        "next_step_date",
        &[
            "Next Activity Date",
            "@ Next activity date",
            "notes_next_activity_date",
            "Next Step Date",
            "Datum der nächsten Aktivität",
        ],
        "An open deal needs a next step.",
    ),
    (
        "closed",
        &["IsClosed", "Closed", "Is Closed", "Is Deal Closed?", "hs_is_closed", "Geschlossen"],
        "Tells open from closed.",
    ),
    (
        "won",
        &["IsWon", "Won", "Is Closed Won", "Is Deal Won", "hs_is_closed_won", "Gewonnen"],
        "Tells won from lost.",
    ),
    (
        "probability",
        &[
            "Probability",
            "Probability (%)",
            "Deal probability",
            "Wahrscheinlichkeit",
            "Wahrscheinlichkeit (%)",
        ],
        "The order of stages.",
    ),
    ("type", &["Type", "@ Type", "Typ"], "Renewals have rules of their own."),
    (
        "forecast",
        &["ForecastCategory", "ForecastCategoryName", "Forecast Category"],
        "Marks what somebody reports on.",
    ),
    ("push_count", &["PushCount", "Push Count"], "Tells how often the close date moved."),
    (
        "stage_changed",
        &[
            "LastStageChangeDate",
            "Last Stage Change Date",
            "Date entered current stage",
            "@ Last stage change",
            "date_last_stage_update",
        ],
        "Tells how long the stage stands.",
    ),
    LEAD_SOURCE,
    CREATED,
    MODIFIED,
    LAST_ACTIVITY,
    DELETED,
    EXCLUDED,
    LAST_SYNC,
];

const USER: &[Known] = &[
    (
        "id",
        &[
            "Id",
            "@ Id",
            "Owner ID",
            "Record ID",
            "Datensatz-ID",
            "ID de registro",
            "Nr.",
            "N°",
            "Numéro",
            "Identifiant",
            "Identificador",
            "(Do Not Modify) @",
            "(Nicht ändern) @",
        ],
        "Names the person in evidence.",
    ),
    (
        "name",
        &[
            "Name",
            "Full Name",
            "Owner Name",
            "Vollständiger Name",
            "Nom complet",
            "Nom",
            // A name comes from one column: where there is none of the whole name, the last says most.
            "Last Name",
            "Nachname",
            "Apellidos",
            "Apellido",
            "Nombre",
        ],
        "Names the person.",
    ),
    (
        "active",
        &[
            "IsActive",
            "Active",
            "Is Active",
            "Aktiv",
            "Actif",
            "Activo",
            "@ Status",
            "Status",
            "Statut",
        ],
        "Finds owners who left.",
    ),
    (
        "role",
        &["UserRole.Name", "Role", "Role Name", "UserRoleId", "Role ID", "Rolle", "Rôle", "Rol"],
        "Finds owners whose role changed.",
    ),
    ("team", &["Department", "Team", "Main Team", "Hauptteam"], "Groups owners."),
    ("manager", &["ManagerId", "Manager ID"], "Says who takes over."),
    (
        "last_login",
        &["LastLoginDate", "Last Login", "Last Active", "Zuletzt aktiv"],
        "Evidence of who still works here.",
    ),
    (
        "deactivated",
        &["DeactivatedDate__c", "Deactivated", "Deactivation Date"],
        "Says since when.",
    ),
];

/// What CRMs write for a user who works there (true), and for one who left.
pub(super) const STANDINGS: [(&str, bool); 19] = [
    ("active", true),
    ("enabled", true),
    ("aktiv", true),
    ("aktiviert", true),
    ("activo", true),
    ("actif", true),
    ("inactive", false),
    ("deactivated", false),
    ("disabled", false),
    ("deleted", false),
    ("suspended", false),
    ("closed", false),
    ("inaktiv", false),
    ("deaktiviert", false),
    ("gelöscht", false),
    ("inactivo", false),
    ("desactivado", false),
    ("inactif", false),
    ("désactivé", false),
];

/// What CRMs write beside the stage of a deal that is over (true), and of one that is open.
pub(super) const OUTCOMES: [(&str, bool); 14] = [
    ("open", false),
    ("offen", false),
    ("ouvert", false),
    ("ouverte", false),
    ("in progress", false),
    ("won", true),
    ("gewonnen", true),
    ("gagné", true),
    ("gagnée", true),
    ("lost", true),
    ("verloren", true),
    ("perdu", true),
    ("perdue", true),
    ("abandoned", true),
];

/// What a column is called that may say which deals are open, won and lost.
const OUTCOME: &[&str] = &["Status", "@ Status", "Statut"];

/// The column beside the stage of deals that may say which are open, won and lost.
pub(super) fn outcome<'h>(stage: &[String], header: &'h [String]) -> Option<&'h str> {
    let column = spelt(Object::Deal, OUTCOME, header)?;
    (!stage.iter().any(|it| it == column)).then_some(column)
}

/// The stage of the pipeline, where the column that may say which deals are open, won and lost is read as the
/// stage.
pub(super) fn stage_beside<'h>(stage: &[String], header: &'h [String]) -> Option<&'h str> {
    let read = spelt(Object::Deal, OUTCOME, header)?;
    let (_, known, _) = columns(Object::Deal).iter().find(|(name, _, _)| *name == "stage")?;
    let proper: Vec<&str> = known.iter().copied().filter(|it| !OUTCOME.contains(it)).collect();
    spelt(Object::Deal, &proper, header).filter(|_| stage.iter().any(|it| it == read))
}

const QUEUE: &[Known] = &[
    (
        "id",
        &["Id", "@ Id", "Group ID", "Nr.", "N°", "Numéro", "Identifiant", "Identificador"],
        "Names the queue in evidence.",
    ),
    ("name", &["Name", "@ Name", "DeveloperName"], "Names the queue."),
];

const CAMPAIGN_MEMBER: &[Known] = &[
    (
        "record",
        &[
            "LeadOrContactId",
            "Lead or Contact ID",
            "Member ID",
            "Record ID",
            "LeadId",
            "Lead ID",
            "ContactId",
            "Contact ID",
        ],
        "Links the response to a person.",
    ),
    (
        "campaign",
        &["Campaign.Name", "Campaign Name", "CampaignId", "Campaign ID", "Campaign"],
        "Names the campaign.",
    ),
    ("channel", &["Campaign.Type", "Campaign Type", "Channel", "Type"], "The campaign's channel."),
    (
        "responded",
        &[
            "FirstRespondedDate",
            "First Responded Date",
            "Responded Date",
            "Member First Responded Date",
        ],
        "The first response.",
    ),
    DELETED,
];

const FIELD_HISTORY: &[Known] = &[
    (
        "record",
        &["ParentId", "LeadId", "OpportunityId", "AccountId", "ContactId", "Record ID"],
        "Links the change to a record.",
    ),
    ("field", &["Field", "Field / Event", "Property"], "Says what changed."),
    ("old", &["OldValue", "Old Value"], "Says from what."),
    ("new", &["NewValue", "New Value"], "Says to what."),
    ("changed", &["CreatedDate", "Edit Date", "Changed", "Changed on"], "Says when."),
    ("by", &["CreatedById", "Edited By", "CreatedBy.Name", "Changed by"], "Says who."),
    DELETED,
];

/// The columns a table can have.
pub(super) fn columns(object: Object) -> &'static [Known] {
    match object {
        Object::Lead => LEAD,
        Object::Contact => CONTACT,
        Object::Account => ACCOUNT,
        Object::Deal => DEAL,
        Object::User => USER,
        Object::Queue => QUEUE,
        Object::CampaignMember => CAMPAIGN_MEMBER,
        Object::FieldHistory => FIELD_HISTORY,
        Object::SystemRecord => &[],
    }
}

/// The words by which CRMs call a table.
fn nouns(object: Object) -> &'static [&'static str] {
    match object {
        Object::Lead => &["lead"],
        Object::Contact => &["contact", "person", "people", "kontakt", "contacto"],
        Object::Account => &[
            "account",
            "company",
            "organization",
            "unternehmen",
            "firma",
            "firmen",
            "empresa",
            "entreprise",
            "société",
        ],
        Object::Deal => {
            &["opportunity", "deal", "verkaufschance", "transaction", "affaire", "negocio"]
        }
        Object::User => &["user", "owner", "benutzer", "utilisateur", "usuario"],
        Object::Queue => &["queue", "group"],
        Object::CampaignMember => &["campaignmember", "formsubmission"],
        Object::FieldHistory => &["history"],
        Object::SystemRecord => &[],
    }
}

/// Other words by which people call what a table holds. They are used of other tables as well: a customer is a
/// company or a person.
fn nicknames(object: Object) -> &'static [&'static str] {
    match object {
        Object::Account => &["customer", "client", "kunde", "cliente", "debitor"],
        Object::User => &["mitarbeiter", "employee", "employé", "empleado"],
        Object::Lead
        | Object::Contact
        | Object::Deal
        | Object::Queue
        | Object::CampaignMember
        | Object::FieldHistory
        | Object::SystemRecord => &[],
    }
}

/// The words for what tells records apart, as they stand behind a noun, and as they stand before one.
const BEHIND: [&str; 8] = ["nummer", "number", "nr", "no", "num", "code", "key", "id"];
const BEFORE: [&str; 10] =
    ["numéro", "número", "código", "code", "number", "nummer", "nr", "no", "nº", "n"];

/// Whether a folded name is that of the number of what is called so: `Kunden-Nr.`, `Customer No`, `Número de
/// cliente`.
fn is_number_of(noun: &str, column: &str) -> bool {
    let noun = folded(noun);
    let behind = |word: &str| {
        let whose = column.strip_suffix(word).and_then(|whose| whose.strip_prefix(&noun));
        whose.is_some_and(|link| ["", "n", "en", "s"].contains(&link))
    };
    let before = |word: &str| {
        let whose = column.strip_prefix(word).and_then(|whose| whose.strip_suffix(&noun));
        whose.is_some_and(|link| ["", "de", "du", "del", "dela"].contains(&link))
    };
    BEHIND.into_iter().any(behind) || BEFORE.into_iter().any(before)
}

/// The columns that may name a table's records where none is called their id, the likeliest first: their number,
/// a number of nothing else, and what bears the table's own noun. The last is mostly a name: the cells decide.
pub(super) fn may_be_ids(object: Object, header: &[String]) -> Vec<&str> {
    let nouns = || nouns(object).iter().chain(nicknames(object));
    let own = |column: &str| nouns().any(|noun| is_number_of(noun, column));
    let bare = |column: &str| BEHIND.contains(&column);
    let noun = |column: &str| nouns().any(|noun| folded(noun) == column);
    let named = |is_it: &dyn Fn(&str) -> bool| -> Vec<&str> {
        header.iter().filter(|column| is_it(&folded(column))).map(String::as_str).collect()
    };
    [named(&own), named(&bare), named(&noun)].concat()
}

/// The columns that are called some number or id, of whatever.
pub(super) fn numbers(header: &[String]) -> Vec<&str> {
    let is_number = |column: &&String| {
        let name = folded(column);
        // One word may end like a number by chance: `Inferno`, `Hybrid`.
        let last = column.split(|c: char| !c.is_alphanumeric()).rfind(|word| !word.is_empty());
        name.ends_with("nummer")
            || name.ends_with("number")
            || last.is_some_and(|word| BEHIND.contains(&word.to_lowercase().as_str()))
    };
    header.iter().filter(is_number).map(String::as_str).collect()
}

/// Lower case, letters and digits alone; `Segment__c` is `segment`.
pub(super) fn folded(name: &str) -> String {
    letters(name.strip_suffix("__c").unwrap_or(name)).collect()
}

/// The ways in which a name is spelt, folded.
fn spellings(object: Object, name: &str) -> Vec<String> {
    if name.contains('@') {
        nouns(object).iter().map(|noun| folded(&name.replace('@', noun))).collect()
    } else {
        vec![folded(name)]
    }
}

/// A name without the zone or the currency that some exports put behind it: `Create Date (EST)`.
fn bare(column: &str) -> &str {
    let behind = column.strip_suffix(')').and_then(|column| column.rsplit_once(" ("));
    let is_unit = |unit: &str| {
        unit.len() >= 3
            && unit.chars().take(3).all(|c| c.is_ascii_uppercase())
            && unit.chars().skip(3).all(|c| c.is_ascii_digit() || "+-:T".contains(c))
    };
    behind.filter(|(_, unit)| is_unit(unit)).map_or(column, |(name, _)| name)
}

/// The header's column for something that is known of a table.
pub(super) fn find<'h>(
    object: Object,
    (name, spellings, _): &Known,
    header: &'h [String],
) -> Option<&'h str> {
    let column = spelt(object, spellings, header)?;
    is_that_name(object, name, column, header).then_some(column)
}

/// The two columns of campaign members that name leads and contacts apart.
pub(super) fn two_people(object: Object, header: &[String]) -> Option<[&str; 2]> {
    if object != Object::CampaignMember {
        return None;
    }
    let lead = spelt(object, &["LeadId", "Lead ID"], header)?;
    Some([lead, spelt(object, &["ContactId", "Contact ID"], header)?])
}

/// Whether a person's name is what a column's header calls it, going by the columns beside it.
fn is_that_name(object: Object, name: &str, column: &str, header: &[String]) -> bool {
    let has = |part: &str| {
        let mut known = columns(object).iter();
        known
            .any(|(name, spellings, _)| *name == part && spelt(object, spellings, header).is_some())
    };
    let has_parts = has("first_name") && has("last_name");
    match (name, folded(column).as_str()) {
        // In Spanish and French one word is for a part and for the whole.
        ("first_name", "nombre") | ("last_name", "nom") => has_parts,
        // Beside its parts a whole name only repeats them.
        (WHOLE_NAME, "nombre" | "nom") => !has_parts,
        // What Odoo calls the name of a lead is its title.
        (WHOLE_NAME, _) => !has("last_name") && (column != "name" || !is_odoo(header)),
        _ => true,
    }
}

/// The column of one of these names, the best-known spelling first.
fn spelt<'h>(object: Object, names: &[&str], header: &'h [String]) -> Option<&'h str> {
    let by = |read: fn(&str) -> &str| {
        names.iter().find_map(|name| {
            let spellings = spellings(object, name);
            let is_spelt = |column: &&String| spellings.contains(&folded(read(column)));
            let mut found = header.iter().filter(is_spelt);
            let first = found.next()?;
            // Two columns of one name: which is meant is for the owner to say.
            found.all(|other| other != first).then_some(first.as_str())
        })
    };
    by(|column| column).or_else(|| by(bare))
}

/// True for the names that HubSpot alone gives to columns, in the languages in which it is known here.
pub(super) fn is_hubspot(header: &[String]) -> bool {
    const OWN: [&str; 4] =
        ["Record ID", "hs_object_id", "Record ID - Contact", "Record ID - Company"];
    const OWNED: [&str; 4] =
        ["zuständigermitarbeiter", "propietariodel", "propriétairedu", "propriétairedel"];
    let is_id = |column: &String| {
        let id = folded(column);
        ["datensatzid", "idderegistro", "iddefichedinformations"]
            .iter()
            .any(|it| id.starts_with(it))
    };
    let is_owner = |column: &String| {
        let owner = folded(column);
        OWNED.iter().any(|it| owner.contains(it))
    };
    header.iter().any(|column| OWN.contains(&column.as_str()))
        || header.iter().any(is_id) && header.iter().any(is_owner)
}

/// True for the technical names of Odoo's leads.
pub(super) fn is_odoo(header: &[String]) -> bool {
    let has = |names: &[&str]| header.iter().any(|column| names.contains(&column.as_str()));
    has(&["stage_id"]) && has(&["email_from", "partner_name", "planned_revenue"])
}

/// The column with the mail addresses of users.
pub(super) fn user_mail(header: &[String]) -> Option<&str> {
    spelt(Object::User, &["Email", "Email Address", "E-Mail", "E-Mail-Adresse"], header)
}

/// The columns of a field that is known, of which several have one name: neither is read.
pub(super) fn doubled(object: Object, header: &[String]) -> Vec<&str> {
    let unread = columns(object).iter().filter(|known| spelt(object, known.1, header).is_none());
    let unread: Vec<String> =
        unread.flat_map(|(_, names, _)| *names).flat_map(|name| spellings(object, name)).collect();
    let is_first =
        |at: usize, column: &String| header.iter().position(|it| it == column) == Some(at);
    let mut doubled = Vec::new();
    for (at, column) in header.iter().enumerate() {
        if !is_first(at, column)
            && unread.contains(&folded(column))
            && !doubled.contains(&column.as_str())
        {
            doubled.push(column.as_str());
        }
    }
    doubled
}

/// The name of the id, where several columns have it: then no record can be told from another.
pub(super) fn doubled_id(header: &[String]) -> Option<&str> {
    let (_, spellings, _) = ID;
    let plain: Vec<_> =
        spellings.iter().filter(|name| !name.contains('@')).map(|name| folded(name)).collect();
    let is_id = |column: &&String| plain.contains(&folded(column));
    let mut ids = header.iter().filter(is_id);
    let first = ids.next()?;
    ids.any(|other| other == first).then_some(first.as_str())
}

/// The table whose records have ids that begin like this one of Salesforce.
pub(super) fn of_salesforce(id: &str) -> Option<Object> {
    const PREFIXES: [(&str, Object); 7] = [
        ("001", Object::Account),
        ("003", Object::Contact),
        ("00Q", Object::Lead),
        ("006", Object::Deal),
        ("005", Object::User),
        ("00G", Object::Queue),
        ("00v", Object::CampaignMember),
    ];
    let is_id = [15, 18].contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let prefix = id.get(..3).filter(|_| is_id)?;
    PREFIXES.iter().find(|(known, _)| *known == prefix).map(|(_, object)| *object)
}

/// Where a table's own ids stand by the name that Salesforce gives them.
pub(super) fn plain_id(header: &[String]) -> Option<usize> {
    header.iter().position(|column| column.eq_ignore_ascii_case("id"))
}

/// The column that is called as the ids of a table's records are.
pub(super) fn id(object: Object, header: &[String]) -> Option<&str> {
    find(object, columns(object).first()?, header)
}

/// True where a file's name says that it holds this table.
fn is_named(stem: &str, object: Object) -> bool {
    nouns(object).iter().any(|noun| stem.contains(noun.trim_end_matches('y')))
}

/// True where a file's name says what it holds.
pub(super) fn tells(stem: &str) -> bool {
    let stem = folded(stem);
    Object::ALL.into_iter().any(|object| is_named(&stem, object))
}

/// The table a file looks like: its name counts most, then how many of the table's columns it has.
pub(super) fn likely(stem: &str, header: &[String]) -> Option<Object> {
    let stem = folded(stem);
    let order = [
        Object::CampaignMember,
        Object::FieldHistory,
        Object::Lead,
        Object::Contact,
        Object::Deal,
        Object::Account,
        Object::User,
        Object::Queue,
    ];
    let scored = order.into_iter().map(|object| {
        let is_nicknamed = || nicknames(object).iter().any(|noun| stem.contains(&folded(noun)));
        // A nickname says as much as two columns.
        let named = match is_named(&stem, object) {
            true => 12,
            false if is_nicknamed() => 2,
            false => 0,
        };
        let own_id = nouns(object)
            .iter()
            .any(|noun| header.first().is_some_and(|first| folded(first) == format!("{noun}id")));
        // A bare `Name` is a person's as well as a company's.
        let tells = |known: &&Known| {
            find(object, known, header)
                .is_some_and(|column| known.0 != WHOLE_NAME || folded(column) != "name")
        };
        let known = columns(object).iter().filter(tells).count();
        (named + known + if own_id { 6 } else { 0 }, object)
    });
    let (score, object) = scored.rev().max_by_key(|(score, _)| *score)?;
    (score >= 6).then_some(object)
}

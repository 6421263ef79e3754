#!/usr/bin/env python3
"""Writes a review folder with an invented CRM of any size: the same bytes for the same scale.

    benches/make_crm.py target/bench-crm              # 1,000,000 contacts, 200,000 accounts, ...
    benches/make_crm.py target/small --scale 0.01

The exports look like those of Salesforce's Data Loader: every cell quoted, ids of 18 characters,
instants in UTC, long free-text descriptions of several lines. Most records are right; faults of
every family are sprinkled in so rarely that a packet stays readable. Nothing here is a real
person, company or number.

Does not: need anything but Python's standard library.
"""

import argparse
import random
from array import array
from datetime import datetime, timedelta
from pathlib import Path

AS_OF = datetime(2026, 3, 2)
HOURS = 3 * 365 * 24
SEED = 20260302

COUNTRIES = [
    ("United States", 0.34), ("Germany", 0.12), ("United Kingdom", 0.10), ("France", 0.08),
    ("Canada", 0.06), ("Netherlands", 0.04), ("Spain", 0.04), ("Italy", 0.04), ("Sweden", 0.03),
    ("Australia", 0.03), ("Japan", 0.02), ("Brazil", 0.02), ("India", 0.02), ("Poland", 0.01),
    ("Switzerland", 0.01), ("Austria", 0.01), ("Belgium", 0.01), ("Denmark", 0.01), ("Norway", 0.01),
]  # fmt: skip
STATES = ["California", "New York", "Texas", "Florida", "Illinois", "Washington", "Massachusetts",
          "Georgia", "Ohio", "Virginia", "Colorado", "Oregon"]  # fmt: skip
REGIONS = ["North", "South", "East", "West"]
BANDS = [("SMB", 1, 199), ("Mid", 200, 999), ("Enterprise", 1000, 60000)]
SOURCES = [("Web", "Inbound"), ("Contact Us", "Inbound"), ("Event", "Event"), ("Webinar", "Event"),
           ("Referral", "Partner"), ("Outbound", "Outbound")]  # fmt: skip
INDUSTRIES = ["Software", "Retail", "Manufacturing", "Health Care", "Banking", "Media", "Energy",
              "Logistics", "Education", "Construction"]  # fmt: skip
TITLES = ["Head of Sales", "CEO", "Marketing Manager", "VP Finance", "Buyer", "IT Director", "Engineer",
          "Operations Manager", "Analyst", "Founder"]  # fmt: skip
FREE_MAIL = ["gmail.com", "yahoo.com", "outlook.com", "gmx.de", "icloud.com"]
ENDINGS = ["com", "com", "com", "io", "de", "co.uk", "net"]
FORMS = ["Inc", "LLC", "GmbH", "Ltd", "Group", "AG", "SA", "Labs"]
FIRST = """Ann Bo Cat Dee Eve Finn Gus Hal Ida Jon Kim Lea Max Nia Oli Pam Quinn Ray Sue Tom Uma Vic Wes
Xena Yan Zoe Anna Ben Carla David Elena Felix Greta Hugo Irene Jakob Klara Lukas Maria Nils Olga Paul
Rosa Simon Tara Ulrich Vera Walter Yusuf Zara Aisha Bruno Chloe Diego Emma Farid Gina Hana Ivan Jane
Karl Lina Marco Nora Omar Petra Rafael Sara Theo Ursula Victor Wanda Amir Bella Clara Dario Erik Fiona
Georg Helen Ines Jonas Katja Leo Mila Noah Otto Pia Robert Silvia Tobias Ute Viola Willem""".split()
SYLLABLES = "ba be bor ca cor da del den dor fa fen gar gen hal han har jen ka kel ken la lan ler lin " \
    "mar men mil mor na nel nor pa per ran ren ros sa sel sen tal ten tor va ver vin wal wen win".split()
WORDS = """the customer asked for a quote and wants to see the roadmap before budget talks next quarter our
champion moved to another team follow up with procurement about security review they compare us with two
vendors renewal depends on support response times call again after the holidays""".split()

AMERICA, OTHER = "United States", "-"


class Writer:
    """Rows into a file, quoted as Data Loader quotes them."""

    def __init__(self, path, header):
        self.file = path.open("w", encoding="utf-8", newline="")
        self.rows = ['"' + '","'.join(header) + '"']

    def row(self, *cells):
        self.rows.append('"' + '","'.join(cells) + '"')
        if len(self.rows) >= 20_000:
            self.flush()

    def flush(self):
        self.file.write("\n".join(self.rows) + "\n")
        self.rows = []

    def close(self):
        self.flush()
        self.file.close()


class Crm:
    """The invented world: who owns what, and which company is a customer."""

    def __init__(self, folder, scale):
        self.exports = folder / "exports"
        self.rules = folder / "rules"
        for made in (self.exports, self.rules):
            made.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.random = random.Random(SEED)
        self.contacts = max(200, int(1_000_000 * scale))
        self.accounts = max(40, int(200_000 * scale))
        self.leads = max(60, int(300_000 * scale))
        self.deals = max(40, int(100_000 * scale))
        minutes = random.Random(SEED + 1)
        self.times = [
            (AS_OF - timedelta(hours=hour, minutes=minutes.randrange(60), seconds=minutes.randrange(60)))
            .strftime("%Y-%m-%dT%H:%M:%S.000Z") for hour in range(HOURS + 1)
        ]  # fmt: skip
        self.days = [(AS_OF + timedelta(days=day - 1200)).strftime("%Y-%m-%d") for day in range(1500)]
        self.descriptions = [self.description() for _ in range(5_000)]
        self.last_names = self.names(20_000, 2, 3)
        self.make_people()
        self.make_accounts()

    def below(self, limit):
        """A number from 0 to limit, the limit excluded. Much quicker than randrange."""
        return int(self.random.random() * limit)

    def pick(self, values):
        return values[int(self.random.random() * len(values))]

    def names(self, count, shortest, longest):
        found = {}
        while len(found) < count:
            length = shortest + self.below(longest - shortest + 1)
            found["".join(self.pick(SYLLABLES) for _ in range(length)).capitalize()] = None
        return list(found)

    def description(self):
        lines = []
        for _ in range(1 + self.below(4)):
            lines.append(" ".join(self.pick(WORDS) for _ in range(4 + self.below(22))))
        text = (", ".join if self.random.random() < 0.5 else "\n".join)(lines)
        return f'He said ""{text}"" twice' if self.random.random() < 0.05 else text

    def country(self):
        share = self.random.random()
        for name, part in COUNTRIES:
            share -= part
            if share < 0:
                return name
        return COUNTRIES[0][0]

    # Users, queues and who works which market.

    def make_people(self):
        self.pools = {}
        self.users = []
        self.left = []
        for name, _ in COUNTRIES:
            for band, _, _ in BANDS[:2]:
                self.pools[name, band] = [self.user("Account Executive", name, band) for _ in range(4)]
        self.states = {state: [self.user("Account Executive", state, "") for _ in range(10)] for state in STATES}
        for number in range(30):
            self.left.append(self.user("Account Executive", OTHER, ""))
        self.robot = self.user("Integration", OTHER, "")
        self.queues = ["Inbound Queue", "Partner Queue", "Nurture Queue", "Holding Queue"]
        out = Writer(self.exports / "User.csv", ["Id", "Name", "IsActive", "Role", "Team", "LastLoginDate", "Deactivated__c", "Email"])  # fmt: skip
        for number, (name, role, team, _) in enumerate(self.users):
            gone = number in self.left
            out.row(self.user_id(number), name, "false" if gone else "true", role, team,
                    self.times[24 * 40 if gone else self.below(72)], self.times[24 * 30] if gone else "",
                    f"{name.replace(' ', '.').lower()}@ourselves.com")  # fmt: skip
        out.close()
        out = Writer(self.exports / "Queue.csv", ["Id", "Name"])
        for number, name in enumerate(self.queues):
            out.row(f"00G5g000{number:07d}AAA", name)
        out.close()

    def user(self, role, team, band):
        number = len(self.users)
        self.users.append((f"{FIRST[number % len(FIRST)]} {self.last_names[number]}", role, team, band))
        return number

    def user_id(self, number):
        return f"0055g000{number:07d}AAA"

    def right_owner(self, country, state, postal, band):
        """Whom the routing rules name for a company without an account."""
        if country == AMERICA:
            return self.states[state][int(postal[0])]
        pool = self.pools[country, "SMB" if band == "SMB" else "Mid"]
        return pool[self.below(len(pool))]

    def some_owner(self, right, at_fault):
        """Mostly the right owner; sometimes one who left, or nobody."""
        if self.random.random() < at_fault:
            return self.user_id(self.pick(self.left))
        return self.user_id(right)

    # Companies and what they bought.

    def make_accounts(self):
        side = int(self.accounts**0.5) + 1
        first, second = self.names(side, 2, 2 if side < 1000 else 3), self.names(side, 2, 2 if side < 1000 else 3)
        places = list(range(side * side))
        self.random.shuffle(places)
        self.company = []
        for number in range(self.accounts):
            one, two = first[places[number] // side], second[places[number] % side]
            band = BANDS[0] if (share := self.random.random()) < 0.7 else BANDS[1] if share < 0.92 else BANDS[2]
            country, state, postal = self.place()
            self.company.append((
                f"{one} {two} {self.pick(FORMS)}", f"{one}{two}.{self.pick(ENDINGS)}".lower(),
                country, state, postal, band[0], band[1] + self.below(band[2] - band[1]),
                self.right_owner(country, state, postal, band[0]),
            ))  # fmt: skip
        # Half of the accounts have deals; the first of them are the customers.
        self.buyers = self.accounts // 2
        self.outcome = bytearray(self.accounts)
        self.sold = array("I", (self.below(self.buyers) for _ in range(self.deals)))
        self.states_of_deals = bytearray(self.deals)
        for deal, account in enumerate(self.sold):
            share = self.random.random()
            state = 2 if share < 0.5 else 1 if share < 0.72 else 3
            self.states_of_deals[deal] = state
            self.outcome[account] = max(self.outcome[account], {3: 0}.get(state, state))
        self.home = array("I", (int(self.accounts * self.random.random() ** 2) for _ in range(self.contacts)))
        self.first_contact = {}
        for contact, account in enumerate(self.home):
            self.first_contact.setdefault(account, contact)

    def place(self):
        country = self.country()
        state = self.pick(STATES if country == AMERICA else REGIONS)
        return country, state, f"{10_000 + self.below(90_000)}"

    def phone(self):
        if self.random.random() < 0.3:
            return ""
        return f"+1 {200 + self.below(700)} {200 + self.below(700)} {1000 + self.below(8999)}"

    def write_accounts(self):
        out = Writer(self.exports / "Account.csv", [
            "Id", "OwnerId", "Name", "Website", "Type", "BillingCountry", "BillingState", "BillingPostalCode", "Phone",
            "Industry", "NumberOfEmployees", "Billing_Key__c", "CreatedDate", "LastModifiedDate", "LastActivityDate",
            "Description",
        ])  # fmt: skip
        billing = Writer(self.exports / "Billing.csv", ["Customer No", "Customer", "Changed", "Country", "Seats", "Bank Account"])
        for number, (name, domain, country, state, postal, _, size, owner) in enumerate(self.company):
            customer = self.outcome[number] == 2
            key = f"C-{number:07d}" if customer else ""
            created = 9_000 + self.below(HOURS - 9_000)
            twin = self.random.random() < 0.004 and number > 0
            if twin:
                name, domain = self.company[number - 1][:2]
            out.row(
                f"0015g000{number:07d}AAA", self.some_owner(owner, 0.01), name,
                f"https://www.{domain}" if self.random.random() < 0.85 else "", "Customer" if customer else "Prospect",
                country, state, postal, self.phone(), self.pick(INDUSTRIES) if self.random.random() < 0.995 else "",
                f"{size}", key, self.times[created], self.times[self.below(created)],
                self.days[1200 - self.below(300)], self.pick(self.descriptions),
            )  # fmt: skip
            if customer and self.random.random() < 0.995:
                wrong = self.random.random() < 0.01
                billing.row(key, name, self.times[24 * 30], self.country() if wrong else country, f"{size}", "secret")
        out.close()
        billing.close()

    def write_contacts(self):
        out = Writer(self.exports / "Contact.csv", [
            "Id", "AccountId", "OwnerId", "FirstName", "LastName", "Email", "Phone", "Title", "MailingCountry",
            "MailingState", "MailingPostalCode", "LeadSource", "Lifecycle__c", "CreatedDate", "LastModifiedDate",
            "LastActivityDate", "HasOptedOutOfEmail", "Description",
        ])  # fmt: skip
        chance, times = self.random.random, self.times
        before = ("Ann", "Ng", "ann.ng@nowhere.org")
        self.answers = []
        for number, account in enumerate(self.home):
            _, domain, country, state, postal, _, _, owner = self.company[account]
            first, last = self.pick(FIRST), self.last_names[int(20_000 * chance() ** 2)]
            share = chance()
            if share < 0.72:
                email = f"{first}.{last}@{domain}".lower()
            elif share < 0.82:
                email = f"{first[0]}{last}@{domain}".lower()
            elif share < 0.92:
                email = f"{first}.{last}{self.below(999)}@{self.pick(FREE_MAIL)}".lower()
            elif share < 0.995:
                email = ""
            else:
                email = f"info@{domain}"
            if chance() < 0.01:
                first, last, email = before
            elif chance() < 0.0005:
                email = email.replace("@", " at ")
            before = first, last, email
            outcome = self.outcome[account]
            stage = ("customer" if outcome == 2 else "opportunity" if outcome == 1
                     else ("subscriber", "lead", "mql", "sql")[self.below(4)])  # fmt: skip
            if chance() < 0.001:
                stage = "customer"
            created = int((HOURS - 1) * chance())
            source = SOURCES[self.below(6)][0]
            if number % 20 == 0:
                self.answers.append((number, source if chance() < 0.99 else "Web", created))
            out.row(
                f"0035g000{number:07d}AAA", f"0015g000{account:07d}AAA" if chance() < 0.997 else "",
                self.some_owner(owner, 0.002), first if chance() < 0.995 else "", last if chance() < 0.9995 else "test",
                email, self.phone(), self.pick(TITLES) if chance() < 0.6 else "", country, state, postal,
                source if chance() < 0.999 else "web ", stage, times[created],
                times[int(created * chance())], self.days[1200 - self.below(400)], "true" if chance() < 0.05 else "false",
                self.pick(self.descriptions) if chance() < 0.7 else "",
            )  # fmt: skip
        out.close()

    def write_deals(self):
        out = Writer(self.exports / "Opportunity.csv", [
            "Id", "OwnerId", "Name", "AccountId", "ContactId", "StageName", "Amount", "CloseDate", "CreatedDate",
            "LastModifiedDate", "IsClosed", "IsWon", "LastStageChangeDate", "LastActivityDate", "Type",
            "ForecastCategoryName", "LeadSource", "NextStep", "Description",
        ])  # fmt: skip
        for number, account in enumerate(self.sold):
            state = self.states_of_deals[number]
            chance = self.random.random
            if state == 1:
                stage = self.pick(["Qualification", "Discovery", "Proposal", "Negotiation"])
                created, moved = 24 * (5 + self.below(50)), 24 * self.below(5)
                closes = 1200 + 5 + self.below(90) if chance() < 0.99 else 1200 - self.below(60)
                active = 1200 - self.below(20) if chance() < 0.99 else 1100
                if chance() < 0.01:
                    created, moved = 24 * 300, 24 * 290
            else:
                stage = "Closed Won" if state == 2 else "Closed Lost"
                created = 24 * (150 + self.below(700))
                moved = created - 24 * (30 + self.below(80))
                closes, active = 1200 - moved // 24, 1200 - moved // 24
            contact = self.first_contact.get(account)
            out.row(
                f"0065g000{number:07d}AAA", self.some_owner(self.company[account][7], 0.02 if state == 1 else 0.1),
                f"{self.company[account][0]} {1 + number % 9}", f"0015g000{account:07d}AAA",
                "" if contact is None else f"0035g000{contact:07d}AAA", stage,
                f"{1000 + self.below(90_000)}.00" if chance() < 0.99 else "", self.days[closes], self.times[created],
                self.times[moved], "false" if state == 1 else "true", "true" if state == 2 else "false",
                self.times[moved], self.days[active], "New Business", "Pipeline" if state == 1 else "Closed",
                SOURCES[self.below(6)][0], "call", self.pick(self.descriptions),
            )  # fmt: skip
        out.close()

    def write_leads(self):
        out = Writer(self.exports / "Lead.csv", [
            "Id", "OwnerId", "FirstName", "LastName", "Company", "Email", "Phone", "Website", "Title", "Country",
            "State", "PostalCode", "NumberOfEmployees", "LeadSource", "Status", "CreatedDate", "LastModifiedDate",
            "IsConverted", "Assigned__c", "First_Touch__c", "LastActivityDate", "Stage_Changed__c", "Account__c",
            "Description",
        ])  # fmt: skip
        members = Writer(self.exports / "CampaignMember.csv", ["LeadOrContactId", "Campaign", "Channel", "FirstRespondedDate"])
        history = Writer(self.exports / "History.csv", ["RecordId", "Field", "OldValue", "NewValue", "CreatedDate", "CreatedById"])
        chance = self.random.random
        single = [self.names(1500, 2, 2), self.names(1500, 2, 2)]
        before = ("Ann", "Ng", "ann.ng@nowhere.org")
        for number in range(self.leads):
            first, last = self.pick(FIRST), self.pick(self.last_names)
            lead = f"00Q5g000{number:07d}CAA"
            linked = chance() < 0.2
            if linked:
                # A company that never had a deal: an open lead there is no fault.
                account = self.buyers + self.below(self.accounts - self.buyers)
                company, domain, country, state, postal, band, size, owner = self.company[account]
            else:
                one, two = self.pick(single[0]), self.pick(single[1])
                company, domain = f"{one}{two} {self.pick(FORMS)}", f"{one}{two}.example-co.{self.pick(ENDINGS)}".lower()
                band = BANDS[0] if (share := chance()) < 0.7 else BANDS[1] if share < 0.92 else BANDS[2]
                size = band[1] + self.below(band[2] - band[1])
                band = band[0]
                country, state, postal = self.place()
                owner = self.right_owner(country, state, postal, band)
            email = f"{first}.{last}@{domain}".lower() if chance() < 0.9 else f"{first}.{last}{self.below(999)}@{self.pick(FREE_MAIL)}".lower()
            if chance() < 0.005:
                first, last, email = before
            before = first, last, email
            open_lead = chance() < 0.35
            created = 30 + self.below(24 * 25) if open_lead else 24 * 60 + self.below(HOURS - 24 * 61)
            touched = max(0, created - 1 - self.below(6)) if chance() < 0.99 else max(0, created - 200)
            source, channel = SOURCES[self.below(6)]
            share = chance()
            assigned = (self.user_id(self.pick(self.left)) if share < 0.02
                        else self.user_id(self.below(len(self.users) - 40)) if share < 0.03
                        else "00G5g0000000000AAA" if share < 0.035 else self.user_id(owner))  # fmt: skip
            status = self.pick(["New", "Working", "Working", "Qualified"]) if open_lead else self.pick(["Unqualified", "Converted"])
            out.row(
                lead, assigned, first, last, company, email, self.phone(), f"www.{domain}" if chance() < 0.5 else "",
                self.pick(TITLES) if chance() < 0.7 else "", country if chance() < 0.995 else "", state, postal,
                f"{size}" if chance() < 0.99 else "", source if chance() < 0.99 else "Unknown", status,
                self.times[created], self.times[touched // 2], "true" if status == "Converted" else "false",
                self.times[created], self.times[touched], self.days[1200 - touched // 48 if open_lead else 1000],
                self.times[touched], f"0015g000{account:07d}AAA" if linked and chance() < 0.97 else "",
                self.pick(self.descriptions),
            )  # fmt: skip
            if chance() < 0.5:
                other = self.pick(SOURCES) if chance() < 0.01 else (source, channel)
                when = created + self.below(40) if chance() < 0.995 else self.below(created)
                members.row(lead, f"Campaign {self.below(400)}", other[0], self.times[min(when, HOURS)])
            if open_lead and status != "New":
                history.row(lead, "Status", "New", status, self.times[touched], self.user_id(owner))
        for contact, channel, created in self.answers:
            members.row(f"0035g000{contact:07d}AAA", f"Campaign {self.below(400)}", channel,
                        self.times[min(created + self.below(40), HOURS)])  # fmt: skip
        for account in range(0, self.accounts, 10):
            one, two = self.pick(INDUSTRIES), self.pick(INDUSTRIES)
            person = self.user_id(self.below(100))
            history.row(f"0015g000{account:07d}AAA", "Industry", one, two, self.times[24 * 60 + self.below(900)], person)
            if account % 1000 == 0:
                for day in (40, 30):
                    one, two = two, one
                    history.row(f"0015g000{account:07d}AAA", "Industry", one, two, self.times[24 * day], person)
        members.close()
        history.close()
        out.close()

    # Rules.

    def write_rules(self):
        said = {"approvals": APPROVALS, "boundary": BOUNDARY, "owners": OWNERS.replace("ROBOT", self.user_id(self.robot)), "lifecycle": LIFECYCLE,
                "required": REQUIRED, "lead-source": LEAD_SOURCE, "system-of-record": SYSTEM_OF_RECORD,
                "routing": ROUTING + self.routing_rules()}  # fmt: skip
        for name, text in said.items():
            (self.rules / f"{name}.toml").write_text(text, encoding="utf-8")
        (self.folder / "review.toml").write_text(REVIEW, encoding="utf-8")
        territories = ["country,state,postal_code,owner"]
        for state, people in self.states.items():
            for digit, person in enumerate(people[1:], 1):
                territories.append(f"United States,{state},{digit}*,{self.users[person][0]}")
        self.table("territories.csv", territories)
        lands = ["country,state,territory"]
        lands += [f"United States,{state},{state}" for state in STATES]
        lands += [f"{name},,{name}" for name, _ in COUNTRIES[1:]]
        self.table("territory-map.csv", lands)
        coverage = ["owner,territories,segments"]
        for (country, band), people in self.pools.items():
            segments = "SMB" if band == "SMB" else "Mid|Enterprise"
            if country != AMERICA:
                coverage += [f"{self.users[person][0]},{country},{segments}" for person in people]
        for state, people in self.states.items():
            coverage += [f"{self.users[person][0]},{state}," for person in people]
        self.table("coverage.csv", coverage)
        named = ["account,owner,since"]
        for account in range(0, self.accounts, max(1, self.accounts // 500)):
            named.append(f"{self.company[account][1]},{self.users[self.company[account][7]][0]},2025-01-01")
        self.table("named-accounts.csv", named)

    def table(self, name, lines):
        (self.rules / name).write_text("\n".join(lines) + "\n", encoding="utf-8")

    def routing_rules(self):
        rules = []
        for (country, band), people in self.pools.items():
            if country == AMERICA:
                continue
            names = ", ".join(f'"{self.users[person][0]}"' for person in people)
            size = "{ between = [1, 199] }" if band == "SMB" else "{ at_least = 200 }"
            rules.append(
                f'\n[[rule]]\nname = "{country}, {band}"\n'
                f'when = {{ country = "{country}", employees = {size} }}\nto = {{ pool = [{names}] }}\n'
            )
        rules.append('\n[[rule]]\nname = "States and postal codes"\nwhen = { country = "United States" }\n'
                     'to = { table = "territories.csv" }\n')  # fmt: skip
        return "".join(rules)


REVIEW = """organisation = "Benchmark Works"
time_zone = "America/New_York"

[source]
crm = "salesforce"

[source.files]
lead = "Lead.csv"
contact = "Contact.csv"
account = "Account.csv"
deal = "Opportunity.csv"
user = "User.csv"
queue = "Queue.csv"
campaign_member = "CampaignMember.csv"
field_history = "History.csv"
system_record = "Billing.csv"
"""

APPROVALS = """default_decision = "no change"
[approver]
name = "Dana Reyes"
"""


def fields(table, listed):
    lines = [f"[{table}.fields]"]
    for entry in listed.split():
        name, column, *show = entry.split("=")
        shown = f', show = "{show[0]}"' if show else ""
        column = column.replace("_", " ") if table == "system_record" else column
        lines.append(f'{name} = {{ from = "{column}", why = "The checks compare it."{shown} }}')
    return "\n".join(lines) + "\n\n"


BOUNDARY = (
    fields("lead", """id=Id owner=OwnerId first_name=FirstName last_name=LastName company=Company
        email=Email=masked phone=Phone=never website=Website title=Title country=Country state=State
        postal_code=PostalCode employees=NumberOfEmployees lead_source=LeadSource status=Status created=CreatedDate
        modified=LastModifiedDate converted=IsConverted assigned=Assigned__c first_touch=First_Touch__c
        last_activity=LastActivityDate stage_changed=Stage_Changed__c account=Account__c""")
    + fields("contact", """id=Id account=AccountId owner=OwnerId first_name=FirstName last_name=LastName
        email=Email=masked phone=Phone=never title=Title country=MailingCountry state=MailingState
        postal_code=MailingPostalCode lead_source=LeadSource lifecycle=Lifecycle__c created=CreatedDate
        modified=LastModifiedDate last_activity=LastActivityDate opted_out=HasOptedOutOfEmail""")
    + fields("account", """id=Id owner=OwnerId name=Name website=Website type=Type country=BillingCountry
        state=BillingState postal_code=BillingPostalCode phone=Phone=never industry=Industry
        employees=NumberOfEmployees external_id=Billing_Key__c created=CreatedDate modified=LastModifiedDate
        last_activity=LastActivityDate""")
    + fields("deal", """id=Id owner=OwnerId name=Name account=AccountId contact=ContactId stage=StageName
        amount=Amount close_date=CloseDate created=CreatedDate modified=LastModifiedDate closed=IsClosed won=IsWon
        stage_changed=LastStageChangeDate last_activity=LastActivityDate type=Type forecast=ForecastCategoryName
        lead_source=LeadSource""")
    + fields("user", """id=Id name=Name active=IsActive role=Role team=Team last_login=LastLoginDate
        deactivated=Deactivated__c""")
    + fields("queue", "id=Id name=Name")
    + fields("campaign_member", """record=LeadOrContactId campaign=Campaign channel=Channel
        responded=FirstRespondedDate""")
    + fields("field_history", "record=RecordId field=Field old=OldValue new=NewValue changed=CreatedDate by=CreatedById")
    + fields("system_record", "key=Customer_No name=Customer updated=Changed country=Country employees=Seats")
    + '[blocked]\nnames = ["*next step*", "*bank*"]\n'
)  # fmt: skip

OWNERS = """[inactive-owner]
objects = ["lead", "contact", "account", "deal"]
queue = "Inbound Queue"
[parked-in-queue.limits]
"Nurture Queue" = 4320
[service-owner]
users = ["ROBOT"]
[role-changed.selling]
lead = ["Account Executive"]
deal = ["Account Executive"]
"""

LIFECYCLE = """[lead]
field = "status"
order = ["New", "Working", "Qualified"]
closed = ["Unqualified", "Converted"]

[contact]
field = "lifecycle"
order = ["subscriber", "lead", "mql", "sql", "opportunity", "customer"]
customer = ["customer"]
opportunity = ["opportunity"]

[account]
field = "type"
order = ["Prospect", "Customer"]
customer = ["Customer"]

[deal]
field = "stage"
order = ["Qualification", "Discovery", "Proposal", "Negotiation"]
won = ["Closed Won"]
lost = ["Closed Lost"]
"""

REQUIRED = """[[require]]
object = "deal"
field = "amount"
from = "Proposal"
[[require]]
object = "account"
field = "industry"
[[require]]
object = "lead"
field = "employees"
from = "Working"
[[require]]
object = "contact"
field = "last_name"
[[invalid.list]]
object = "lead"
field = "country"
values = [%s]
[[invalid.positive]]
object = "deal"
field = "amount"
from = "Proposal"
""" % ", ".join(f'"{name}"' for name, _ in COUNTRIES)

LEAD_SOURCE = """[taxonomy]
values = [%s, "Unknown"]
[channels]
%s
[campaign-channels]
%s
[campaign-sources]
%s
""" % (
    ", ".join(f'"{source}"' for source, _ in SOURCES),
    "\n".join(f'"{source}" = "{channel}"' for source, channel in SOURCES),
    "\n".join(f'"{source}" = "{channel}"' for source, channel in SOURCES),
    "\n".join(f'"{source}" = "{source}"' for source, _ in SOURCES),
)

SYSTEM_OF_RECORD = """[[system]]
name = "Billing"
object = "account"
key = "external_id"
customers_only = true
[[system.compare]]
field = "name"
[[system.compare]]
field = "country"
[[system.compare]]
field = "employees"
[flapping]
fields = ["account.industry"]
"""

ROUTING = """catch_all = "Inbound Queue"

[coverage]
table = "coverage.csv"
[territory]
table = "territory-map.csv"
[segment]
field = "employees"
bands = [
    { name = "SMB", from = 1, to = 199 },
    { name = "Mid", from = 200, to = 999 },
    { name = "Enterprise", from = 1000 },
]
[follow-account-owner]
except_account_types = ["Partner"]
[named-accounts]
table = "named-accounts.csv"
[service-level]
hours = "Mon-Fri 09:00-18:00"
[[service-level.target]]
when = { lead_source = "Contact Us" }
within_hours = 8
[[service-level.target]]
within_hours = 16

[[rule]]
name = "Known accounts follow their owner"
to = { matched_account_owner = true }
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scale", type=float, default=1.0, help="1 is a million contacts")
    arguments = parser.parse_args()
    crm = Crm(arguments.folder, arguments.scale)
    crm.write_rules()
    crm.write_accounts()
    crm.write_contacts()
    crm.write_deals()
    crm.write_leads()
    print(f"{arguments.folder}: {crm.contacts:,} contacts, {crm.accounts:,} accounts, {crm.leads:,} leads, {crm.deals:,} deals")


if __name__ == "__main__":
    main()

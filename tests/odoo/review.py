#!/usr/bin/env python3
"""Runs the review against a real Odoo, and holds what it finds against the database itself.

    python3 -B tests/odoo/review.py          # unpacks Odoo below target/odoo the first time
    python3 -B tests/odoo/review.py --program target/release/crm-review

Fills a fresh database by Odoo's own API, reviews it with the key of a user who may only read, and
compares with SQL: how many records came, and which of them belong to nobody, or to somebody who left.
PostgreSQL's counters of written rows do not move, the server saw no call but the four that read, and a
user who may write is refused. A pull that is killed goes on where it was.

Where no Odoo can be started the test says so, loudly, and ends with 0: nothing was compared.
Does not: leave anything behind but target/.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import seed
import server

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
# The records are made by a server that keeps its own time: three days on, each is older than the day that
# a record may be without an owner, whatever the hour.
DAY = str(date.today() + timedelta(days=3))
CALLS = {"fields_get", "has_access", "search_count", "search_read"}

REVIEW = """
organisation = "Acme"
time_zone = "Europe/Berlin"

[source]
crm = "odoo"

[source.live]
host = "{url}"
api_key = {{ env = "ODOO_KEY" }}
database = "{database}"
"""

BOUNDARY = """
[lead.fields]
id = { from = "id", why = "Names the record in evidence." }
first_name = { from = "contact_name", why = "Tells people apart who share an address." }
company = { from = "partner_name", why = "Names the company." }
email = { from = "email_from", why = "Finds the same person twice.", show = "masked" }
phone = { from = "phone", why = "Finds the same person twice.", show = "never" }
country = { from = "country_id", why = "Routing." }
lead_source = { from = "medium_id", why = "Hidden from the reader on purpose: absent, and not blank." }
owner = { from = "user_id", why = "Finds records that nobody works." }
status = { from = "stage_id", why = "The stage." }
last_activity = { from = "activity_ids.date_done", why = "Shows whether anybody works it." }
created = { from = "create_date", why = "The older record is kept." }
modified = { from = "write_date", why = "Says what changed." }
website = { from = "x_no_such_field", why = "Is not there." }

[contact.fields]
id = { from = "id", why = "Names the record in evidence." }
first_name = { from = "name", why = "Names the person." }
email = { from = "email", why = "Finds the same person twice.", show = "masked" }
account = { from = "parent_id", why = "Links the person to a company." }
owner = { from = "user_id", why = "Finds records that nobody works." }
created = { from = "create_date", why = "The older record is kept." }
modified = { from = "write_date", why = "Says what changed." }

[account.fields]
id = { from = "id", why = "Names the record in evidence." }
name = { from = "name", why = "Finds the same company twice." }
website = { from = "website", why = "Finds the same company twice." }
owner = { from = "user_id", why = "Finds records that nobody works." }
created = { from = "create_date", why = "The older record is kept." }
modified = { from = "write_date", why = "Says what changed." }

[deal.fields]
id = { from = "id", why = "Names the record in evidence." }
name = { from = "name", why = "Names the deal." }
account = { from = "partner_id", why = "Links the deal to a company." }
owner = { from = "user_id", why = "Finds records that nobody works." }
stage = { from = "stage_id", why = "The stage." }
won = { from = "stage_id.is_won", why = "Tells won from open." }
amount = { from = "expected_revenue", why = "A late deal without an amount is a false report." }
close_date = { from = "date_deadline", why = "Open deals past it are a false report." }
created = { from = "create_date", why = "The older record is kept." }
modified = { from = "write_date", why = "Says what changed." }

[user.fields]
id = { from = "id", why = "Names the person." }
name = { from = "name", why = "Names the person in findings." }
active = { from = "active", why = "Finds owners who left." }
team = { from = "sale_team_id", why = "Groups owners." }
"""

LIFECYCLE = """
[lead]
field = "status"
order = ["New", "Qualified", "Proposition"]

[deal]
field = "stage"
order = ["New", "Qualified", "Proposition", "Won"]
won = ["Won"]
"""

# By rule, the records that the database itself says it is about.
TRUTH = {
    ("lead", "OWN-01"): """
        SELECT lead.id FROM crm_lead lead JOIN res_users owner ON owner.id = lead.user_id
        WHERE lead.active AND lead.type = 'lead' AND NOT owner.active""",
    ("lead", "OWN-02"): "SELECT id FROM crm_lead WHERE active AND type = 'lead' AND user_id IS NULL",
    ("deal", "LIF-13"): f"""
        SELECT deal.id FROM crm_lead deal JOIN crm_stage stage ON stage.id = deal.stage_id
        WHERE deal.active AND deal.type = 'opportunity' AND stage.is_won IS NOT TRUE AND date_deadline < DATE '{DAY}'""",
}
COUNTED = {
    "lead": "SELECT count(*) FROM crm_lead WHERE active AND type = 'lead'",
    "deal": "SELECT count(*) FROM crm_lead WHERE active AND type = 'opportunity'",
    "contact": "SELECT count(*) FROM res_partner WHERE active AND NOT coalesce(is_company, false) AND coalesce(type, 'contact') = 'contact'",
    "account": "SELECT count(*) FROM res_partner WHERE active AND is_company",
    "user": "SELECT count(*) FROM res_users WHERE NOT share",
}
WRITTEN = "SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables ORDER BY relname"


class Job:
    """A review folder, and the program run in it."""

    def __init__(self, program, odoo, folder):
        self.program, self.odoo, self.folder = program, odoo, folder
        files = {
            "review.toml": REVIEW.format(url=odoo.url, database=server.DATABASE),
            "rules/boundary.toml": BOUNDARY,
            "rules/lifecycle.toml": LIFECYCLE,
            "rules/approvals.toml": '[approver]\nname = "Dana Reyes"\n',
        }
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def start(self, key):
        words = [self.program, "run", self.folder, "--as-of", DAY]
        pipe = subprocess.PIPE
        return subprocess.Popen(words, env={"ODOO_KEY": key}, stdout=pipe, stderr=pipe, text=True)

    def run(self, key, code):
        """What the program said, if it ended with this code and gave no key away."""
        running = self.start(key)
        said = "".join(running.communicate())
        expect(running.returncode == code, f"exit {running.returncode}, and {code} was expected:\n{said}")
        expect(key not in said, "the key was printed")
        for path in self.folder.rglob("*"):
            if path.is_file():
                text = path.read_bytes()
                expect(key.encode() not in text, f"the key stands in {path.name}")
                expect(b"canary-" not in text, f"what nobody listed stands in {path.name}")
        return said

    def read(self, name):
        return (self.folder / "runs" / DAY / name).read_text()


class Wrong(Exception):
    """The program did not do what it has to."""


def expect(holds, words):
    if not holds:
        raise Wrong(words)


def ids(odoo, query):
    return {row[0] for row in odoo.postgres.sql(query)}


def written(odoo):
    """How many rows of each table were ever inserted, updated or deleted."""
    # PostgreSQL counts what a session wrote when it has been idle for ten seconds.
    time.sleep(12)
    return odoo.postgres.sql(WRITTEN)


def compare(odoo, job):
    """What was read and found, against the database."""
    manifest = json.loads(job.read("manifest.json"))
    rows = {read["object"]: read["rows_read"] for read in manifest["inputs"]}
    for table, query in COUNTED.items():
        expected = int(odoo.postgres.sql(query)[0][0])
        expect(rows[table] == expected, f"{rows[table]} of {expected} records of the table {table} were read")
    absent = {read["object"]: sorted(read["fields_absent"]) for read in manifest["inputs"]}
    expect("lead_source" in absent["lead"], "a field that is hidden from the reader is not said to be absent")
    expect("last_activity" not in absent["lead"], "activities were not read")
    findings = [json.loads(line) for line in job.read("findings.jsonl").splitlines()]
    compared = 0
    for (table, rule), query in TRUTH.items():
        found = {one["record"] for one in findings if (one["object"], one["rule"]) == (table, rule)}
        expected = ids(odoo, query)
        expect(found == expected, f"{rule}: not found {sorted(expected - found)}, too many {sorted(found - expected)}")
        expect(expected, f"{rule}: nothing to find")
        compared += len(expected)
    return rows, compared


def calls(odoo, since):
    """The calls that the server has seen since a place in its log."""
    log = odoo.log.read_text()[since:]
    paths = re.findall(r'"([A-Z]+) (\S+) HTTP', log)
    seen = {}
    for verb, path in paths:
        match = re.fullmatch(r"/json/2/[a-z0-9_.]+/(\w+)", path)
        expect(verb == "POST" and match and match[1] in CALLS, f"{verb} {path} is not on the list of reads")
        seen[match[1]] = seen.get(match[1], 0) + 1
    return seen


def interrupted(odoo, job, key):
    """Kills a pull when a page of it has been kept; the next run reads the rest."""
    running = job.start(key)
    until = time.monotonic() + 60
    kept = job.folder / ".pull"
    while time.monotonic() < until and running.poll() is None:
        if any(b'"page"' in path.read_bytes() for path in kept.glob("*.jsonl")):
            break
        time.sleep(0.005)
    expect(running.poll() is None, "the pull was over before it could be killed")
    running.send_signal(signal.SIGKILL)
    running.wait()
    modes = {oct(path.stat().st_mode & 0o777) for path in kept.iterdir()}
    expect(modes == {"0o600"}, f"what is kept is open to others: {modes}")
    job.run(key, 1)
    expect(not kept.exists(), "what was kept is still there")
    compare(odoo, job)


def check(program, odoo):
    keys = seed.keys(odoo)
    odoo.start()
    seed.fill(odoo, keys["admin"])
    with tempfile.TemporaryDirectory(prefix="crm-review-job-") as temporary:
        folder = Path(temporary)
        before, since = written(odoo), len(odoo.log.read_text())
        job = Job(program, odoo, folder / "reads")
        said = job.run(keys["reader"], 1)
        for field in ["lead.lead_source", "lead.website"]:
            expect(field in said, f"{field}, which the reader does not see, is not said to be missing:\n{said}")
        rows, compared = compare(odoo, job)
        seen = calls(odoo, since)
        interrupted(odoo, Job(program, odoo, folder / "killed"), keys["reader"])
        for user in ["writer", "seller", "admin"]:
            refused = Job(program, odoo, folder / user)
            said = refused.run(keys[user], 3)
            expect("may do more than read" in said, f"{user} was not refused for what it may do:\n{said}")
            expect(not (refused.folder / "runs" / DAY).exists(), f"{user} has got a packet")
        wrong = Job(program, odoo, folder / "wrong")
        said = wrong.run("0" * 40, 3)
        expect("does not accept the login" in said, said)
        moved = [(old, new) for old, new in zip(before, written(odoo)) if old != new]
        expect(not moved, f"the database was written to: {moved}")
        expect(len(before) > 100, f"only {len(before)} tables were watched")
    print(f"{odoo.release}: {rows} read by {seen}, {compared} findings as SQL has them, nothing written")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--program", type=Path, default=TARGET / "debug" / "crm-review")
    arguments = parser.parse_args()
    if not arguments.program.exists():
        parser.error(f"{arguments.program} is not there yet: cargo build")
    try:
        with server.odoo(TARGET / "odoo", "crm,contacts") as odoo:
            check(arguments.program.resolve(), odoo)
    except server.Unavailable as why:
        line = "!" * 80
        print(f"{line}\nNOT RUN AGAINST A REAL ODOO: none can be started here.\n{why}\n{line}", file=sys.stderr)
    except Wrong as why:
        sys.exit(f"tests/odoo: {why}")


if __name__ == "__main__":
    main()

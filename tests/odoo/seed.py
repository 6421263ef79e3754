"""A company in a fresh Odoo: users of several kinds, made with all rights, and records, made by the API.

Does not: know what the review finds in them.
"""

# Made inside Odoo, where keys can be made: an administrator who fills the database, and three users for
# the program. Each says its key on a line of its own.
USERS = """
from datetime import datetime, timedelta
until = datetime.now() + timedelta(days=2)
models = %(models)r

def group(name, *operations):
    made = env["res.groups"].create({"name": name})
    for model in models:
        allowed = {f"perm_{o}": o in operations for o in ("read", "write", "create", "unlink")}
        env["ir.model.access"].create({
            "name": f"{name}: {model}", "model_id": env["ir.model"]._get_id(model), "group_id": made.id, **allowed,
        })
    env["ir.rule"].create({
        "name": f"{name}: all leads", "model_id": env["ir.model"]._get_id("crm.lead"),
        "domain_force": "[(1, '=', 1)]", "groups": [(4, made.id)],
    })
    return made

def key(user):
    return env(user=user.id)["res.users.apikeys"].sudo()._generate("rpc", "a test", until)

def user(name, groups):
    values = {"name": name, "login": name, "group_ids": [(6, 0, groups.ids)]}
    return env["res.users"].with_context(no_reset_password=True).create(values)

reader = user("reader", group("CRM review, reads", "read"))
writer = user("writer", group("CRM review, writes", "read", "write"))
seller = user("seller", env.ref("sales_team.group_sale_salesman_all_leads"))
# Nobody else may see where a lead was first advertised.
env["ir.model.access"].search([("model_id.model", "=", "utm.medium"), ("group_id.name", "like", "CRM review")]).unlink()
for made in (reader, writer, seller, env.ref("base.user_admin")):
    print("KEY", made.login, key(made))
env.cr.commit()
"""

# What the program is allowed to read of.
MODELS = [
    "crm.lead", "crm.stage", "crm.team", "mail.activity", "res.country", "res.country.state", "res.partner",
    "res.users", "utm.medium", "utm.source",
]  # fmt: skip

FIRST = ["Ada", "Béla", "Chiara", "Dmitri", "Élodie", "Fatma", "Göran", "Hana", "Łukasz", "Ngọc", "Oya", "Yūki"]
LAST = ["Abel", "Brandstätter", "Çelik", "D'Amico", "Eriksen", "Fischer", "García", "Nowak", "O'Brien", "Şahin"]
LEADS = 2_300
PAGE = 500


def keys(odoo):
    """By login, the keys that were made."""
    said = odoo.shell(USERS % {"models": MODELS})
    lines = [line.split() for line in said.splitlines() if line.startswith("KEY ")]
    return {login: key for _, login, key in lines}


def create(odoo, key, model, records, **context):
    ids = []
    for at in range(0, len(records), PAGE):
        page = records[at : at + PAGE]
        ids += odoo.call(key, model, "create", vals_list=page, context={"tracking_disable": True, **context})
    return ids


def fill(odoo, key):
    """The company."""
    call = lambda model, method, **arguments: odoo.call(key, model, method, **arguments)  # noqa: E731
    owners = create(
        odoo, key, "res.users",
        [{"name": f"Seller {n}", "login": f"seller{n}@acme.example"} for n in range(4)],
        no_reset_password=True,
    )  # fmt: skip
    gone = owners[3]
    stages = [row["id"] for row in call("crm.stage", "search_read", fields=["name"], order="sequence, id")]
    named = call("res.country", "search_read", fields=["code"], domain=[["code", "in", ["DE", "FR", "PL"]]])
    countries = [row["id"] for row in named]
    sources = create(odoo, key, "utm.source", [{"name": name} for name in ("Fair", "Referral", "Web form")])
    companies = create(
        odoo, key, "res.partner",
        [
            {"name": f"Werk {n} GmbH", "is_company": True, "website": f"https://werk{n}.example", "user_id": owners[n % 3]}
            for n in range(40)
        ],
    )  # fmt: skip
    people = [
        {
            "name": f"{FIRST[n % len(FIRST)]} {LAST[n // 12 % len(LAST)]}",
            "email": f"person{n}@werk{n % 40}.example",
            "parent_id": companies[n % 40],
            "user_id": owners[n % 4],
        }
        for n in range(120)
    ]
    create(odoo, key, "res.partner", people)
    leads = []
    for n in range(LEADS):
        name = f"{FIRST[n % len(FIRST)]} {LAST[n // 12 % len(LAST)]}"
        leads.append(
            {
                "type": "lead",
                "name": f"Request {n}",
                "contact_name": name,
                "partner_name": f"Haus {n % 700}",
                # Every 97th is somebody who asked before, and every 50th left no address.
                "email_from": False if n % 50 == 0 else f"lead{n - 1 if n % 97 == 1 else n}@haus{n % 700}.example",
                "phone": f"+49 30 {1000000 + n}",
                "country_id": countries[n % len(countries)],
                "source_id": sources[n % len(sources)],
                # Every 100th belongs to nobody, every 40th to somebody who left.
                "user_id": False if n % 100 == 7 else gone if n % 40 == 3 else owners[n % 3],
                "description": "canary-description",
            }
        )
    made = create(odoo, key, "crm.lead", leads)
    call("crm.lead", "action_archive", ids=made[11::115])
    deals = [
        {
            "type": "opportunity",
            "name": f"Deal {n}",
            "partner_id": companies[n % 40],
            "user_id": owners[n % 4],
            "stage_id": stages[n % len(stages)],
            "expected_revenue": 1000 * n,
            "date_deadline": "2020-01-01" if n % 9 == 0 else "2099-12-31",
        }
        for n in range(90)
    ]
    made_deals = create(odoo, key, "crm.lead", deals)
    todo = call("mail.activity.type", "search_read", fields=["name"], limit=1)[0]["id"]
    model = call("ir.model", "search_read", fields=["model"], domain=[["model", "=", "crm.lead"]])[0]["id"]
    activities = create(
        odoo, key, "mail.activity",
        [
            {"res_model_id": model, "res_id": lead, "activity_type_id": todo, "user_id": owners[0], "note": "canary-note"}
            for lead in made[:300:3] + made_deals[:30]
        ],
    )  # fmt: skip
    call("mail.activity", "action_done", ids=activities[::2])
    call("res.users", "action_archive", ids=[gone])

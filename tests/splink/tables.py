"""Invented people and companies, half of them twice, the second time changed: the same on every machine.

Few families, few companies and many gaps, so that most levels of most comparisons come up.
Does not: write a file.
"""

SYLLABLES = ["ka", "lo", "mi", "ter", "son", "berg", "wal", "ri", "no", "hu", "den", "ste"]
FIRST = [
    "Robert",
    "Maria",
    "James",
    "Linda",
    "David",
    "Susan",
    "Peter",
    "Elizabeth",
    "William",
    "Jean Marie",
    "Christopher",
]
NICK = {"Robert": "Bob", "Elizabeth": "Liz", "William": "Bill", "James": "Jim", "David": "Dave", "Susan": "Sue"}
CITIES = ["Springfield", "Riverton", "Lakewood", "Fairview"]
REGIONS = ["Ohio", "Texas", "Iowa"]
COUNTRIES = ["USA", "Canada"]


class Numbers:
    """Numbers in a fixed order that look random: the same on every version of Python."""

    def __init__(self, seed):
        self.state = seed

    def below(self, limit):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % limit

    def one_of(self, items):
        return items[self.below(len(items))]

    def word(self, syllables):
        return "".join(self.one_of(SYLLABLES) for _ in range(syllables))

    def slip(self, text):
        """A letter changed, lost, doubled, or swapped with the next."""
        if len(text) < 4:
            return text
        at, letter = 1 + self.below(len(text) - 2), self.one_of("aeinrst")
        return self.one_of(
            [
                text[:at] + letter + text[at + 1 :],
                text[:at] + text[at + 1 :],
                text[:at] + text[at] + text[at:],
                text[:at] + text[at + 1] + text[at] + text[at + 2 :],
            ]
        )


def street(numbers):
    return f"{1 + numbers.below(900)} {numbers.word(3).title()} Street"


PEOPLE = [
    "id",
    "first_name",
    "last_name",
    "email",
    "phone",
    "mobile",
    "company",
    "website",
    "street",
    "city",
    "state",
    "zip",
    "country",
    "date_of_birth",
    "tax_id",
    "job_text",
    "gender",
]
CONTACTS = PEOPLE[:13]
PERSONS = [*PEOPLE[:3], "phone", *PEOPLE[8:]]


def number(numbers, area):
    return f"+1 {area} {200 + numbers.below(700)} {numbers.below(10000):04}"


def people(numbers, count, columns):
    """People at few companies, of few families; half of them twice, the second time changed."""
    firms = [
        (
            f"{numbers.word(3).title()} {kind}",
            numbers.word(3) + ".com",
            street(numbers),
            numbers.one_of(CITIES),
            str(10000 + numbers.below(60)),
        )
        for kind in ["Foods", "Group", "Labs", "Works"] * 20
    ]
    firms += [(domain.split(".")[0].title(), domain, place, city, code) for _, domain, place, city, code in firms[:20]]
    families = [numbers.word(2 + numbers.below(2)).title() for _ in range(90)]
    families += [f"{families[at]}-{numbers.word(2).title()}" for at in range(12)]
    rows = []
    for at in range(count):
        firm, domain, place, city, postcode = numbers.one_of(firms)
        first, last, phone = numbers.one_of(FIRST), numbers.one_of(families), number(numbers, 212)
        local = numbers.one_of(
            [
                f"{first.split()[0]}.{last}",
                f"{first[0]}.{last}",
                f"{last}{numbers.below(9)}",
                numbers.word(3) + str(numbers.below(900)),
            ]
        ).lower()
        host = numbers.one_of([domain, domain, "gmail.com"])
        born = f"{1950 + numbers.below(50)}-{1 + numbers.below(12):02}-{1 + numbers.below(28):02}"
        row = [
            f"{at}",
            first,
            last,
            f"{local}@{host}",
            phone,
            "",
            firm,
            "www." + domain,
            place,
            city,
            numbers.one_of(REGIONS),
            postcode,
            numbers.one_of(COUNTRIES),
            born,
            f"T{numbers.below(10**8):08}",
            f"{numbers.word(2)} {numbers.word(2)} manager",
            numbers.one_of(["f", "m"]),
        ]
        if rows and numbers.below(5) == 0:
            # Somebody else of the same household.
            for column in (2, 4, 8, 9, 11):
                row[column] = rows[-1][column]
        if numbers.below(8) == 0:
            row[5] = number(numbers, 646)
        if numbers.below(8) == 0:
            row[2] += " Sr"
        for column in (3, 4, 6, 7, 8, 9, 11):
            if numbers.below(4) == 0:
                row[column] = ""
        rows.append(row)
        if numbers.below(2):
            continue
        twin = [f"{at}x", *row[1:]]
        for _ in range(1 + numbers.below(5)):
            what = numbers.below(29)
            if what < 4:
                column = numbers.one_of([1, 2, 3, 4, 8, 9, 14, 13])
                twin[column] = numbers.slip(twin[column])
            elif what < 8:
                twin[numbers.one_of([1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])] = ""
            elif what < 10:
                twin[1] = NICK.get(row[1], row[1].split()[0])
            elif what == 10:
                twin[1] = row[1][:1]
            elif what < 13:
                twin[1], twin[2] = row[2], row[1]
            elif what == 13:
                other = numbers.one_of(firms)
                twin[6:8], twin[3] = [other[0], other[1]], f"{local}@{other[1]}"
            elif what == 14:
                twin[13] = born[:5] + born[8:10] + "-" + born[5:7]
            elif what == 15:
                twin[3] = f"{local}@gmail.com"
            elif what == 16:
                twin[3] = f"{numbers.word(3)}@{numbers.one_of(firms)[1]}"
            elif what == 17:
                twin[8] = twin[9] = twin[11] = ""
                twin[10], twin[12] = numbers.one_of(REGIONS), numbers.one_of(COUNTRIES)
            elif what == 18:
                twin[8], twin[9], twin[11] = street(numbers), numbers.one_of(CITIES), str(10000 + numbers.below(60))
            elif what == 19:
                twin[8] = twin[8].removesuffix(" Street")
            elif what == 20:
                twin[2] = row[2].split("-")[0]
            elif what == 21:
                twin[8] = twin[9] = twin[10] = twin[11] = ""
            elif what == 22:
                twin[4] = number(numbers, 212)
            elif what == 23:
                twin[8] = f"{1 + numbers.below(900)} {twin[8].partition(' ')[2]}"
            elif what == 26:
                twin[2] = row[2].removesuffix(" Sr") + " Jr"
            elif what == 27:
                twin[1] = f"{row[1].split()[0]} {numbers.one_of(['Paul', 'Marie'])}"
            elif what == 28:
                twin[1] = numbers.one_of(FIRST)
                twin[3] = f"{twin[1][0]}.{last}@{host}".lower()
            elif what == 24:
                twin[13], twin[14] = born[:8] + "07", f"T{numbers.below(10**8):08}"
            else:
                twin[15], twin[16] = f"{numbers.word(2)} clerk", numbers.one_of(["f", "m"])
        rows.append(twin)
    wanted = [PEOPLE.index(column) for column in columns]
    return columns, [[row[at] for at in wanted] for row in rows]


def companies(numbers, count):
    header = ["id", "company", "website", "phone", "street", "city", "state", "zip", "country", "industry", "vat"]
    rows = []
    for at in range(count):
        words = [numbers.word(2).title() for _ in range(1 + numbers.below(3))]
        name = " ".join(words)
        domain = "".join(words).lower() + numbers.one_of([".com", ".com", ".net"])
        row = [
            f"{at}",
            name,
            domain,
            f"+1 212 {200 + numbers.below(700)} {numbers.below(10000):04}",
            street(numbers),
            numbers.one_of(CITIES),
            numbers.one_of(REGIONS),
            str(10000 + numbers.below(60)),
            numbers.one_of(COUNTRIES),
            numbers.one_of(["Food", "Steel", "Law"]),
            f"V{numbers.below(10**8):08}",
        ]
        rows.append(row)
        if numbers.below(2):
            continue
        twin = [f"{at}x", *row[1:]]
        for _ in range(1 + numbers.below(4)):
            what = numbers.below(14)
            if what < 3:
                column = numbers.one_of([2, 3, 4, 5, 10])
                twin[column] = numbers.slip(twin[column])
            elif what < 6:
                twin[numbers.one_of([2, 3, 4, 5, 6, 7, 8, 9, 10])] = ""
            elif what == 6:
                twin[1] = "".join(words)
            elif what == 7:
                twin[1] = name + " " + numbers.one_of(["Inc", "Holdings"])
            elif what == 8:
                twin[2] = "".join(words).lower() + ".org"
            elif what == 9:
                twin[4], twin[7] = street(numbers), str(10000 + numbers.below(60))
            elif what == 10:
                twin[9] = numbers.one_of(["Food", "Steel", "Law"])
            elif what == 11:
                twin[1] = "".join(word[0] for word in words)
            elif what == 12:
                twin[4] = f"{1 + numbers.below(900)} {twin[4].partition(' ')[2]}"
            else:
                twin[4] = twin[4].removesuffix(" Street")
                twin[5], twin[7] = "", str(10000 + numbers.below(60))
        rows.append(twin)
    return header, rows

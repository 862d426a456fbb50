"""Random rules, as their parts."""

import datetime

DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
# What rules stumble over: ends of months, leap days, turns of the year.
ODD = [(1, 29), (1, 30), (1, 31), (2, 28), (2, 29), (3, 31), (8, 31), (12, 31), (1, 1)]


def anchor(random):
    """A day from 2020 to 2040."""
    if random.random() < 0.4:
        month, day = random.choice(ODD)
        year = random.choice(range(2020, 2041, 4) if (month, day) == (2, 29) else range(2020, 2041))
        return datetime.date(year, month, day)
    return datetime.date(2020, 1, 1) + datetime.timedelta(random.randrange(7670))


def some(random, values, most):
    return sorted(random.sample(list(values), random.randint(1, most)))


def parts(random):
    """The parts of a rule of RFC 5545, lists as lists; `SKIP` is always there."""
    freq = random.choice(["DAILY", "WEEKLY", "MONTHLY", "MONTHLY", "YEARLY", "YEARLY"])
    rule = {"FREQ": freq}
    if random.random() < 0.5:
        rule["INTERVAL"] = random.choice([1, 2, 2, 3, 4, 5, 7, 12, 13, 18, 30])
    if random.random() < 0.3:
        rule["BYMONTH"] = some(random, range(1, 13), 4)
    if freq != "WEEKLY" and random.random() < 0.4:
        late = [28, 29, 30, 31, -1, -2, -29, -30, -31]
        days = late if random.random() < 0.5 else [*range(1, 32), *range(-31, 0)]
        rule["BYMONTHDAY"] = some(random, days, 5)
    if random.random() < 0.5:
        numbers = {"MONTHLY": [*range(1, 6), *range(-5, 0)], "YEARLY": [*range(1, 54), *range(-53, 0)]}
        if "BYMONTH" in rule:
            numbers["YEARLY"] = numbers["MONTHLY"]
        plain = [(0, day) for day in random.sample(DAYS, random.randint(1, 5))]
        numbered = [(random.choice(numbers.get(freq, [0])), random.choice(DAYS)) for _ in range(random.randint(1, 4))]
        kind = random.random() if freq in numbers else 0
        chosen = plain if kind < 0.45 else numbered if kind < 0.9 else plain[:2] + numbered
        rule["BYDAY"] = list(dict.fromkeys(chosen))
    if rule.keys() & {"BYMONTH", "BYMONTHDAY", "BYDAY"} and random.random() < 0.35:
        rule["BYSETPOS"] = some(random, [1, 1, 2, 3, 4, 10, -1, -1, -2, -3, -7], 3)
        rule["BYSETPOS"] = list(dict.fromkeys(rule["BYSETPOS"]))
    if random.random() < 0.3:
        rule["WKST"] = random.choice(DAYS)
    end = random.random()
    if end < 0.25:
        rule["COUNT"] = random.randint(1, 30)
    elif end < 0.45:
        until = datetime.date(2020, 1, 1) + datetime.timedelta(random.randrange(365 * 35))
        rule["UNTIL"] = until.strftime("%Y%m%d") + random.choice(["", "", "T000000Z"])
    rule["SKIP"] = random.choice(["OMIT", "BACKWARD"])
    return rule


def text(rule, without=()):
    """The text of the RRULE. SKIP=BACKWARD is left out, because it is Todoward's default."""

    def value(name, it):
        if name == "BYDAY":
            return ",".join(f"{nth or ''}{day}" for nth, day in it)
        return ",".join(map(str, it)) if isinstance(it, list) else str(it)

    left_out = {*without, *({"SKIP"} if rule["SKIP"] == "BACKWARD" else ())}
    return ";".join(f"{name}={value(name, it)}" for name, it in rule.items() if name not in left_out)

"""The dates of a rule once more, straight from RFC 5545 and RFC 7529.

For what python-dateutil does not do: SKIP=BACKWARD, weekdays with and without numbers
in one list, and the whole first week of a BYSETPOS. dateutil gives the periods, and
finds n-th weekdays by `relativedelta`; the days that a month lacks are made first and
then moved to its end.
"""

import calendar
import datetime
import itertools

from dateutil import relativedelta, rrule

from rules import DAYS

ONE_DAY = datetime.timedelta(1)


def periods(rule, anchor):
    """The first and the last day of each period."""
    freq = rule["FREQ"]
    if freq == "WEEKLY":
        start = anchor
        while DAYS[start.weekday()] != rule.get("WKST", "MO"):
            start -= ONE_DAY
    else:
        start = {
            "DAILY": anchor,
            "MONTHLY": anchor.replace(day=1),
            "YEARLY": anchor.replace(month=1, day=1),
        }[freq]
    length = {
        "DAILY": relativedelta.relativedelta(days=1),
        "WEEKLY": relativedelta.relativedelta(days=7),
        "MONTHLY": relativedelta.relativedelta(months=1),
        "YEARLY": relativedelta.relativedelta(years=1),
    }[freq]
    begin = datetime.datetime.combine(start, datetime.time())
    for at in rrule.rrule(getattr(rrule, freq), interval=rule.get("INTERVAL", 1), dtstart=begin):
        yield at.date(), at.date() + length - ONE_DAY


def days_between(first, last):
    return [first + n * ONE_DAY for n in range((last - first).days + 1)]


def weekdays(rule, first, last):
    """The days of BYDAY of a month, a year, or anything without numbers."""
    found = set()
    for nth, name in rule["BYDAY"]:
        if nth == 0:
            found |= {day for day in days_between(first, last) if DAYS[day.weekday()] == name}
        else:
            weekday = getattr(relativedelta, name)(nth)
            day = (first if nth > 0 else last) + relativedelta.relativedelta(weekday=weekday)
            found |= {day} if first <= day <= last else set()
    return found


def month_days(rule, year, month, days):
    """BYMONTHDAY in a month: each is made, then omitted or moved if it is none."""
    length = calendar.monthrange(year, month)[1]
    for day in days:
        day = length + 1 + day if day < 0 else day
        if day > length and rule["SKIP"] == "BACKWARD" and rule["FREQ"] in ("MONTHLY", "YEARLY"):
            day = length
        if 1 <= day <= length:
            yield datetime.date(year, month, day)


def candidates(rule, anchor, first, last):
    freq, months = rule["FREQ"], rule.get("BYMONTH")
    days = rule.get("BYMONTHDAY")
    if freq in ("MONTHLY", "YEARLY") and not days and "BYDAY" not in rule:
        days = [anchor.day]
        if freq == "YEARLY":
            months = months or [anchor.month]
    in_months = sorted({(day.year, day.month) for day in days_between(first, last)})
    in_months = [(year, month) for year, month in in_months if not months or month in months]
    if days:
        found = {day for year, month in in_months for day in month_days(rule, year, month, days)}
        found &= set(days_between(first, last))
    else:
        found = {day for day in days_between(first, last) if (day.year, day.month) in in_months}
    if "BYDAY" in rule:
        if freq == "YEARLY" and months:
            ends = [(datetime.date(year, month, 1), datetime.date(year, month, calendar.monthrange(year, month)[1]))
                    for year, month in in_months]
        else:
            ends = [(first, last)]
        found &= set().union(*(weekdays(rule, *end) for end in ends))
    elif freq == "WEEKLY":
        found = {day for day in found if day.weekday() == anchor.weekday()}
    return sorted(found)


def dates(rule, anchor, horizon):
    until = rule.get("UNTIL")
    end = min(horizon, datetime.datetime.strptime(until[:8], "%Y%m%d").date()) if until else horizon

    def matching():
        for first, last in periods(rule, anchor):
            if first > end:
                return
            found = candidates(rule, anchor, first, last)
            if "BYSETPOS" in rule:
                size = len(found)
                places = {at - 1 if at > 0 else size + at for at in rule["BYSETPOS"]}
                found = [day for place, day in enumerate(found) if place in places]
            yield from (day for day in found if anchor <= day <= end)

    return itertools.islice(matching(), rule.get("COUNT"))

"""Local times and their instants by Python's zoneinfo, with the data of PyPI's tzdata."""

import bisect
import datetime
import zoneinfo

import tzdata

UTC = datetime.timezone.utc
MINUTE = datetime.timedelta(minutes=1)
FIRST, LAST = datetime.datetime(1970, 1, 1, tzinfo=UTC), datetime.datetime(2099, 12, 31, tzinfo=UTC)
# No zone changes its clocks and changes them back within so many days.
STEP = datetime.timedelta(days=5)


def changes(zone):
    """The instants from which on the offset is another one, with the offset before."""
    at, before = FIRST, FIRST.astimezone(zone).utcoffset()
    while at < LAST:
        after = (at + STEP).astimezone(zone).utcoffset()
        if after != before:
            seconds = range(int(STEP.total_seconds()) + 1)
            offset = lambda s: (at + datetime.timedelta(seconds=s)).astimezone(zone).utcoffset()
            second = bisect.bisect_left(seconds, True, key=lambda s: offset(s) != before)
            yield at + datetime.timedelta(seconds=second), before, after
        at, before = at + STEP, after


def local_times(random, zone, limit):
    """Around changes of the clocks, and at random."""
    found = list(changes(zone))
    for at, before, after in found if limit is None else random.sample(found, min(limit, len(found))):
        one = (at + before).replace(tzinfo=None, second=0)
        other = (at + after).replace(tzinfo=None, second=0)
        first, last = min(one, other), max(one, other)
        inside = first + (last - first) * random.random()
        for time in (first - MINUTE, first, inside, last - MINUTE, last, last + MINUTE):
            yield time.replace(second=0, microsecond=0)
    for _ in range(10):
        yield (FIRST + MINUTE * random.randrange((LAST - FIRST) // MINUTE)).replace(tzinfo=None)


def cases(random, limit):
    """Lines for every zone; at most so many changes of each."""
    zoneinfo.reset_tzpath(to=[])
    names = sorted(zoneinfo.available_timezones())
    yield "\t".join(["zones", tzdata.IANA_VERSION, ",".join(names)])
    for name in names:
        zone = zoneinfo.ZoneInfo(name)
        for time in local_times(random, zone, limit):
            # fold=0: the offset before a gap, and the first of two, as RFC 5545 has it.
            instant = time.replace(tzinfo=zone).astimezone(UTC)
            yield "\t".join(["instant", name, time.strftime("%Y-%m-%d %H:%M"), instant.strftime("%Y-%m-%dT%H:%M:%S")])

#!/usr/bin/python3

# Copyright (C) nginx-intake contributors

"""Time zones and business clocks against Python's zoneinfo.

    zones.py [-s SEED] [-n CALENDARS] [--slim] [BUILD]

BUILD is the folder with tzif_test and business_clock_test, build/unit if none
is given.  Every file under /usr/share/zoneinfo is read by both: the offsets
have to be the same at each transition from 1970 to 2060, a second before and
a second after it, and at random times.  Then that many random calendars in
random zones are walked along the wall, minute by minute, in two weeks near a
transition.  --slim compiles the zones once more, without the tables of the
years that their last lines describe ("zic -b slim").

Prints what differs, and a summary; exits with 1 if anything does.
"""

import argparse
import bisect
import datetime
import os
import random
import struct
import subprocess
import sys
import tempfile
import zoneinfo

ZONES = "/usr/share/zoneinfo"
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAY = 86400
EPOCH = datetime.date(1970, 1, 1)
UTC = datetime.timezone.utc


def seconds(year):
    return int(datetime.datetime(year, 1, 1, tzinfo=UTC).timestamp())


FIRST, LAST = seconds(1970), seconds(2060)


# zones

def zone_files(root):
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            yield os.path.join(folder, name)


def recorded(data):
    """The transitions in the 64-bit table of a file, and the leap seconds."""
    isut, isstd, leap, times, types, chars = struct.unpack(">6l", data[20:44])
    start = 44 + times * 5 + types * 6 + chars + leap * 8 + isstd + isut
    leap, times = struct.unpack(">2l", data[start + 28:start + 36])
    start += 44
    return struct.unpack(f">{times}q", data[start:start + times * 8]), leap


def offset(zone, sec):
    time = datetime.datetime.fromtimestamp(sec, zone)
    return int(time.utcoffset().total_seconds())


def transitions(zone, data):
    """Those of the table, and those found by a look at every tenth day."""
    found = {t for t in recorded(data)[0] if FIRST <= t < LAST}
    time, before = FIRST, offset(zone, FIRST)

    while time < LAST:
        after = offset(zone, time + 10 * DAY)
        if after != before:
            low, high = time, time + 10 * DAY
            while high - low > 1:
                middle = (low + high) // 2
                if offset(zone, middle) == before:
                    low = middle
                else:
                    high = middle
            found.add(high)
        time, before = time + 10 * DAY, after

    return sorted(found)


def ask(program, *arguments, times):
    """The program's answers, a line for each time."""
    return subprocess.run([program, *arguments], text=True,
                          input="".join(f"{t}\n" for t in times),
                          stdout=subprocess.PIPE).stdout.splitlines()


def check_zone(path, build, count):
    with open(path, "rb") as file:
        data = file.read()

    program = os.path.join(build, "tzif_test")

    if data[:4] != b"TZif":
        if ask(program, path, times=[]) != ["no zone"]:
            return f"{path} was taken for a zone"
        count["other files refused"] += 1
        return None

    if recorded(data)[1]:
        if ask(program, path, times=[]) != ["leap seconds"]:
            return f"{path} was taken, with leap seconds"
        count["files with leap seconds refused"] += 1
        return None

    with open(path, "rb") as file:
        zone = zoneinfo.ZoneInfo.from_file(file)

    times = [t + d for t in transitions(zone, data) for d in (-1, 0, 1)]
    count["transitions"] += len(times) // 3

    # a last line that contradicts the last transition (zic 2.36 and Ojinaga)
    # begins with it here, and in glibc, and a second later in zoneinfo

    last = max(recorded(data)[0], default=LAST)
    if last < LAST and offset(zone, last) != offset(zone, last + 1):
        times = [t for t in times if t not in (last, last + 1)]
        count["contradictions"] += 1

    times += [random.randrange(FIRST, LAST) for _ in range(500)]

    wrong = []
    answers = ask(program, path, times=times)

    for time, answer in zip(times, answers):
        here = offset(zone, time)
        change = " change" if offset(zone, time - 1) != here else ""
        if answer != f"{here}{change}":
            wrong.append(f"{time}: {answer}, not {here}{change}")

    if len(answers) != len(times):
        wrong.append(f"{len(answers)} answers")

    count["zones"] += 1
    count["offsets"] += len(times)

    return f"{path}: {'; '.join(wrong[:5])}" if wrong else None


# calendars: the directives as text, and a second reading of them

def random_times(last=24):
    """Minutes from start to end; an end that is not later is on the next day.
    """
    start = random.randrange(0, last * 60, 15)
    end = start + random.choice([15, 60, 180, 475, 600, 900])
    if end > 1440:
        end = random.choice([1440, end])
    text = f"{start // 60:02}:{start % 60:02}-"
    end_of_day = end - 1440 if end > 1440 else end
    return text + f"{end_of_day // 60:02}:{end_of_day % 60:02}", start, end


def spread(days, date, start, end):
    days.setdefault(date, set()).update(range(start, min(end, 1440)))
    if end > 1440:
        days.setdefault(date + 1, set()).update(range(0, end - 1440))


class Calendar:

    def __init__(self, around):
        self.text = []
        self.hours = self.week("hours")
        self.staffed = self.week("staffed")
        self.closed, self.open, self.replaced = {}, {}, set()
        self.weight = 1000

        for _ in range(random.randrange(5)):
            first = around + random.randrange(-9, 9)
            last = first + random.choice([0, 0, 1, 4, 400])
            text, start, end = random.choice([("", 0, 1440), random_times()])
            for date in range(first, last + 1):
                spread(self.closed, date, start, end)
            self.add(f"closed {self.date(first)}..{self.date(last)} {text}")

        for _ in range(random.randrange(4)):
            date = around + random.randrange(-9, 9)
            text, start, end = random_times()
            mine = {}
            spread(mine, date, start, end)
            if any(mine[d] & self.open.get(d, set()) for d in mine):
                continue
            spread(self.open, date, start, end)
            self.replaced.add(date)
            self.add(f"open {self.date(date)} {text}")

        if random.random() < 0.5:
            self.weight = random.choice([0, 1, 125, 333, 500, 999])
            self.add(f"weekend_weight {self.weight / 1000}")

    def add(self, text):
        self.text.append(text.strip())

    @staticmethod
    def date(date):
        return (EPOCH + datetime.timedelta(days=date)).isoformat()

    def week(self, word):
        """Minutes of a week that begins on a Monday, None without lines."""
        week = None
        for _ in range(random.randrange(4)):
            first = random.randrange(7)
            days = [(first + i) % 7 for i in range(random.randrange(1, 8))]
            text, start, end = random_times()
            mine = {(day * 1440 + m) % (7 * 1440)
                    for day in days for m in range(start, end)}
            if week and week & mine:
                continue
            week = (week or set()) | mine
            name = WEEKDAYS[days[0]]
            if len(days) > 1:
                name += "-" + WEEKDAYS[days[-1]]
            self.add(f"{word} {name} {text}")
        return week

    def counts(self, staffed, date, minute):
        """The weight of a minute."""
        weekday = (date + 3) % 7
        week = self.staffed if staffed and self.staffed else self.hours

        if minute in self.open.get(date, ()):
            is_open = True
        elif date in self.replaced or minute in self.closed.get(date, ()):
            is_open = False
        else:
            is_open = week is None or weekday * 1440 + minute in week

        if not is_open:
            return 0
        return self.weight if weekday >= 5 else 1000


def walk(zone, calendar, start, end):
    """[[start, end, weight, staffed]] of the times with something in them."""
    periods = []

    while start < end:
        wall = start + offset(zone, start)
        following = start + 60 - wall % 60
        date, minute = wall // DAY, wall % DAY // 60
        weight = calendar.counts(False, date, minute)
        staffed = calendar.counts(True, date, minute) > 0

        if periods and periods[-1][2:] == [weight, staffed]:
            periods[-1][1] = following
        else:
            periods.append([start, following, weight, staffed])
        start = following

    return periods


def check_calendar(path, build, count):
    with open(path, "rb") as file:
        data = file.read()
    with open(path, "rb") as file:
        zone = zoneinfo.ZoneInfo.from_file(file)

    changes = transitions(zone, data) or [random.randrange(FIRST, LAST)]
    around = max(random.choice(changes), FIRST + 40 * DAY)
    around -= around % 60
    calendar = Calendar(around // DAY)
    text = "; ".join(calendar.text)
    periods = walk(zone, calendar, around - 7 * DAY, around + 7 * DAY)

    # edges, the middle between them, and a little beside

    times = sorted({t * 1000 + d for s, e, *_ in periods
                    for t in (s, (s + e) // 2) for d in (-1, 0, 1)
                    if t > periods[0][0]})
    answers = [list(map(int, line.split())) for line in
               ask(os.path.join(build, "business_clock_test"),
                   os.path.relpath(path, ZONES), text, times=times)
               if not line.startswith("error")]

    if not answers and not any(weight for _, _, weight, _ in periods):
        return None
    if len(answers) != len(times):
        return f"{path}: {text}: {len(answers)} of {len(times)} answers"

    starts = [p[0] * 1000 for p in periods]
    base, readings = None, []
    total = 0

    for start, end, weight, _ in periods:
        readings.append(total)
        total += (end - start) * weight * 1000

    for time, answer in zip(times, answers):
        n = bisect.bisect_right(starts, time) - 1
        start, _, weight, staffed = periods[n]
        reading = readings[n] + (time - start * 1000) * weight

        # both in thousandths of a millisecond, the clock's rounded down

        if base is None:
            base = answer[0] * 1000 - reading
        if not -1000 <= answer[0] * 1000 - reading - base <= 1000:
            return f"{path}: {text}: {time} reads {answer[0]}"

        if answer[3] != (weight > 0) or answer[5] != staffed:
            return f"{path}: {text}: {time} open {answer[3]} {answer[5]}"

        if weight == 1000 and (answer[2] > time or answer[1] != time
                               or answer[2] < time and starts[n] != time):
            return f"{path}: {text}: {time} due {answer[1]} {answer[2]}"

        # the next change, and what is due at the opening

        later = [p for p in periods[n + 1:]
                 if (p[2] > 0) != (weight > 0)]
        if later and answer[4] != later[0][0] * 1000:
            return f"{path}: {text}: {time} changes {answer[4]}"
        if later and not weight and answer[1] != later[0][0] * 1000:
            return f"{path}: {text}: {time} is due {answer[1]}"

        earlier = [p for p in periods[:n] if p[2]]
        if earlier and not weight and answer[2] != earlier[-1][1] * 1000:
            return f"{path}: {text}: {time} was exhausted {answer[2]}"

    count["calendars"] += 1
    count["readings"] += len(times)

    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", nargs="?", default="build/unit")
    parser.add_argument("-s", "--seed", type=int, default=1)
    parser.add_argument("-n", "--calendars", type=int, default=300)
    parser.add_argument("--slim", action="store_true")
    args = parser.parse_args()

    random.seed(args.seed)

    count = dict.fromkeys(("zones", "transitions", "contradictions",
                           "offsets",
                           "files with leap seconds refused",
                           "other files refused", "calendars", "readings"), 0)
    wrong = []
    zones = []

    for path in zone_files(ZONES):
        wrong.append(check_zone(path, args.build, count))
        name = os.path.relpath(path, ZONES)
        if name in zoneinfo.available_timezones():
            zones.append(path)

    if args.slim:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["zic", "-b", "slim", "-d", folder,
                            os.path.join(ZONES, "tzdata.zi")], check=True)
            for path in zone_files(folder):
                wrong.append(check_zone(path, args.build, count))

    for _ in range(args.calendars):
        wrong.append(check_calendar(random.choice(zones), args.build, count))

    wrong = [w for w in wrong if w]

    for line in wrong:
        print(line)

    print(", ".join(f"{n} {name}" for name, n in count.items())
          + f": {len(wrong)} differ")

    return 1 if wrong or not count["zones"] else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3

# Copyright (C) nginx-intake contributors

"""The scripts of the response clocks against a model, on a Redis of their own.

    clocks.py random [-s SEED] [-n STEPS] [--fault NAME] [--cluster]
    clocks.py converge [-s SEED] [-n EVENTS]
    clocks.py cases FILE
    clocks.py edges
    clocks.py faults

random    conversations with duplicates, disorder, calls that are lost or sent
          twice, keys that expire as early as they may, merges, other calendars;
          at the end each is answered, closed or forgotten.  Replies, hashes,
          sets, counters and escalations are compared with the model's.
converge  messages in a random order, each once or more, leave what the same
          ones leave in order: of customers, of people who answer or close a
          conversation, of machines, with pauses and the ends of them.
cases     conversations of a file with what was expected of them.
edges     keys of another type, no memory, a tier that is not configured any
          more, wrong arguments, two who sweep.
faults    the names of the faults that random can put into the scripts.

Prints what differs, and a summary; exits with 1 if anything does.
"""

import argparse
import base64
import collections
import datetime
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

import redis

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SCRIPTS = os.path.join(ROOT, "src", "redis", "scripts")
BOUNDS = [60, 300, 900, 1800, 3600, 7200, 14400, 28800, 86400, 172800]
BOUNDS = [b * 1000 for b in BOUNDS]
MINUTE, HOUR, DAY = 60000, 3600000, 86400000
SETS = ["wait", "ok", "risk", "late", "step"]
CLOCKS = ["first", "next"]
KEY = "0123456789abcdef" * 2

# what is put into a script, instead of what, by the name of a fault
FAULTS = {
    "waiting-expires": ("redis.call('SET', v.key, raw)",
                        "redis.call('SET', v.key, raw, 'PX', c.forget)"),
    "idle-stays": ("raw, 'PX',", "raw) local _ = ("),
    "not-persisted": ("redis.call('SET', v.key, raw)",
                      "redis.call('SET', v.key, raw, 'KEEPTTL')"),
    "breach-twice": ("if not late then", "if true then"),
    "not-retracted": ("count_lane(c, 'retract:' .. lane(v))", ""),
    "no-marks": ("c.marks[i + 2])", "1)"),
    "lane-by-answer": ("local k = 6 + (2 * v.t + v.f) * 5\n    local new",
                       "local k = 6 + (2 * v.t + v.r) * 5\n    local new"),
    "stays-in-sets": ("for i = k + 1, k + 4 do", "for i = k + 1, k + 2 do"),
    "stays-in-a-lane": ("for k = 6, c.keys - 1, 5 do\n        if redis.call"
                        "('ZREM'", "for k = 6, 6 do\n        if redis.call"
                        "('ZREM'"),
    "newest-decides": ("while i > 0 and (P[i] > te",
                       "while i > 0 and (P[i] < te"),
    "due-is-late": ("if business > due - v.P[2] - v.b then",
                    "if business >= due - v.P[2] - v.b then"),
    "pause-counts": ("v.b + math.max(0, (more[P[5]] or 0) - v.a)", "v.b"),
    "pause-hides": ("if v.s < 2 and v.a > deadline(c, v) then",
                    "if false then"),
    "pause-by-arrival": ("while i > 1 and Z[i - 3] > te do",
                         "while false do"),
    "gone-stays": ("if not v.P[1] then\n        disarm(c, v)\n        tell(5)",
                   "if not v.P[1] then\n        tell(5)"),
    "breach-again": ("if v.s == 1 and due < b then", "if due < b then"),
}


def script(name):
    def text(path):
        with open(os.path.join(SCRIPTS, path), encoding="ascii") as f:
            return f.read()

    whole = text(name + ".lua")
    parts = re.search(r"^-- Parts:(.*)$", whole, re.M)
    whole = "".join(text(f"parts/{part}.lua")
                    for part in (parts[1].split() if parts else [])) + whole

    return re.sub(r"^ *--.*\n|^\n", "", whole, flags=re.M)


def digest(text):
    hashed = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(hashed)[:22].decode()


def unpack(data):
    """What MessagePack has packed, one value after the other."""
    pos, values = 0, []

    def take(n):
        nonlocal pos
        pos += n
        return data[pos - n:pos]

    def value():
        kind = take(1)[0]
        if kind < 0x80:
            return kind
        if kind < 0x90:
            return {value(): value() for _ in range(kind & 15)}
        if kind < 0xa0:
            return [value() for _ in range(kind & 15)]
        if kind < 0xc0:
            return take(kind & 31).decode()
        if kind >= 0xe0:
            return kind - 0x100
        if kind in (0xc0, 0xc2):
            return None
        if kind in (0xd9, 0xda):
            return take(int.from_bytes(take(kind - 0xd8), "big")).decode()
        if kind == 0xdc:
            return [value() for _ in range(int.from_bytes(take(2), "big"))]
        if 0xcc <= kind <= 0xcf or 0xd0 <= kind <= 0xd3:
            return int.from_bytes(take(1 << (kind & 3)), "big",
                                  signed=kind >= 0xd0)
        raise ValueError(kind)

    while pos < len(data):
        values.append(value())
    return values


class Server:
    """A redis-server that ends with the program."""

    def __init__(self, cluster=False):
        self.dir = tempfile.mkdtemp()
        while not self.start(cluster):
            pass
        if cluster:
            self.client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            while b"cluster_state:ok" not in self.client.execute_command(
                    "CLUSTER", "INFO"):
                time.sleep(0.01)

    def start(self, cluster):
        path = os.path.join(self.dir, "redis.sock")
        port = random.randrange(20000, 50000) if cluster else 0
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(port), "--bind", "127.0.0.1",
             "--unixsocket", path, "--save", "", "--dir", self.dir,
             "--cluster-enabled", "yes" if cluster else "no"],
            stdout=subprocess.DEVNULL)
        self.client = redis.Redis(unix_socket_path=path)

        while self.process.poll() is None:
            try:
                return self.client.ping()
            except redis.ConnectionError:
                time.sleep(0.01)

        # somebody has the port of the cluster's node
        return False

    def stop(self):
        self.client.close()
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.dir)


class Tier:
    def __init__(self, name, first, next_, steps=(), risks=(0, 0), clock=None):
        self.name, self.targets, self.risks = name, [first, next_], risks
        self.steps = list(steps)                   # (after, name)
        self.read = clock or (lambda t: t)


class Scripts:
    """The scripts as their callers see them."""

    def __init__(self, client, name, tiers, forget=30 * DAY, fault=None):
        self.client, self.tiers, self.forget = client, tiers, forget
        self.stream = f"intake:{{{name}}}"
        self.prefix = self.stream + ":sla:"
        self.sha = {}

        for s in ("store_clocks", "replies", "close", "sweep", "snapshot",
                  "open", "reread", "calendar"):
            text = script(s)
            if fault and fault[0] in text:
                text = text.replace(*fault)
            self.sha[s] = client.script_load(text)

    def lane_keys(self):
        return [f"{self.prefix}{s}:{tier.name}:{clock}" for tier in self.tiers
                for clock in CLOCKS for s in SETS]

    def keys(self, now, first=None):
        at = datetime.datetime.utcfromtimestamp(now / 1000)
        return [first or self.stream, self.prefix + "m",
                self.prefix + at.strftime("d:%Y-%m-%d"),
                self.prefix + at.strftime("d:%Y-%m-%d:%H"),
                self.prefix + "x"] + self.lane_keys()

    def conf(self):
        args = [len(self.tiers), self.forget, 2 * DAY,
                " ".join(str(b) for b in BOUNDS)]
        for tier in self.tiers:
            args += [tier.name, *tier.targets,
                     " ".join(str(after) for after, _ in tier.steps)]
        return args

    def readings(self, t):
        return [tier.read(t) for tier in self.tiers]

    def risks(self):
        return [r for tier in self.tiers for r in tier.risks]

    def conversation(self, ref):
        return f"{self.prefix}c:{digest(ref)}"

    def id_key(self, text):
        return f"{self.prefix}e:{digest(text)}"

    def record(self, m):
        has = ((1 if m.get("id") else 0) + (2 if m.get("event") else 0)
               + (4 if m.get("skewed") else 0))
        keys = [self.conversation(m["conv"])]
        keys += [self.id_key(m["id"])] if m.get("id") else []
        keys += [self.id_key("e:" + m["event"])] if m.get("event") else []
        return keys, [m["kind"], m["te"], m.get("tier", 0), has, m["conv"],
                      m.get("extra", 0), *self.readings(m["te"])]

    def call(self, name, keys, args, pipe=None):
        return (pipe or self.client).evalsha(self.sha[name], len(keys), *keys,
                                             *args)

    def store(self, now, deliveries, pipe=None):
        """Deliveries are {id, recorded, messages}."""
        keys = self.keys(now)
        args = [0, 0, 3600 * 1000 * 24, 7 * DAY, 600000, 1, "drop", 0, 0, "/test",
                *self.conf()]
        for d in deliveries:
            keys.append(f"{self.stream}:dedupe:s:{digest(d['id'])}")
            args += ["k", d["id"], "com.example.event", "2026-01-01T00:00:00Z",
                     "", "", d["recorded"], "s:" + d["id"], "ok", "", "", "",
                     "", "", "", len(d["messages"])]
            for m in d["messages"]:
                k, a = self.record(m)
                keys += k
                args += a
        return self.call("store_clocks", keys, args, pipe)

    def one(self, te, kind, conv, **more):
        """Stores a delivery with one message."""
        id_ = f"{kind} {conv} {te}"
        return self.store(te, [{"id": id_, "recorded": id_, "messages": [
            {"kind": kind, "conv": conv, "te": te, **more}]}])[0]

    def replies(self, now, items):
        keys, args = self.keys(now), self.conf()
        for m in items:
            k, a = self.record(m)
            keys += k + ([self.conversation(m["into"])]
                         if m["kind"] == "merge" else [])
            args += a + [m.get("id") or ""]
        return [[x.decode() if isinstance(x, bytes) else x for x in row]
                for row in self.call("replies", keys, args)]

    def close(self, now, before, limit=100):
        return self.call("close", self.keys(now), [
            *self.conf(), now, *self.readings(now), before, limit])

    def sweep(self, now, limit=1000, known=()):
        config = []
        for tier in self.tiers:
            config += [*tier.risks, " ".join(name for _, name in tier.steps),
                       ""]
        return self.call("sweep", self.keys(now, self.stream[:-1] + "}"
                                            + ":escalations"), [
            *self.conf(), now, *self.readings(now), limit, "/test", 1000000,
            KEY, *config, *known])

    def sweep_all(self, now, limit=1000):
        total, known = [0] * 6, []
        for _ in range(10000):
            reply = self.sweep(now, limit, known)
            total = [a + b for a, b in zip(total, reply)]
            known = []
            for i in range(0, len(reply[7]), 2):
                name, due = (x.decode() for x in reply[7][i:i + 2])
                known += [name, due, "due " + due]
            if not known and not reply[6]:
                return total
        raise Difference("a sweep that has no end")

    def snapshot(self, now, wanted=0):
        return self.call("snapshot", self.keys(now), [
            *self.conf(), now, *self.readings(now), wanted,
            *self.risks()])

    def reread(self, now, tiers):
        """Every waiting conversation, with the clocks of these tiers."""
        n = 0
        names = {tier.name: t for t, tier in enumerate(tiers)}
        self.tiers = tiers
        for key in self.lane_keys()[::5]:
            cursor = "0"
            while True:
                cursor, rows = self.call("open", [key], [cursor, 10])
                keys, args = self.keys(now), [*self.conf(),
                                              *self.readings(now),
                                              *("" for _ in tiers),
                                              *self.risks()]
                for member, paused, *messages in rows:
                    keys.append(f"{self.prefix}c:{member.decode()}")
                    oldest = tiers[names[messages[0].decode()]]
                    args += [-1 if paused < 0 else oldest.read(paused),
                             len(messages) // 2]
                    for i in range(0, len(messages), 2):
                        t, te = names[messages[i].decode()], messages[i + 1]
                        args += [te, t, tiers[t].read(te), 0]
                n += self.call("reread", keys, args)
                if cursor == b"0":
                    break
        return n


class Conversation:
    def __init__(self, ref):
        self.ref = ref
        self.known = False         # a message was seen
        self.waiting = []          # (time, id, reading, extra, tier), sorted
        self.latest = None         # answer or close
        self.answered = False
        self.orphans = []          # (time, readings)
        self.pauses = []           # (time, what, {tier: reading}), sorted
        self.paused, self.pause_time, self.given_back = None, None, 0
        self.stood = None          # the readings at the pause
        self.next = False          # the lane of the wait
        self.fresh()

    def fresh(self):
        self.told, self.step = 0, -1

    def resumed(self, b):
        self.given_back += max(0, b - self.paused)
        self.paused = self.pause_time = None

    def resumed_by_message(self, cut, last):
        """Whoever writes ends the pause before it."""
        tier = self.waiting[0][4]
        for te, _, b, _, t in self.waiting:
            if (te > self.pause_time and te > cut
                    and (te < last or te == last and t == tier)):
                return self.resumed(b if t == tier else 0)

    def reckon(self, last=float("inf")):
        """What the pauses up to a time make of the wait."""
        self.paused, self.pause_time, self.given_back = None, None, 0
        cut = -1
        for te, what, more in self.pauses if self.waiting else ():
            since, _, start, _, tier = self.waiting[0]
            if te > last:
                break
            if what == "held":
                cut = te
                self.given_back, self.pause_time, self.stood = more
                if self.pause_time is not None:
                    self.paused = max(start, self.stood.get(tier, 0))
            elif te >= since:
                if self.paused is not None:
                    self.resumed_by_message(cut, te)
                if what == "pause" and self.paused is None:
                    self.paused = max(start, more.get(tier, 0))
                    self.pause_time, self.stood = te, more
                elif what == "resume" and self.paused is not None:
                    self.resumed(more.get(tier, 0))
        if self.paused is not None:
            self.resumed_by_message(cut, last)

    def hold(self, te):
        """What was reckoned up to a time stays."""
        held = []
        if self.paused is not None or self.given_back:
            held = [(te, "held", (self.given_back, self.pause_time,
                                  self.stood))]
        self.pauses = held + [p for p in self.pauses if p[0] > te]

    def keep(self, te, what, readings):
        if self.pauses and (self.pauses[0][1] == "held"
                            and te < self.pauses[0][0]):
            return
        self.pauses.append((te, what, dict(enumerate(readings))))
        self.pauses.sort(key=lambda p: p[0])
        if len(self.pauses) > 32:
            te = self.pauses[15][0]
            self.reckon(te)
            self.hold(te)

    def drop(self, te, ended=False):
        self.pauses = [p for p in self.pauses if p[0] > te
                       and not (ended and p[1] == "held")]


class Model:
    """The rules, in the words of the specification."""

    def __init__(self, tiers, forget):
        self.tiers, self.forget = tiers, forget
        self.conversations = {}
        self.counts = collections.Counter()       # of m
        self.windows = collections.Counter()      # of the lanes
        self.events = []
        self.seen = set()
        self.by_event = {}
        self.delivered = {}

    def tier(self, c):
        return self.tiers[c.waiting[0][4]]

    def target(self, c):
        return self.tier(c).targets[c.next] + c.waiting[0][3]

    def due(self, c):
        return c.waiting[0][2] + c.given_back + self.target(c)

    def spent(self, c, b):
        if c.paused is not None:
            b = min(b, c.paused)
        return max(0, b - c.waiting[0][2] - c.given_back)

    def lane(self, c):
        return f"{self.tier(c).name}:{CLOCKS[c.next]}"

    def note(self, c, event, name=""):
        te, id_, *_ = c.waiting[0]
        self.events.append((event, c.ref, self.tier(c).name, CLOCKS[c.next],
                            id_, te, self.due(c), name))

    def breach(self, c):
        self.windows["breach:" + self.lane(c)] += 1
        self.note(c, "breach")

    def retract(self, c):
        self.windows["retract:" + self.lane(c)] += 1
        self.note(c, "retracted")

    def stopped(self, c):
        """A clock that stands was late when it was stopped, or never is."""
        if c.paused is not None and c.told < 2 and c.paused > self.due(c):
            self.breach(c)
            c.told = 2

    def changed(self, c, before, b):
        """Pauses were told of; whose breach was none is not late."""
        if before == (c.paused, c.given_back):
            return
        if c.told == 2 and (b if c.paused is None else c.paused) <= self.due(c):
            self.retract(c)
            c.told = 0
        self.stopped(c)

    def state(self, c):
        if c.paused is not None:
            return ["paused", -1, -1, -1, -1]
        return ["waiting", -1, -1, -1, self.due(c)]

    def observe(self, lane, wall, business):
        for h, ms in (("hw", wall), ("hb", business)):
            bound = next((str(b) for b in BOUNDS if ms <= b), "inf")
            self.windows[f"{h}:{lane}:{bound}"] += 1
            self.counts[f"{h}:{lane}:sum"] += ms

    def settle(self, c, te, business):
        lane = self.lane(c)
        self.observe(lane, te - c.waiting[0][0], business)
        if business > self.target(c):
            if c.told < 2:
                self.breach(c)
            return 0
        self.windows["met:" + lane] += 1
        if c.told == 2:
            self.retract(c)
        return 1

    def end(self, c, te):
        c.waiting = [w for w in c.waiting if w[0] > te]
        c.fresh()
        c.next = bool(c.waiting) and c.answered
        c.drop(te, True)
        c.reckon()
        if c.waiting:
            self.stopped(c)

    def add(self, c, w):
        c.waiting = sorted(c.waiting + [w], key=lambda w: w[:2])
        if len(c.waiting) > 16:
            del c.waiting[-2]

    def inbound(self, c, m, id_):
        te, t = m["te"], m.get("tier", 0)
        b, extra = self.tiers[t].read(te), m.get("extra", 0)

        if c.latest is not None and te <= c.latest:
            self.counts["an:overtaken"] += 1
            answer = next((o for o in c.orphans if o[0] >= te), None)
            if c.answered or answer is None:
                return ["answered", -1, -1, -1, -1]
            c.answered, c.orphans = True, []
            past = Conversation(c.ref)
            past.waiting = [(te, id_, b, extra, t)]
            business = max(0, answer[1][t] - b)
            met, due = self.settle(past, answer[0], business), self.due(past)
            if c.waiting and not c.next:
                before = self.due(c)
                if c.told == 2:
                    self.retract(c)
                c.next = True
                if c.told == 2 and self.due(c) <= before:
                    self.breach(c)
                elif c.told == 2:
                    c.told = 0
                self.stopped(c)
            return ["answered", answer[0] - te, business, met, due]

        if not c.waiting:
            c.next = c.answered
        oldest, before = c.waiting and self.tier(c), (c.paused, c.given_back)
        many = len(self.tiers) > 1
        self.add(c, (te, id_, b, extra, t))
        if c.pauses or many and oldest:
            if (many or before[0] is not None
                    or te <= max(p[0] for p in c.pauses)):
                c.keep(te, "resume", [tier.read(te) for tier in self.tiers])
            c.reckon()
        if oldest is self.tier(c):
            self.changed(c, before, self.tier(c).read(te))
        self.stopped(c)
        return self.state(c)

    def outbound(self, c, m):
        te, latest = m["te"], c.latest
        c.latest = te if latest is None else max(te, latest)

        if c.waiting and c.waiting[0][0] <= te:
            c.reckon(te)
            since, due = c.waiting[0][0], self.due(c)
            business = self.spent(c, self.tier(c).read(te))
            met = self.settle(c, te, business)
            c.answered, c.orphans = True, []
            paused = c.paused is not None
            self.end(c, te)
            if c.waiting:
                return ["answered_waiting", te - since, business, met,
                        self.state(c)[4]]
            return ["answered", te - since, business, met,
                    -1 if paused else due]

        self.counts["an:overtaken" if latest is not None and te < latest
                    else "an:orphan_reply"] += 1
        c.drop(te)
        if not c.answered and te not in [o[0] for o in c.orphans]:
            c.orphans.append((te, [tier.read(te) for tier in self.tiers]))
            c.orphans.sort(key=lambda o: o[0])
            if len(c.orphans) > 16:
                del c.orphans[-2]
        return ["orphan", -1, -1, -1, -1]

    def close(self, c, te):
        if c.waiting and c.waiting[0][0] <= te:
            c.reckon(te)
            if (c.told < 2 and self.spent(c, self.tier(c).read(te))
                    > self.target(c)):
                self.breach(c)
            self.windows["closed:" + self.lane(c)] += 1
            self.end(c, te)
        else:
            c.drop(te)
        c.latest = te if c.latest is None else max(te, c.latest)
        if c.waiting:
            return self.state(c)
        return ["closed", -1, -1, -1, -1]

    def merge(self, a, c):
        self.counts["ev:merge"] += 1
        if a is c:
            return ["ignored", -1, -1, -1, -1]
        c.answered |= a.answered
        if a.waiting:
            c.reckon()
            if not c.waiting or a.waiting[0][0] < c.waiting[0][0]:
                c.next = a.next
            c.told, c.step = max(a.told, c.told), max(a.step, c.step)
            for w in a.waiting:
                self.add(c, w)
            c.hold(max([c.waiting[-1][0]] + [p[0] for p in c.pauses]))
            c.reckon()
            self.stopped(c)
            a.waiting, a.next, a.pauses = [], False, []
            a.reckon()
            a.fresh()
        return ["merged", -1, -1, -1, self.due(c) if c.waiting
                and c.paused is None else -1]

    def feed(self, c, m, id_):
        kind, te = m["kind"], m["te"]
        self.counts["ev:" + kind] += 1
        self.counts["an:clock_skew"] += bool(m.get("skewed"))

        if kind == "inbound":
            return self.inbound(c, m, id_)
        if kind == "outbound":
            return self.outbound(c, m)
        if kind == "close":
            return self.close(c, te)
        if (kind in ("pause", "resume")
                and (c.latest is None or te > c.latest)):
            before = (c.paused, c.given_back)
            c.keep(te, kind, [tier.read(te) for tier in self.tiers])
            if c.waiting:
                c.reckon()
                self.changed(c, before, self.tier(c).read(te))
                return self.state(c)
        return ["ignored", -1, -1, -1, -1]

    def duplicate(self, m):
        if m.get("id") and m["id"] in self.seen:
            self.counts["an:duplicate"] += 1
            return True
        return False

    def deliver(self, d):
        """Whether it was new."""
        if d["id"] in self.delivered:
            return False
        self.delivered[d["id"]] = d["recorded"]
        for m in d["messages"]:
            if self.duplicate(m):
                continue
            c = self.conversations.get(m["conv"]) or Conversation(m["conv"])
            self.feed(c, m, d["id"])
            c.known |= m["kind"] not in ("auto", "note", "reaction")
            if c.waiting or c.latest is not None:
                self.conversations[m["conv"]] = c
            if m.get("id"):
                self.seen.add(m["id"])
            if m.get("event"):
                self.by_event.setdefault(m["event"], m["conv"])
        return True

    def knows(self, ref):
        return ref in self.conversations and self.conversations[ref].known

    def foresee(self, c, m):
        """What comes before its message is kept, and not counted."""
        if m["kind"] in ("outbound", "close", "pause", "resume"):
            counts = self.counts.copy()
            self.feed(c, m, "")
            self.counts = counts
            self.conversations[c.ref] = c

    def reply(self, m):
        if self.duplicate(m):
            return ["duplicate", -1, -1, -1, -1]
        ref = m["conv"]
        if m.get("event"):
            found = self.by_event.get(m["event"])
            ref = found if self.knows(found) else ref
        c = self.conversations.get(ref) or Conversation(ref)
        if not c.known:
            if m.get("event"):
                return ["unknown_event", -1, -1, -1, -1]
            if m["kind"] != "inbound":
                self.foresee(c, m)
                return ["unknown_conversation", -1, -1, -1, -1]
            c.known = True
        if m["kind"] == "merge":
            if not self.knows(m["into"]):
                return ["unknown_into", -1, -1, -1, -1]
            answer = self.merge(c, self.conversations[m["into"]])
        else:
            answer = self.feed(c, m, m.get("id") or "")
        self.conversations[ref] = c
        if m.get("id"):
            self.seen.add(m["id"])
        return answer

    def close_before(self, now, before):
        n = 0
        for c in list(self.conversations.values()):
            if c.waiting and c.waiting[0][0] < before:
                self.counts["ev:close"] += 1
                self.close(c, now)
                n += 1
        return n

    def sweep(self, now):
        for ref, c in list(self.conversations.items()):
            if not c.waiting:
                continue
            tier = self.tier(c)
            b = tier.read(now)
            if c.paused is None:
                if c.told == 0 and b >= self.due(c) - tier.risks[c.next]:
                    c.told = 1
                    self.note(c, "at_risk")
                if c.told == 1 and b > self.due(c):
                    c.told = 2
                    self.windows["breach:" + self.lane(c)] += 1
                    self.note(c, "breach")
                start = c.waiting[0][2] + c.given_back
                due = [step for step in tier.steps
                       if step[0] > c.step and b > start + step[0]]
                for c.step, name in due:
                    self.note(c, "escalate", name)
            newest = max([c.waiting[-1][0]] + [p[0] for p in c.pauses])
            if newest < now - self.forget:
                self.close(c, max(now, c.waiting[-1][0]))
                del self.conversations[ref]

    def reread(self, now, tiers):
        self.tiers = tiers
        for c in self.conversations.values():
            if not c.waiting:
                continue
            c.waiting = [(te, id_, tiers[t].read(te), 0, t)
                         for te, id_, _, _, t in c.waiting]
            c.stood = None
            if c.paused is not None:
                c.paused = max(c.waiting[0][2],
                               self.tier(c).read(c.pause_time))
                c.stood = {c.waiting[0][4]: c.paused}
            c.hold(max([c.waiting[-1][0]] + [p[0] for p in c.pauses]))
            if (c.paused is None and c.told == 2
                    and self.due(c) >= self.tier(c).read(now)):
                c.told = 1
                self.retract(c)
            b = self.tier(c).read(now) if c.paused is None else c.paused
            if c.told == 1 and self.due(c) > b + self.tier(c).risks[c.next]:
                c.told = 0
            self.stopped(c)

    def expire(self):
        """What may be forgotten is."""
        self.conversations = {ref: c for ref, c in self.conversations.items()
                              if c.waiting}
        self.seen, self.by_event, self.delivered = set(), {}, {}

    def sets(self):
        found = {}
        for c in self.conversations.values():
            if not c.waiting:
                continue
            member, lane, tier = digest(c.ref), self.lane(c), self.tier(c)
            found["wait:" + lane, member] = c.waiting[0][0]
            if c.paused is not None:
                continue
            found[SETS[1 + c.told] + ":" + lane, member] = self.due(c)
            after = [after for after, _ in tier.steps if after > c.step]
            if after:
                found["step:" + lane, member] = (
                    c.waiting[0][2] + c.given_back + after[0])
        return found

    def lanes(self, now):
        """What the snapshot shows of each lane."""
        rows = []
        for t, tier in enumerate(self.tiers):
            for n in range(2):
                cs = [c for c in self.conversations.values() if c.waiting
                      and c.waiting[0][4] == t and c.next == n]
                b, risk = tier.read(now), tier.risks[n]
                armed = [c for c in cs if c.paused is None]
                late = [c for c in armed if c.told == 2 or self.due(c) < b]
                near = [c for c in armed if c not in late and
                        (c.told == 1 or self.due(c) <= b + risk)]
                ages = [now - c.waiting[0][0] for c in cs]
                edges = [-10 ** 15, 30 * MINUTE, HOUR, 4 * HOUR, DAY, 10 ** 15]
                rows.append([
                    len(cs), len(near), len(late), len(cs) - len(armed),
                    min((c.waiting[0][0] for c in cs), default=0),
                    min((self.due(c) for c in armed if self.due(c) >= b
                         and c.told < 2), default=-1),
                    *(sum(low <= a < high for a in ages)
                      for low, high in zip(edges, edges[1:]))])
        return rows


    def listed(self, now):
        """Who waits, as the snapshot lists them: the worst first."""
        rows = []
        for c in self.conversations.values():
            if not c.waiting:
                continue
            tier, n = self.tier(c), c.next
            b, due, since = tier.read(now), self.due(c), c.waiting[0][0]
            if c.paused is not None:
                state, due, order = 3, -1, since
            elif c.told == 2 or due < b:
                state, order = 0, due - b
            elif c.told == 1 or due <= b + tier.risks[n]:
                state, order = 1, due - b
            else:
                state, order = 2, due - b
            member = digest(c.ref)
            rows.append((state, order, member,
                         [member, tier.name, CLOCKS[n], since, due,
                          ("overdue", "at_risk", "waiting", "paused")[state]]))
        return [row[3] for row in sorted(rows)]


def rfc3339(ms):
    at = datetime.datetime.utcfromtimestamp(ms // 1000)
    return at.strftime("%Y-%m-%dT%H:%M:%S") + f".{ms % 1000:03}Z"


def office(opens, closes):
    """Milliseconds open from 1970 to a time, the same hours each day."""
    def read(t):
        day, rest = divmod(t, DAY)
        return (day * (closes - opens) * HOUR
                + min(max(rest - opens * HOUR, 0), (closes - opens) * HOUR))
    return read


class Difference(Exception):
    pass


def same(what, found, expected):
    if found != expected:
        if isinstance(expected, dict):
            keys = [k for k in set(found) | set(expected)
                    if found.get(k) != expected.get(k)]
            found = {k: found.get(k) for k in keys[:5]}
            expected = {k: expected.get(k) for k in keys[:5]}
        raise Difference(f"{what}: {found!r}, not {expected!r}")


def redis_sets(scripts):
    found = {}
    for key in scripts.lane_keys():
        rows = scripts.client.zrange(key, 0, -1, withscores=True)
        if rows:
            lane = key[len(scripts.prefix):]
            found.update({(lane, m.decode()): int(score)
                          for m, score in rows})
    return found


def counters(scripts, key):
    return {k.decode(): int(v) for k, v in
            scripts.client.hgetall(scripts.prefix + key).items()
            if k != b"key" and not k.startswith(b"at:")}


class Random:
    def __init__(self, client, seed, fault):
        self.rng = random.Random(seed)
        self.client = client
        self.now = 1767225600000 + self.rng.randrange(DAY)
        self.single = self.rng.random() < 0.3
        tiers = self.tiers(office(9, 17))
        self.scripts = Scripts(client, "random", tiers, 10 * DAY, fault)
        self.model = Model(tiers, 10 * DAY)
        self.serial = 0
        self.sent = []               # deliveries and items, for later
        self.days = collections.Counter()
        self.total = collections.Counter()

    def tiers(self, clock):
        tiers = [
            Tier("default", HOUR, 2 * HOUR, risks=(15 * MINUTE, 30 * MINUTE)),
            Tier("office", 30 * MINUTE, HOUR, risks=(10 * MINUTE, 0),
                 steps=[(20 * MINUTE, "soon"), (2 * HOUR, "manager"),
                        (2 * HOUR, "deputy"), (3 * HOUR, "boss")],
                 clock=clock),
            Tier("vip", 0, 10 * MINUTE, risks=(0, 10 * MINUTE),
                 steps=[(0, "at-once")]),
        ]
        return tiers[1:2] if self.single else tiers

    def conversation(self):
        # few, so that much happens in each; some new ones for ever
        if self.rng.random() < 0.9:
            return f"c{self.rng.randrange(30)}"
        return f"one {self.serial}"

    def message(self, kinds):
        rng = self.rng
        self.serial += 1
        back = rng.choice([0, 0, 0, 1, MINUTE, 20 * MINUTE, 2 * HOUR, DAY])
        te = self.now - (rng.randrange(back) if back else 0)
        if rng.random() < 0.7:
            te -= te % (10 * MINUTE)          # so that some meet
        m = {"kind": rng.choice(kinds), "conv": self.conversation(),
             "te": te,
             "tier": 0 if self.single else rng.choice([0, 0, 1, 1, 1, 2]),
             "extra": rng.choice([0, 0, 0, 45 * MINUTE])}
        if rng.random() < 0.8:
            m["id"] = f"m{self.serial}"
        if rng.random() < 0.1:
            m["skewed"] = True
        return m

    def delivery(self):
        self.serial += 1
        d = {"id": f"d{self.serial}",
             "recorded": f"2026-01-01T00:00:00.{self.serial:06}Z",
             "messages": []}
        for _ in range(self.rng.choice([0, 1, 1, 1, 1, 2, 3])):
            m = self.message(["inbound"] * 6 + ["outbound"] * 3 + ["auto"])
            if self.rng.random() < 0.3:
                m["event"] = d["id"]
            d["messages"].append(m)
        return d

    def store(self):
        rng = self.rng
        batch = []
        for _ in range(rng.choice([1, 1, 2, 5])):
            d = self.delivery()
            past = [x for x in self.sent[-50:] if "messages" in x]
            if past and rng.random() < 0.3:
                old = rng.choice(past)
                if rng.random() < 0.5:
                    d = old                      # sent again
                else:                            # another, the same messages
                    d["messages"] = [dict(m) for m in old["messages"]
                                     if m.get("id")]
            self.sent.append(d)
            if rng.random() < 0.05:
                continue                         # lost; it may come later
            batch.append(d)
        for _ in range(2 if rng.random() < 0.1 else 1):
            if batch:
                self.send(batch)

    def send(self, batch):
        reply = self.scripts.store(self.now, batch)
        for d, answer in zip(batch, reply):
            new = self.model.deliver(d)
            same(f"delivery {d}", isinstance(answer, bytes)
                 and answer not in self.entries, new)
            if new:
                self.entries.add(answer)
        same("elements", len(reply), len(batch))

    entries = set()

    def reply(self):
        rng = self.rng
        items = []
        for _ in range(rng.choice([1, 1, 3])):
            m = self.message(["outbound"] * 6 + ["inbound", "pause", "pause",
                             "resume", "close", "close", "merge", "note",
                             "reaction"])
            m["into"] = self.conversation()
            if m.get("id"):
                m["id"] = "r" + m["id"]
            if self.model.by_event and rng.random() < 0.2:
                m["event"] = rng.choice(list(self.model.by_event))
                m["conv"] = m["event"]
            past = [x for x in self.sent[-50:] if "into" in x and x.get("id")]
            if past and rng.random() < 0.2:
                m = rng.choice(past)
            self.sent.append(m)
            items.append(m)
        if rng.random() < 0.05:
            return
        found = self.scripts.replies(self.now, items)
        expected = [self.model.reply(m) for m in items]
        for m, f, e in zip(items, found, expected):
            same(f"item {m}", f[:5], e)
            self.total[e[0]] += 1

    def sweep(self):
        self.scripts.sweep_all(self.now, self.rng.choice([1, 3, 1000]))
        self.scripts.sweep_all(self.now)         # of those that are old, all
        self.model.sweep(self.now)

    def expire(self):
        """Each key that may expire does."""
        client = self.client
        days = [k for k in client.keys("*") if b":sla:d:" in k]
        for key in days:
            client.persist(key)
        keys = [k for k in client.keys("*") if client.pttl(k) > 0]
        for key in keys:
            client.pexpire(key, 1)
        while keys and client.exists(*keys):
            time.sleep(0.001)
        self.model.expire()

    def evict(self):
        """The key of somebody who waits is deleted."""
        self.sweep()
        waiting = [c for c in self.model.conversations.values() if c.waiting]
        if not waiting:
            return
        c = self.rng.choice(waiting)
        self.client.delete(self.scripts.conversation(c.ref))
        del self.model.conversations[c.ref]
        for _ in range(1000):
            if self.scripts.sweep_all(self.now)[4]:
                return

    def step(self):
        rng = self.rng
        what = rng.random()
        self.now += rng.choice([0, 1, 1000, MINUTE, 10 * MINUTE, HOUR])
        before = self.model.windows.copy()
        if what < 0.5:
            self.store()
        elif what < 0.8:
            self.reply()
        elif what < 0.95:
            self.sweep()
        elif what < 0.96:
            self.expire()
        elif what < 0.97:
            self.evict()
        elif what < 0.98:
            cut = self.now - rng.randrange(DAY)
            expected = self.model.close_before(self.now, cut)
            found = sum(self.scripts.close(self.now, cut, 2)[0]
                        for _ in range(expected // 2 + 1))
            same("closed", found, expected)
        elif what < 0.99:
            tiers = self.tiers(office(rng.randrange(8, 10), 17))
            self.model.reread(self.now, tiers)
            self.scripts.reread(self.now, tiers)
        else:
            self.now += rng.choice([DAY, 11 * DAY])
        gained = self.model.windows - before
        at = datetime.datetime.utcfromtimestamp(self.now / 1000)
        for name, n in gained.items():
            self.days[at.strftime("d:%Y-%m-%d"), name] += n
            self.days[at.strftime("d:%Y-%m-%d:%H"), name] += n

    def compare(self):
        scripts, model, client = self.scripts, self.model, self.client
        same("sets", redis_sets(scripts), model.sets())
        found = counters(scripts, "m")
        expected = {k: n for k, n in {**model.counts,
                                      **model.windows}.items() if n}
        sums = {k for k in found if not found[k] and k.endswith(":sum")}
        same("counters", {k: n for k, n in found.items() if k not in sums},
             expected)
        found = {}
        for key in client.keys(scripts.prefix + "c:*"):
            found[key.decode()[-22:]] = (unpack(client.get(key))[0],
                                         client.pttl(key) > 0)
        same("conversations and whether they expire", found,
             {digest(ref): (ref if c.known else None, not c.waiting)
              for ref, c in model.conversations.items()})
        reply = scripts.snapshot(self.now, 1000)
        same("snapshot", reply[1], model.lanes(self.now))
        listed = model.listed(self.now)
        same("listed", [[x.decode() if isinstance(x, bytes) else x
                         for x in row] for row in reply[2]], listed)
        wanted = self.rng.randrange(len(listed) + 1)
        same(f"the first {wanted}", scripts.snapshot(self.now, wanted)[2],
             reply[2][:wanted])

    def days_are(self):
        found = {}
        for key in self.client.keys(self.scripts.prefix + "d:*"):
            name = key.decode()[len(self.scripts.prefix):]
            for field, n in counters(self.scripts, name).items():
                found[name, field] = n
        same("days", found, {k: n for k, n in self.days.items() if n})

    def escalations_are(self):
        self.scripts.sweep_all(self.now)
        self.model.sweep(self.now)
        found = collections.Counter()
        for _, fields in self.client.xrange(self.scripts.stream
                                            + ":escalations"):
            e = {k.decode(): v.decode() for k, v in fields.items()}
            same("source", e.pop("source"), "/test")
            found[tuple(sorted(e.items()))] += 1
        expected = collections.Counter()
        for event, ref, tier, clock, id_, since, due, name in (
                self.model.events):
            e = {"event": event, "conversation": ref, "tier": tier,
                 "clock": clock, "id": id_, "since": rfc3339(since),
                 "due": f"due {due}", "name": name}
            expected[tuple(sorted((k, v) for k, v in e.items() if v))] += 1
        same("escalations", found, expected)
        return sum(expected.values())

    def run(self, steps):
        for i in range(steps):
            self.step()
            if i % 10 == 0 or i == steps - 1:
                self.compare()
        self.days_are()
        n = self.escalations_are()

        # each is answered, closed or forgotten

        for c in list(self.model.conversations.values()):
            kind = self.rng.choice(["outbound", "close", None])
            if c.waiting and kind:
                m = {"kind": kind, "conv": c.ref, "te": self.now}
                same(f"the end {m}", self.scripts.replies(self.now, [m])[0][:5],
                     self.model.reply(m))
        self.now += 11 * DAY
        self.sweep()
        self.compare()
        same("sets at the end", redis_sets(self.scripts), {})
        self.expire()
        same("keys at the end", sorted(
            k.decode()[len(self.scripts.stream):] for k in
            self.client.keys(self.scripts.prefix + "[^d]*")), [":sla:m"])
        return n


def run_random(args):
    server = Server(args.cluster)
    try:
        test = Random(server.client, args.seed, FAULTS.get(args.fault))
        try:
            events = test.run(args.n)
        except Difference as e:
            print(f"seed {args.seed}: {e}")
            return 1
        print(f"seed {args.seed}, {args.n} steps: {test.serial} messages, "
              f"{events} escalations, "
              + ", ".join(f"{k} {n}" for k, n in sorted(test.total.items())))
        return 0
    finally:
        server.stop()


def final_state(scripts):
    """The sets, and of each conversation all but ids, orphans and how its
    pauses are written down."""
    found = redis_sets(scripts)
    pipe = scripts.client.pipeline(transaction=False)
    keys = list(scripts.client.scan_iter(scripts.prefix + "c:*", 10000))
    for key in keys:
        pipe.get(key)
    conversations = {}
    for raw in pipe.execute():
        (ref, waiting, latest, answered, lane, told, steps, *paused,
         _, _) = (unpack(raw) + [None] * 2)[:12]
        times = list(zip(*[iter(waiting)] * 5))
        conversations[ref] = (latest, answered, lane, told, steps, paused,
                              [(te, b, tier) for te, b, _, _, tier in times])
    return found, conversations


def send_all(scripts, now, messages):
    pipe = scripts.client.pipeline(transaction=False)
    for i in range(0, len(messages), 64):
        scripts.store(now, [{"id": f"d{i}", "recorded": "2026",
                             "messages": messages[i:i + 64]}], pipe)
        if i % 6400 == 0:
            pipe.execute()
    pipe.execute()


def run_converge(args):
    rng = random.Random(args.seed)
    start, messages, conv = 1767225600000, [], 0
    tiers = [Tier("default", HOUR, 2 * HOUR, risks=(900000, 900000)),
             Tier("office", HOUR, 2 * HOUR, risks=(900000, 900000),
                  steps=[(HOUR, "manager")], clock=office(9, 17))]

    while len(messages) < args.n:
        conv += 1
        times = rng.sample(range(start, start + 2 * DAY), rng.randrange(1, 40))
        end = rng.choice(["outbound", "outbound", "close"])
        pauses = rng.choice([0, 0, 1, 3])
        kinds = rng.choices(["inbound", end, "auto", "note", "pause", "resume"],
                            [6, rng.choice([0, 1, 4]), 1, 1, pauses,
                             pauses and 1], k=len(times))
        tier = rng.randrange(2) if pauses else None
        for te, kind in zip(sorted(times), kinds):
            if (kinds.count(kind) <= 16 or kind in ("auto", "note")) and (
                    kind not in ("pause", "resume") or kinds.count(kind) <= 8):
                messages.append({
                    "kind": kind, "conv": f"conversation {conv}", "te": te,
                    "id": f"{conv} {te}",
                    "tier": rng.randrange(2) if tier is None else tier})

    shuffled = messages + rng.choices(messages, k=len(messages) // 5)
    rng.shuffle(shuffled)
    states, now = [], start + 2 * DAY + 9 * HOUR
    server = Server()

    try:
        for order in (messages, shuffled):
            scripts = Scripts(server.client, "converge", tiers)
            send_all(scripts, now, order)
            scripts.sweep_all(now)
            states.append(final_state(scripts))
            counts = counters(scripts, "m")
            server.client.flushall()
    finally:
        server.stop()

    wrong = 0
    for what, ordered, shuffled_ in zip(("sets", "conversations"), *states):
        for key in ordered.keys() | shuffled_.keys():
            if ordered.get(key) != shuffled_.get(key):
                wrong += 1
                if wrong < 5:
                    print(what, key, ordered.get(key), shuffled_.get(key))

    print(f"seed {args.seed}: {len(messages)} messages of {conv} "
          f"conversations, {len(shuffled)} in a random order, "
          f"{counts['an:duplicate']} duplicates, {wrong} differences")
    return 1 if wrong else 0


def run_cases(args):
    sys.path.insert(0, os.path.dirname(os.path.abspath(args.file)))
    import check                                # the reference's calendars

    with open(args.file, encoding="utf-8") as f:
        cases = json.load(f)

    server = Server()
    wrong = 0
    try:
        for i, case in enumerate(cases):
            server.client.flushall()
            try:
                play(server.client, check, case)
            except Difference as e:
                wrong += 1
                print(f"{i} {case['name']}: {e}")
    finally:
        server.stop()

    print(f"{len(cases)} cases, {wrong} wrong")
    return 1 if wrong else 0


def play(client, check, case):
    calendar = check.Cal(case)
    staffed = (check.Cal({**case, "hours": case["staffed_hours"]})
               if "staffed_hours" in case else calendar)
    base = min(check.ts(e["t"]) for e in case["events"]) - 3 * 86400
    read = lambda ms: int(calendar.B(base, ms // 1000) * 1000)
    extra = int(case.get("out_of_hours_extra_minutes", 0) * MINUTE)
    target = int(case["target_minutes"] * MINUTE)
    scripts = Scripts(client, "case", [Tier("default", target, target,
                                            clock=read)])
    due, first = None, None

    for e in case["events"]:
        te, skewed = check.ts(e["t"]), False
        recv = check.ts(e["recv"]) if "recv" in e else te
        if te > recv + case.get("max_skew_seconds", 120):
            te, skewed = recv, True
        te *= 1000
        if e["kind"] == "eval":
            scripts.sweep_all(te)
            continue
        m = {"kind": e["kind"], "conv": e.get("conv", "c"), "te": te,
             "id": e.get("id"), "into": e.get("into"), "skewed": skewed,
             "extra": extra if extra and not staffed.is_open(te // 1000)
             else 0}
        if m["kind"] == "outbound" and not client.exists(
                scripts.conversation(m["conv"])):
            scripts.store(te, [{"id": "d", "recorded": "1", "messages": [m]}])
            continue
        state, _, business, _, reading, _ = scripts.replies(te, [m])[0]
        if state == "paused":
            due = None
        elif reading >= 0:
            due = reading
        if first is None and business >= 0:
            first = business / MINUTE

    expected = case["expect"]
    if expected["due"] is None or due is None:
        same("due", due, expected["due"])
    else:
        at = check.ts(expected["due"]) * 1000
        same("reading of due", read(at), due)
        same("a second later it is late", read(at + 1000) > due, True)
    f = expected["first_response_business_minutes"]
    same("first response", first is not None and round(first, 6),
         f is not None and round(f, 6))
    m = counters(scripts, "m")
    same("breached", m.get("breach:default:first", 0)
         + m.get("breach:default:next", 0) > 0, expected["breached"])


def edge_types(scripts, client, now):
    key = scripts.conversation("broken")
    client.lpush(key, "a list")
    delivery = {"id": "d", "recorded": "1", "messages": [
        {"kind": "inbound", "conv": "broken", "te": now},
        {"kind": "inbound", "conv": "whole", "te": now}]}
    answer = scripts.store(now, [delivery])[0]
    same("status", answer[0], 0)
    same("text", (answer[2], answer[3][:9]), (b"fed", b"WRONGTYPE"))
    same("the other message", len(redis_sets(scripts)), 2)
    same("sent again", scripts.store(now, [delivery])[0], answer[1])
    item = {"kind": "outbound", "conv": "broken", "te": now}
    same("a reply", scripts.replies(now, [item, {**item, "conv": "whole"}])[0]
         [0], "error")
    same("the other reply", redis_sets(scripts), {})

    client.delete(scripts.prefix + "m")
    client.lpush(scripts.prefix + "m", "a list")
    reply = scripts.store(now, [{"id": "e", "recorded": "2", "messages": [
        {"kind": "inbound", "conv": "third", "te": now, "id": "x"}]}])
    same("an element more", (len(reply), reply[1][0], reply[1][1][:9]),
         (2, -2, b"WRONGTYPE"))
    same("no mark without its count",
         client.exists(scripts.id_key("x")), 0)


def edge_memory(scripts, client, now):
    client.config_set("maxmemory", 1)
    same("refused", scripts.one(now, "inbound", "a")[0], -1)
    client.config_set("maxmemory", 0)
    same("nothing is left", client.keys("*"), [])


def edge_arguments(scripts, client, now):
    for change in ({"te": "soon"}, {"te": ""}, {"tier": 2}, {"tier": -1},
                   {"extra": "x"}):
        m = {"kind": "inbound", "conv": "a", "te": now, **change}
        try:
            scripts.readings = lambda t: [0, 0]
            scripts.store(now, [{"id": "good", "recorded": "1",
                                 "messages": []},
                                {"id": "d", "recorded": "1",
                                 "messages": [m]}])
            raise Difference(f"{change} was taken")
        except redis.ResponseError as e:
            same("error", str(e)[:9], "a message")
        finally:
            del scripts.readings
    same("nothing is left", client.keys("*"), [])


def edge_tier(scripts, client, now):
    scripts.one(now, "inbound", "a", tier=1)
    scripts.one(now, "inbound", "b", tier=1)
    reduced = Scripts(client, "edge", scripts.tiers[:1])
    reduced.one(now + 1, "inbound", "a")
    lanes = {lane for lane, _ in redis_sets(reduced)}
    same("taken over", lanes, {"wait:default:first", "ok:default:first"})
    same("replied", reduced.replies(now + MINUTE, [
        {"kind": "outbound", "conv": "b", "te": now + MINUTE}])[0][:4],
        ["answered", MINUTE, MINUTE, 1])
    same("no traces", {member for _, member in redis_sets(scripts)},
         {digest("a")})

    scripts.one(now + 2, "inbound", "c", tier=1)
    rows = reduced.call("open", [scripts.lane_keys()[10]], [0, 10])[1]
    same("open", rows, [[digest("c").encode(), -1, b"office", now + 2]])
    same("reread", reduced.call("reread", reduced.keys(now)
                                + [scripts.conversation("c")],
                                [*reduced.conf(), now, "", *reduced.risks(),
                                 -1, 1, now + 2, 0, now + 2, 0]), 1)
    same("moved", {lane for lane, _ in redis_sets(scripts)}, lanes)


def edge_sweepers(scripts, client, now):
    for i in range(100):
        scripts.one(now + i, "inbound", f"c{i}")
    others = Scripts(client, "edge", scripts.tiers)
    later, counts, known = now + 2 * HOUR, [0] * 6, {}
    while True:
        replies = [s.sweep(later, 7, known.get(s, ())) for s in
                   (others, scripts)]
        for s, reply in zip((others, scripts), replies):
            counts = [a + b for a, b in zip(counts, reply)]
            known[s] = []
            for i in range(0, len(reply[7]), 2):
                known[s] += [*reply[7][i:i + 2], "2026"]
        if not any(r[6] or r[7] for r in replies):
            break
    same("counts", counts, [100, 100, 0, 0, 0, 200])
    entries = client.xrange(scripts.stream + ":escalations")
    same("entries", collections.Counter(
        (f[b"event"], f[b"conversation"]) for _, f in entries),
        collections.Counter((e, b"c%d" % i) for i in range(100)
                            for e in (b"at_risk", b"breach")))
    same("nothing waits", client.exists(scripts.prefix + "x"), 0)


def edge_many(scripts, client, now):
    """What becomes due at once is told, more than is written in a call."""
    n, step = 4000, ("soon", "later")
    scripts.tiers[0].steps = [(HOUR + i, name) for i, name in enumerate(step)]
    send_all(scripts, now, [{"kind": "inbound", "conv": f"c{i}", "te": now + i}
                            for i in range(n)])
    known, longest, calls, more = [], 0, 0, True
    while known or more:
        reply = scripts.sweep(now + 2 * HOUR, 128, known)
        longest = max(longest, client.llen(scripts.prefix + "x"))
        more, known, calls = reply[6], [], calls + 1
        for i in range(0, min(len(reply[7]), 256), 2):
            known += [*reply[7][i:i + 2], "2026"]
    told = collections.Counter(
        (f[b"event"], f.get(b"name")) for _, f in
        client.xrange(scripts.stream + ":escalations"))
    same("told", told, {key: n for key in (
        (b"at_risk", None), (b"breach", None),
        *((b"escalate", name.encode()) for name in step))})
    same("few wait to be written", longest <= 2048, True)
    same("calls, of 128 each, nearly all of which write", calls < 200, True)


def edge_pauses(scripts, client, now):
    def tell(conv, *what):
        """Kinds and minutes, in the order in which they come in."""
        for kind, minute in what:
            row = scripts.replies(now, [{"kind": kind, "conv": conv,
                                         "te": now + minute * MINUTE}])[0]
        return row[0], row[4] >= 0 and (row[4] - now) // MINUTE

    def counted():
        found = counters(scripts, "m")
        return [found.get(f"{name}:default:first", 0)
                for name in ("breach", "retract", "met")]

    # nobody has swept yet
    same("paused when it is late", tell("a", ("inbound", 0), ("pause", 61)),
         ("paused", False))
    same("is counted at once", counted(), [1, 0, 0])
    scripts.sweep_all(now + 70 * MINUTE)
    same("and not again", counted(), [1, 0, 0])
    same("its events", collections.Counter(
        f[b"event"] for _, f in client.xrange(scripts.stream
                                              + ":escalations")),
         {b"breach": 1})
    same("the set", {lane for lane, _ in redis_sets(scripts)},
         {"wait:default:first"})
    same("goes on", tell("a", ("resume", 70)), ("waiting", 69))
    same("is late still", {lane for lane, _ in redis_sets(scripts)},
         {"wait:default:first", "late:default:first"})
    same("in time", tell("b", ("inbound", 0), ("pause", 60)),
         ("paused", False))
    same("no breach", counted(), [1, 0, 0])

    # told of too late
    same("a message after it", tell("c", ("inbound", 0), ("inbound", 20),
                                    ("pause", 10)), ("waiting", 70))
    same("resumed before it came", tell("d", ("inbound", 0), ("resume", 15),
                                        ("pause", 10)), ("waiting", 65))
    same("two of them", tell("d", ("resume", 40), ("pause", 30)),
         ("waiting", 75))
    same("a message before it", tell("e", ("inbound", 5), ("pause", 10),
                                     ("inbound", 0)), ("paused", False))
    same("an answer before it", tell("f", ("inbound", 0), ("inbound", 8),
                                     ("pause", 10), ("outbound", 5)),
         ("answered_waiting", False))
    same("then", tell("f", ("resume", 12)), ("waiting", 70))
    same("before an answer", tell("f", ("outbound", 20), ("pause", 15)),
         ("ignored", False))

    # a breach that was none
    scripts.one(now, "inbound", "g")
    scripts.sweep_all(now + 61 * MINUTE)
    before = counted()
    same("paused in time", tell("g", ("pause", 50)), ("paused", False))
    same("retracted", counted(), [before[0], before[1] + 1, before[2]])
    same("met", tell("g", ("resume", 100), ("outbound", 105))[0], "answered")
    same("once", counted(), [before[0], before[1] + 1, before[2] + 1])

    # more than are kept
    same("many", tell("h", ("inbound", 0), *(
        (kind, 2 * i + (kind == "resume")) for i in range(1, 50)
        for kind in ("pause", "resume"))), ("waiting", 60 + 49))
    same("the size", len(unpack(client.get(
        scripts.conversation("h")))[11]) <= 99, True)


def edge_early(scripts, client, now):
    """What is reported before its message came in."""
    def tell(kind, conv, minute, id_=None):
        row = scripts.replies(now, [{"kind": kind, "conv": conv, "id": id_,
                                     "te": now + minute * MINUTE}])[0]
        return row[:3]

    for conv in "a", "b":
        for _ in range(2):
            same("a reply", tell("outbound", conv, 20, "r" + conv),
                 ["unknown_conversation", -1, -1])
    same("a note", tell("note", "c", 20)[0], "unknown_conversation")
    same("nothing is counted", counters(scripts, "m"), {})
    same("its key", client.keys(scripts.prefix + "*") and sorted(
        0 < client.pttl(key) <= 2 * DAY
        for key in client.keys(scripts.prefix + "*")), [True, True])
    same("the message", tell("inbound", "a", 5), ["answered", 15 * MINUTE,
                                                  15 * MINUTE])
    same("the reply again", tell("outbound", "a", 20, "ra")[0], "orphan")
    scripts.one(now + 5 * MINUTE, "inbound", "b")
    found = counters(scripts, "m")
    same("met", [found.get("met:default:first"), found.get("an:overtaken")],
         [2, 2])
    same("a newer message", tell("inbound", "b", 21)[0], "waiting")
    same("known", tell("pause", "b", 22)[0], "paused")

    same("a close", tell("close", "d", 10)[0], "unknown_conversation")
    same("is before", tell("inbound", "d", 9)[0], "answered")
    same("is after", tell("inbound", "d", 11)[0], "waiting")
    same("a pause", tell("pause", "e", 10)[0], "unknown_conversation")
    same("of a message", tell("inbound", "e", 9)[0], "paused")


def edge_forget(scripts, client, now):
    """After the last event, not the first, and whoever else waits."""
    for day in (0, 7, 14, 21, 29):
        scripts.one(now + day * DAY, "inbound", "writes", event=f"d{day}")
    for i in range(40):
        scripts.one(now + i, "inbound", f"old {i}")
        scripts.one(now + 20 * DAY + i, "inbound", f"old {i}")
    scripts.one(now + 50, "inbound", "silent")
    scripts.one(now + 51, "inbound", "paused")
    scripts.replies(now + 10 * DAY, [{"kind": "pause", "conv": "paused",
                                      "te": now + 10 * DAY}])
    same("the key of an event", client.pttl(scripts.id_key("e:d0"))
         > 29 * DAY, True)

    def waits_after(days, limit):
        for i in range(60):
            scripts.sweep_all(now + days * DAY + 2000 * i, limit)
        found = {key.decode()[-22:] for key in
                 client.keys(scripts.prefix + "c:*")}
        return [conv for conv in ("silent", "paused", "writes", "old 7")
                if digest(conv) in found]

    same("30 days", waits_after(30.1, 40), ["paused", "writes", "old 7"])
    same("40 days", waits_after(40.1, 40), ["writes", "old 7"])
    same("50 days", waits_after(50.1, 40), ["writes"])
    same("60 days", waits_after(60.1, 40), [])
    same("closed", counters(scripts, "m")["closed:default:first"], 43)
    same("sets", redis_sets(scripts), {})


def edge_calendar(scripts, client, now):
    def sweep(text):
        return scripts.call("sweep", scripts.keys(now), [
            *scripts.conf(), now, *scripts.readings(now), 10, "/", 10, KEY,
            0, 0, "", text, 0, 0, "", ""])[8]

    def adopt(old, new):
        return scripts.call("calendar", [scripts.prefix + "m"],
                            ["default", old, new])

    same("first", sweep("1:a"), [b"", b""])
    same("the same", sweep("1:a"), [b"", b""])
    same("another", sweep("2:b"), [b"1:a", b""])
    same("adopted", [adopt("1:a", "2:b"), adopt("1:a", "3:c")], [1, 0])
    same("then", sweep("2:b"), [b"", b""])

    scripts.one(now, "inbound", "a")
    def reread(text):
        return scripts.call("reread", scripts.keys(now)
                            + [scripts.conversation("a")],
                            [*scripts.conf(), *scripts.readings(now), text, "",
                             *scripts.risks(), -1, 1, now, 0, now, 0])
    same("whose turn it is", reread("2:b"), 1)
    same("whose turn it is not", reread("1:a"), -1)


def edge_close(scripts, client, now):
    for i in range(3):
        scripts.one(now + i, "inbound", f"c{i}")
    scripts.one(now, "inbound", "gone")
    # one that has waited longer than its key says
    client.zadd(scripts.lane_keys()[0], {digest("c2"): now - HOUR})
    # and one that is gone
    client.delete(scripts.conversation("gone"))
    same("closed", scripts.close(now + 1, now + 1, 3), [1, 1])
    same("the rest", scripts.close(now + 1, now + 1, 2), [0, 0])
    same("counted", {k: n for k, n in counters(scripts, "m").items()
                     if k[:2] != "ev" or k == "ev:close"},
         {"ev:close": 1, "closed:default:first": 1})
    same("no place for who is gone", client.zscore(scripts.lane_keys()[0],
                                                   digest("gone")), None)
    same("put right", client.zscore(scripts.lane_keys()[0], digest("c2")),
         now + 2)
    try:
        scripts.close(now, now + 1)
    except redis.ResponseError as e:
        same("refused", "before is after" in str(e), True)
        return
    raise Difference("closed before the time")


def edge_steps(scripts, client, now):
    """What was told is not told again when there are other steps."""
    def told(minute, *steps):
        for s in scripts, others:
            s.tiers[0].steps = [(after * MINUTE, name) for after, name in steps]
            s.sweep_all(now + minute * MINUTE)
        return [f[b"name"].decode() for _, f in client.xrange(
            scripts.stream + ":escalations") if b"name" in f]

    others = Scripts(client, "edge", scripts.tiers)
    same("nobody waits", told(0, (30, "head")), [])
    scripts.one(now, "inbound", "a")
    same("a step", told(31, (30, "head")), ["head"])
    same("one before it, and one that is due, both at a time",
         told(62, (15, "manager"), (30, "head"), (40, "b"), (40, "c"),
              (180, "boss")), ["head", "b", "c"])
    same("none that was told", told(70, (30, "head")), ["head", "b", "c"])
    scripts.one(now + 71 * MINUTE, "outbound", "a")
    scripts.one(now + 72 * MINUTE, "inbound", "a")
    same("of the next wait", told(134, (0, "first"), (180, "boss")),
         ["head", "b", "c", "first"])


def edge_targets(scripts, client, now):
    """With a longer target nobody is at risk, or late, before it is time."""
    def wait(minute, first=HOUR):
        scripts.tiers[0] = Tier("default", first, HOUR, risks=(MINUTE, MINUTE))
        if first != HOUR:
            scripts.reread(now + minute * MINUTE, scripts.tiers)
        scripts.sweep_all(now + minute * MINUTE)
        return sorted({lane for lane, _ in redis_sets(scripts)})[0]

    scripts.one(now, "inbound", "a")
    same("at risk", wait(59), "risk:default:first")
    same("not any more", wait(59, 2 * HOUR), "ok:default:first")
    same("still not", wait(118, 2 * HOUR), "ok:default:first")
    same("then", wait(119, 2 * HOUR), "risk:default:first")
    same("still is", wait(119, 2 * HOUR - 1), "risk:default:first")
    same("late", wait(121, 2 * HOUR), "late:default:first")
    same("neither", wait(121, 3 * HOUR), "ok:default:first")
    same("each is told", [f[b"event"].decode() for _, f in client.xrange(
        scripts.stream + ":escalations")],
        ["at_risk", "at_risk", "breach", "retracted"])


def edge_lanes(scripts, client, now):
    """A call takes no more than its limit, however many lanes have something
    that is due."""
    send_all(scripts, now, [{"kind": "inbound", "conv": f"c{i}", "te": now,
                             "tier": i % 2} for i in range(100)])
    reply = scripts.sweep(now + 2 * HOUR, 32)
    same("at once", (*reply[:2], reply[6]), (32, 32, 1))
    same("in the end", scripts.sweep_all(now + 2 * HOUR, 32)[1], 68)


def run_edges(_):
    server = Server()
    try:
        for edge in (edge_types, edge_memory, edge_arguments, edge_tier,
                     edge_sweepers, edge_many, edge_lanes, edge_steps,
                     edge_targets, edge_pauses, edge_early, edge_forget,
                     edge_calendar, edge_close):
            server.client.flushall()
            scripts = Scripts(server.client, "edge", [
                Tier("default", HOUR, HOUR, risks=(MINUTE, MINUTE)),
                Tier("office", HOUR, HOUR)])
            try:
                edge(scripts, server.client, 1767225600000)
            except Difference as e:
                print(f"{edge.__name__}: {e}")
                return 1
    finally:
        server.stop()
    print("edges: as they should be")
    return 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=["random", "converge", "cases",
                                         "edges", "faults"])
    parser.add_argument("file", nargs="?")
    parser.add_argument("-s", "--seed", type=int,
                        default=random.randrange(2 ** 31))
    parser.add_argument("-n", type=int, default=2000)
    parser.add_argument("--fault", choices=sorted(FAULTS))
    parser.add_argument("--cluster", action="store_true")
    args = parser.parse_args()

    if args.mode == "faults":
        print("\n".join(sorted(FAULTS)))
        return 0

    return {"random": run_random, "converge": run_converge,
            "cases": run_cases, "edges": run_edges}[args.mode](args)


if __name__ == "__main__":
    sys.exit(main())

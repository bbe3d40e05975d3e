#!/usr/bin/python3

# Copyright (C) nginx-intake contributors

"""The messages of a delivery, by the `message` lines of a platform.

A second reading of the grammar, to compare the module's with: it shares no
code with it and takes the simplest way everywhere.

    messages.py [-c FILE] [-H "Name: value"]... [-q QUERY] PLATFORM [FILE]...

prints for each FILE (standard input by default) one line of JSON: a list of
{"direction", "conversation", "id", "time"}, where time is in microseconds
since 1970, null if there is none.  With -l the arguments are no files: each
line of standard input is {"platform", "headers", "query", "body"} in JSON,
where body is text.
"""

import argparse
import calendar
import json
import os
import re
import sys
from urllib.parse import parse_qsl
from xml.dom import minidom
from xml.parsers.expat import ExpatError

PLATFORMS = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                         "../../conf/intake/platforms.conf")

FORM = "application/x-www-form-urlencoded"
MAX_MESSAGES = 1000
MAX_DEPTH = 512


# nginx's configuration language, as far as the file of presets uses it

def tokens(text):
    """Words, and "{", "}" and ";" as they are; quoted words as ("", word)."""
    escapes = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "'": "'", "\\": "\\"}
    i = 0

    while i < len(text):
        ch = text[i]

        if ch.isspace():
            i += 1
        elif ch == "#":
            i = (text.find("\n", i) + 1) or len(text)
        elif ch in "{};":
            yield ch
            i += 1
        else:
            quote = ch if ch in "\"'" else None
            i += 1 if quote else 0
            word = ""

            while i < len(text):
                ch = text[i]
                if ch == "\\" and i + 1 < len(text):
                    i += 1
                    word += escapes.get(text[i], "\\" + text[i])
                elif quote and ch == quote:
                    i += 1
                    break
                elif not quote and (ch.isspace() or ch == ";"
                                    or ch == "{" and not word.endswith("$")):
                    break
                else:
                    word += ch
                i += 1

            yield ("", word)


def read_platforms(path):
    """{name: (arguments of each message line, of the document line)}"""
    platforms = {}
    args, name = [], None

    with open(path, encoding="utf-8") as f:
        for token in tokens(f.read()):
            if isinstance(token, tuple):
                args.append(token[1])
            elif token == "{":
                name = args[1] if args[0] == "intake_platform" else None
                platforms.setdefault(name, ([], []))
                args = []
            elif token == "}":
                name = None
            else:
                if args and args[0] == "message":
                    platforms[name][0].append(args[1:])
                elif args and args[0] == "document":
                    platforms[name][1].append(args[1])
                args = []

    return platforms


# the rules

class Source:
    """SRC: kind:name with split= and prefix=."""

    def __init__(self, text, each):
        if text.startswith("@"):
            rest = text[1:]
            if each is None:
                text = "json:" + rest[1:]
            else:
                text = "json:" + each + rest

        self.kind, _, self.name = text.partition(":")
        self.split = None
        self.prefix = ""

    def option(self, text):
        key, _, value = text.partition("=")
        if key == "split":
            self.split = value
        elif key == "prefix":
            self.prefix = value
        else:
            return False
        return True

    def select(self, text):
        parts = [text]
        if self.split:
            parts = [part.strip(" \t") for part in text.split(self.split)]
        return [part[len(self.prefix):] for part in parts
                if part.startswith(self.prefix)]

    def values(self, delivery, indices):
        if self.kind == "header":
            found = [value for name, value in delivery.headers
                     if name.lower() == self.name.lower()]
        elif self.kind == "query":
            found = [v for n, v in delivery.query if n == self.name]
        elif self.kind == "form":
            found = [v for n, v in delivery.form if n == self.name]
        elif self.kind == "xml":
            found = element(delivery.xml, self.name)[:1]
        else:
            found = [text(value)
                     for place, value in find(delivery.json, self.name)
                     if all(a == b for a, b in zip(place, indices))]

        return [value for whole in found if whole is not None
                for value in self.select(whole)]


class Ref:
    """REF: the first alternative that is present and not empty."""

    def __init__(self, text, each):
        self.sources = [Source(part, each) for part in text.split("|")]

    def values(self, delivery, indices):
        for source in self.sources:
            found = [value for value in source.values(delivery, indices)
                     if value]
            if found:
                return found
        return []


class Condition:
    """COND: REF, REF=V|W, REF==REF, REF!=REF."""

    def __init__(self, text, each):
        left, equal, right = text.partition("=")

        if not equal:
            self.operator = "present"
        elif left.endswith("!"):
            self.operator, left = "different", left[:-1]
        elif right.startswith("="):
            self.operator, right = "same", right[1:]
        else:
            self.operator = "values"

        self.ref = Ref(left, each)
        if self.operator in ("same", "different"):
            self.other = Ref(right, each)
        else:
            self.wanted = right.split("|")

    def holds(self, delivery, indices):
        found = self.ref.values(delivery, indices)

        if not found or self.operator == "present":
            return bool(found)
        if self.operator == "values":
            return any(value in self.wanted for value in found)

        other = self.other.values(delivery, indices)
        if not other:
            return False
        return (found[0] == other[0]) == (self.operator == "same")


class Rule:
    """One `message` line."""

    def __init__(self, args):
        self.direction = args[0]
        self.each = None
        self.when, self.unless, self.conversation, self.id = [], [], [], []
        self.time, self.unit = None, "s"
        last = None

        for arg in args[1:]:
            if arg.startswith("each=json:"):
                self.each = arg[len("each=json:"):]

        for arg in args[1:]:
            if last and last.sources[-1].option(arg):
                continue

            key, _, value = arg.partition("=")

            if key in ("when", "unless"):
                condition = Condition(value, self.each)
                getattr(self, key).append(condition)
                last = getattr(condition, "other", condition.ref)
            elif key in ("conversation", "id"):
                last = Ref(value, self.each)
                getattr(self, key).append(last)
            elif key == "time":
                self.time = last = Ref(value, self.each)
            elif key == "unit":
                self.unit = value
            elif key != "each":
                raise ValueError("unknown parameter: " + arg)

    def matches(self, delivery, indices):
        return (all(c.holds(delivery, indices) for c in self.when)
                and not any(c.holds(delivery, indices) for c in self.unless))

    def message(self, delivery, indices):
        """None if a part of the conversation or of the id is missing."""
        joined = []

        for refs in (self.conversation, self.id):
            parts = [ref.values(delivery, indices) for ref in refs]
            if not all(parts):
                return None
            joined.append(":".join(part[0] for part in parts))

        when = self.time.values(delivery, indices) if self.time else []

        return {"direction": self.direction, "conversation": joined[0],
                "id": joined[1] or None,
                "time": microseconds(self.unit, when[0]) if when else None}


# what is read

class Number(str):
    """A number of a document, as it is written there."""


class Delivery:
    def __init__(self, body, headers=(), query="", documents=()):
        self.headers = list(headers)
        self.query = parse_qsl(query, keep_blank_values=True)
        kinds = [value.split(";")[0].strip().lower()
                 for name, value in self.headers
                 if name.lower() == "content-type"]
        self.form = []
        if FORM in kinds:
            self.form = parse_qsl(body.decode("utf-8", "surrogateescape"),
                                  keep_blank_values=True)
        elif not body:
            self.form = self.query
        self.json = document(body)
        self.xml = tree(body)

        for name in documents:
            for value in Source(name, None).values(self, ())[:1]:
                self.json = document(value.encode("utf-8", "surrogateescape"))


def tree(body):
    try:
        return minidom.parseString(body)
    except (ExpatError, ValueError):
        return None


def element(node, path):
    """[text of each element at the path]"""
    found = [node] if node else []

    for step in path.split("."):
        found = [child for parent in found for child in parent.childNodes
                 if child.nodeName == step]

    return ["".join(child.data for child in item.childNodes
                    if child.nodeType in (child.TEXT_NODE,
                                          child.CDATA_SECTION_NODE)).strip()
            for item in found]


def document(body):
    """The document, or None if it is none, or too deep."""
    def constant(name):
        raise ValueError(name)

    try:
        value = json.loads(body.decode("utf-8-sig", "surrogateescape"),
                           parse_int=Number, parse_float=Number,
                           parse_constant=constant)
    except (ValueError, RecursionError):
        return None

    return value if depth(value) <= MAX_DEPTH else None


def depth(value):
    deepest, left = 0, [(value, 1)]

    while left:
        item, level = left.pop()
        if isinstance(item, dict):
            item = list(item.values())
        if isinstance(item, list):
            deepest = max(deepest, level)
            left += [(child, level + 1) for child in item]

    return deepest


def find(value, path):
    """[(indices that "*" stands for, value)] in the document's order"""
    found = [((), value)]

    for step in path.split("."):
        deeper = []
        for place, item in found:
            if isinstance(item, dict):
                if step != "*" and step in item:
                    deeper.append((place, item[step]))
            elif isinstance(item, list):
                if step == "*":
                    deeper += [(place + (i,), child)
                               for i, child in enumerate(item)]
                elif step.isdigit() and int(step) < len(item):
                    deeper.append((place, item[int(step)]))
        found = deeper

    return [(place, item) for place, item in found if item is not None]


def text(value):
    """None for what is no scalar."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return re.sub("[\ud800-\udbff\udc00-\udc7f\udd00-\udfff]", "\ufffd",
                      str(value))
    return None


def microseconds(unit, value):
    if unit in ("s", "ms"):
        match = re.fullmatch(r"([0-9]{1,15})(?:\.([0-9]{1,9}))?", value)
        if not match:
            return None
        scale = 1000000 if unit == "s" else 1000
        fraction = match[2] or ""
        usec = int(match[1]) * scale
        usec += int(fraction or 0) * scale // 10 ** len(fraction)
    elif unit == "snowflake":
        if not re.fullmatch(r"[0-9]{1,20}", value) or int(value) >= 1 << 64:
            return None
        usec = ((int(value) >> 22) + 1420070400000) * 1000
    else:
        match = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)"
                             r"(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:?\d\d)", value)
        if not match:
            return None
        date = tuple(int(match[i]) for i in range(1, 7))
        if not (1 <= date[1] <= 12 and date[3] < 24 and date[4] < 60
                and 1 <= date[2] <= calendar.monthrange(*date[:2])[1]
                and date[5] < 60):
            return None
        zone = match[8].replace(":", "")
        offset = 0
        if zone not in "Zz":
            offset = int(zone[1:3]) * 60 + int(zone[3:5])
            offset = -offset if zone[0] == "-" else offset
        usec = (calendar.timegm(date + (0, 0, 0)) - offset * 60) * 1000000
        usec += int((match[7] or "0").ljust(9, "0")[:6])

    return usec if 0 <= usec <= 253402300799999999 else None


def messages(rules, delivery):
    """Rules with the same each= share its elements; the first that matches
    an element decides what it is."""
    found, done = [], []

    for rule in rules:
        if rule.each in done:
            continue
        done.append(rule.each)

        elements = [()]
        if rule.each is not None:
            elements = [place for place, _ in find(delivery.json, rule.each)]

        for indices in elements:
            for other in rules:
                if other.each == rule.each and other.matches(delivery,
                                                             indices):
                    message = other.message(delivery, indices)
                    if message and len(found) < MAX_MESSAGES:
                        found.append(message)
                    break

    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-c", dest="conf", default=PLATFORMS)
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("-q", dest="query", default="")
    parser.add_argument("-l", dest="lines", action="store_true")
    parser.add_argument("platform", nargs="?")
    parser.add_argument("files", nargs="*")
    args = parser.parse_args()

    platforms = {name: ([Rule(line) for line in lines], documents)
                 for name, (lines, documents)
                 in read_platforms(args.conf).items()}

    def show(platform, *delivery):
        rules, documents = platforms[platform]
        print(json.dumps(messages(rules, Delivery(*delivery, documents))),
              flush=True)

    if args.lines:
        for line in sys.stdin:
            item = json.loads(line)
            show(item["platform"], item["body"].encode("utf-8"),
                 item.get("headers", {}).items(), item.get("query", ""))
        return

    headers = [tuple(part.strip() for part in header.split(":", 1))
               for header in args.headers]

    for name in args.files or ["/dev/stdin"]:
        with open(name, "rb") as f:
            show(args.platform, f.read(), headers, args.query)


main()

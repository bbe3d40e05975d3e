#!/usr/bin/python3

# Copyright (C) nginx-intake contributors

"""The fields and files of a form, read the simplest way.

A second reading of the rules, to compare the module's with: it shares no code
with it, holds the whole body and takes the errors in the same order.

    forms.py [-n COUNT] [-s SEED] PROGRAM

PROGRAM is built from forms.c.  The cases in t/data/forms, changed at random,
and bodies made at random are given to both, in pieces of random sizes, until
COUNT of them have been compared or one differs; that is written to standard
output with the seed that leads to it again.  With -r FILE, another reading,
whose parse() takes a Content-Type and a body, stands for the one here.
"""

import argparse
import base64
import importlib.util
import json
import os
import random
import re
import struct
import subprocess
import sys

CASES = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                     "../data/forms/cases.json")

FIELDS, FILES, NAME, VALUE, FILE = 100, 10, 256, 65536, 10 << 20
BOUNDARY, LINE, HEADERS, PARAMETERS, BLANKS = 70, 4096, 16, 16, 64
MEMBERS, DEPTH = 1024, 3

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
SPACE = b" \t\r\n"


class Refused(Exception):
    pass


def text(octets):
    return octets.decode("utf-8", "replace")


def unescape(octets):
    return re.sub(rb"%([0-9a-fA-F]{2})",
                  lambda m: bytes([int(m.group(1), 16)]), octets)


class Form:
    def __init__(self):
        self.fields, self.files = [], []

    def field(self, name, value):
        if len(name) > NAME:
            raise Refused("name_too_long")
        if len(value) > VALUE:
            raise Refused("value_too_large")
        if len(self.fields) == FIELDS:
            raise Refused("too_many_fields")
        self.fields.append([text(name), text(value)])

    def result(self):
        return {"fields": self.fields, "files": self.files}


# Content-Type

def mime(header):
    """(essence, [boundary, ...]) as the MIME Sniffing Standard has it."""
    header = header.strip(SPACE)
    m = re.match(rb"(%s/%s)[ \t\r\n]*(;|\Z)" % (TOKEN, TOKEN), header)
    if not m:
        return None

    essence, rest, found = m.group(1).lower(), header[m.end():], []

    while rest:
        rest = rest.lstrip(SPACE)
        m = re.match(rb"([^;=]*)(;|=|\Z)", rest)
        name, end, rest = m.group(1).lower(), m.group(2), rest[m.end():]

        if end != b"=" or not rest:
            continue

        if rest.startswith(b'"'):
            m = re.match(rb'"((?:[^"\\]|\\.)*)(\\?)("[^;]*)?(;|\Z)', rest,
                         re.S)
            value = re.sub(rb"\\(.)", rb"\1", m.group(1), flags=re.S)
            value += m.group(2)
        else:
            m = re.match(rb"([^;]*)(;|\Z)", rest)
            value = m.group(1).rstrip(SPACE)
            if not value:
                rest = rest[m.end():]
                continue

        rest = rest[m.end():]

        if name == b"boundary" and re.fullmatch(rb"[\t\x20-\x7e\x80-\xff]*",
                                                value):
            found.append(value)

    return essence, found


# application/x-www-form-urlencoded

def urlencoded(body):
    form = Form()

    for sequence in body.split(b"&"):
        if sequence:
            name, _, value = sequence.replace(b"+", b" ").partition(b"=")
            form.field(unescape(name), unescape(value))

    return form.result()


# multipart/form-data

def disposition(value):
    m = re.match(TOKEN, value)
    if not m or m.group().lower() != b"form-data":
        raise Refused("malformed_multipart")

    found, rest = {}, value[m.end():].strip(b" \t")

    while rest not in (b"", b";"):
        m = re.match(rb";[ \t]*(%s)=(?:\"([^\"]*)\"|([^ \t;\"]*))[ \t]*"
                     % TOKEN, rest)

        if not m:
            if re.fullmatch(rb";[ \t]*", rest):
                break
            raise Refused("malformed_multipart")

        name = m.group(1).lower()
        if name in found or len(found) == PARAMETERS:
            raise Refused("malformed_multipart")

        found[name] = m.group(3) if m.group(2) is None else m.group(2)
        rest = rest[m.end():]

    return found


class Part:
    def __init__(self):
        self.known, self.kind = None, b"text/plain"

    def header(self, line):
        name, colon, value = line.partition(b":")
        name = name.strip(b" \t").lower()
        value = value.strip(b" \t")

        if not colon or b"\0" in line or not re.fullmatch(TOKEN, name):
            raise Refused("malformed_multipart")

        if name == b"content-disposition":
            if self.known is not None:
                raise Refused("malformed_multipart")
            self.known = disposition(value)

        if name == b"content-type":
            m = value.isascii() and mime(value.split(b",")[-1])
            self.kind = m[0] if m else b""

    def begin(self, form):
        """The most that its content may have, and the error if it has more."""
        if self.known is None or b"name" not in self.known:
            raise Refused("malformed_multipart")

        self.name = self.known[b"name"]
        self.filename = self.known.get(b"filename")

        if len(self.name) > NAME:
            raise Refused("name_too_long")

        if self.filename is None and b"filename*" in self.known:
            m = re.fullmatch(rb"(?is)utf-8'[A-Z0-9-]*'(.*)",
                             self.known[b"filename*"])
            self.filename = unescape(m.group(1)) if m else b""

        if self.filename is None:
            return VALUE, "value_too_large"

        if len(form.files) == FILES:
            raise Refused("too_many_files")

        return FILE, "file_too_large"

    def end(self, form, body):
        if self.filename is None:
            form.field(self.name, body)
        else:
            form.files.append([text(self.name), text(self.filename),
                               self.kind.decode(), body.hex()])


def multipart(body, boundaries):
    if len(boundaries) > 1:
        raise Refused("bad_boundary")
    if not boundaries or not boundaries[0]:
        raise Refused("missing_boundary")

    boundary = boundaries[0].decode("latin-1").encode()
    if len(boundary) > BOUNDARY or boundary.endswith(b" "):
        raise Refused("bad_boundary")

    form, first = Form(), True
    body = b"\r\n" + body
    delimiter = re.compile(rb"\r\n--" + re.escape(boundary)
                           + rb"(?:(--)|([ \t]*)(\r\n)|([ \t]+))")
    m = delimiter.match(body)

    while True:
        if not m:
            raise Refused("malformed_multipart")

        closing, blanks, line_end, _ = m.groups()

        if closing:
            if re.compile(rb"[ \t]*(\r\n|\Z)").match(body, m.end()):
                return form.result()
            raise Refused("malformed_multipart")

        if not line_end or (len(blanks) > BLANKS and not first):
            raise Refused("malformed_multipart")

        first, pos, part, lines = False, m.end(), Part(), 0

        while not body.startswith(b"\r\n", pos):
            end = re.compile(rb"[\r\n]|\Z").search(body, pos).start()
            lines += 1

            if end - pos > LINE:
                raise Refused("header_too_large")
            if not body.startswith(b"\r\n", end):
                raise Refused("malformed_multipart")
            if lines > HEADERS:
                raise Refused("header_too_large")

            part.header(body[pos:end])
            pos = end + 2

        limit, error = part.begin(form)

        # the delimiter may begin with the CRLF of the blank line

        m = delimiter.search(body, pos)
        end = m.start() if m else len(body)

        if end - pos - 2 > limit and (m or surely(body, boundary, pos, limit)):
            raise Refused(error)
        if not m or (not m.group(1) and not m.group(3)) or (
                m.group(2) and len(m.group(2)) > BLANKS):
            raise Refused("malformed_multipart")

        part.end(form, body[pos + 2:end])


def surely(body, boundary, pos, limit):
    """Whether more than the limit is data, though no delimiter follows: all
    but what could be the beginning of one."""
    tail = b"\r\n--" + boundary + b"\r"
    held = max(n for n in range(len(tail) + 1)
               if body.endswith(tail[:n]) or
               (n == len(tail) and body.endswith(tail[:-1] + b"-")))
    return len(body) - held - pos - 2 > limit


# application/json

class Number(str):
    pass


class Members(list):
    pass


def members(pairs):
    return Members(pairs)


def scalar(value):
    """A name or a value, as UTF-8."""
    if value is True or value is False:
        return b"true" if value else b"false"
    value = str(value).encode("utf-16-le", "surrogatepass")
    return value.decode("utf-16-le", "replace").encode()


def form_json(body):
    form = Form()

    if body.startswith(b"\xef\xbb\xbf"):
        body = body[3:]

    def constant(_):
        raise ValueError

    try:
        value = json.loads(text(body).strip(" \t\n\r"), parse_int=Number,
                           parse_float=Number, parse_constant=constant,
                           object_pairs_hook=members)
    except RecursionError:
        raise Refused("unsupported_json")
    except ValueError:
        raise Refused("malformed_json")

    if not isinstance(value, Members):
        raise Refused("unsupported_json")

    pairs = [(scalar(name), value) for name, value in value]
    names = [name for name, _ in pairs if len(name) <= NAME][:MEMBERS]
    if len(set(names)) != len(names):
        raise Refused("unsupported_json")

    seen = 0

    for name, value in pairs:
        if seen == MEMBERS:
            raise Refused("too_many_fields")
        if len(name) > NAME:
            raise Refused("name_too_long")
        seen += 1
        if value is None:
            continue
        if isinstance(value, Members) or not isinstance(value, list):
            value = [value]
        for item in value:
            if item is None or isinstance(item, list):
                raise Refused("unsupported_json")
            form.field(name, scalar(item))

    return form.result()


def parse(header, body):
    m = mime(header)

    if m and m[0] == b"application/x-www-form-urlencoded":
        return urlencoded(body)
    if m and m[0] == b"multipart/form-data":
        return multipart(body, m[1])
    if m and m[0] == b"application/json":
        return form_json(body)

    raise Refused("unsupported_media_type")


# the comparison

def seeds():
    with open(CASES) as file:
        cases = json.load(file)

    for case in cases:
        header = case["content_type"]
        if "body" in case:
            body = case["body"].encode()
        elif "body_base64" in case:
            body = base64.b64decode(case["body_base64"])
        else:
            body = b"".join(base64.b64decode(p["base64"]) * p.get("repeat", 1)
                            for p in case["body_parts"])
        if header is not None and len(body) < 100000:
            yield header.encode("latin-1"), body


WORDS = [b"\r\n", b"\r", b"\n", b"--", b"-", b"\r\n--", b"\r\n--boundary",
         b"\r\n--boundary--", b"\r\n--boundary\r\n", b"--boundary",
         b"boundary", b"\r\n\r\n", b" ", b"\t", b":", b";", b"=", b'"', b"\\",
         b"%", b"%41", b"+", b"&", b"\0", b"\x01", b"\x7f", b"\xff",
         b"\xc3\xa9", b"\xe2\x82", b"\xf0\x9f\x98\x80", b"\xed\xa0\x80", b"a",
         b"name=", b"filename=", b"filename*=utf-8''x%41", b"form-data",
         b"Content-Disposition:",
         b"Content-Disposition: form-data; name=\"a\"",
         b"Content-Disposition: form-data; name=\"a\"; filename=\"f\"",
         b"Content-Type: text/html", b",", b"{", b"}", b"[", b"]", b"null",
         b"true", b'"a":', b'"\\u0061":', b"\\ud83d", b"\\ude00", b"\\n",
         b"1.5", b"-0", b"01", b"x" * 300, b"X-A: b\r\n" * 8, b" " * 40]

TYPES = [b"multipart/form-data; boundary=boundary",
         b"multipart/form-data; boundary=\"boundary\"",
         b"application/x-www-form-urlencoded", b"application/json"]


def mutate(rng, octets):
    octets = bytearray(octets)

    for _ in range(rng.choice((0, 1, 1, 1, 2, 3, 5, 8))):
        at = rng.randrange(len(octets) + 1)
        kind = rng.randrange(6)

        if kind == 0 and octets:
            octets[at % len(octets)] = rng.randrange(256)
        elif kind == 1:
            del octets[at:at + rng.choice((1, 1, 2, 5, 20))]
        elif kind == 2:
            octets[at:at] = rng.choice(WORDS)
        elif kind == 3:
            octets[at:at + rng.randrange(8)] = rng.choice(WORDS)
        elif kind == 4:
            end = at + rng.randrange(60)
            to = rng.randrange(len(octets) + 1)
            octets[to:to] = octets[at:end]
        elif kind == 5 and rng.random() < 0.3:
            del octets[at:]

    return bytes(octets)


def generate(rng, cases):
    if rng.random() < 0.15:
        body = b"".join(rng.choice(WORDS) for _ in range(rng.randrange(40)))
        return rng.choice(TYPES), body

    header, body = rng.choice(cases)

    if rng.random() < 0.1:
        header = mutate(rng, header)
    elif rng.random() < 0.1:
        body = body + body

    if rng.random() < 0.05:
        return header, rng.choice(cases)[1]

    return header, mutate(rng, body)


def load(path):
    spec = importlib.util.spec_from_file_location("reading", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


LIMITS = {"too_many_fields", "too_many_files", "name_too_long",
          "value_too_large", "file_too_large", "header_too_large"}


def other(module, header, body):
    """What another reading says, in the shape of the one here."""
    try:
        result = module.parse(header.decode("latin-1"), body)
    except module.Err as e:
        return {"error": str(e)}

    return {"fields": [list(f) for f in result["fields"]],
            "files": [[f["name"], f["filename"], f["type"], f["data"].hex()]
                      for f in result["files"]]}


def both_json(want, got):
    """A document may be found to be too deep before it is found malformed."""
    kinds = {"malformed_json", "unsupported_json"}
    return want.get("error") in kinds and got.get("error") in kinds


def alike(want, got, body):
    """The same but for which of several errors comes first, and for what is
    no field in another reading: an empty object, a long name of no value."""
    if want == got:
        return True
    want, got = want.get("error"), got.get("error")
    if not want:
        return (got == "unsupported_json"
                and re.search(rb"[^ \t\r\n]\s*\{\s*\}", body) is not None
                or got == "name_too_long"
                and re.search(rb":\s*(null|\[\s*\])", body) is not None)
    return (got in LIMITS and (want in LIMITS or want.startswith("malformed")
                               or want == "unsupported_json")
            or both_json({"error": want}, {"error": got}))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-n", type=int, default=100000, metavar="COUNT")
    parser.add_argument("-s", type=int, metavar="SEED")
    parser.add_argument("-r", metavar="FILE")
    parser.add_argument("program")
    options = parser.parse_args()

    seed = options.s if options.s is not None else random.randrange(1 << 32)
    rng, cases = random.Random(seed), list(seeds())
    reading = load(options.r) if options.r else None

    program = subprocess.Popen([options.program], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    tally = {}

    for i in range(options.n):
        header, body = generate(rng, cases)
        size = rng.choice((0, 1, 1, 2, 3, 7, 64, 1000))

        program.stdin.write(struct.pack("=III", len(header), len(body), size)
                            + header + body)
        program.stdin.flush()
        got = json.loads(program.stdout.readline())

        if reading:
            want = other(reading, header, body)
            same = alike(want, got, body)
        else:
            try:
                want = parse(header, body)
            except Refused as e:
                want = {"error": str(e)}
            same = want == got or both_json(want, got)

        if not same:
            print(f"differs: seed {seed}, form {i}, pieces of {size}")
            print("type:", header)
            print("body:", body if len(body) < 3000 else body[:3000] + b"...")
            print("want:", json.dumps(want)[:2000])
            print("got: ", json.dumps(got)[:2000])
            return 1

        word = got.get("error", "fine")
        tally[word] = tally.get(word, 0) + 1

    program.stdin.close()
    program.wait()

    print(f"{options.n} forms, seed {seed}: the same")
    print(", ".join(f"{n} {w}" for w, n in sorted(tally.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Python's email package as a second opinion on src/message.

    python3 tests/oracle/mime_oracle.py [BUILD/MODE] [CASES] [SEED]

Builds a small filter from the archives in BUILD/MODE (make first), then:
  * what we compose, Python reads: subject, addresses, text, file names, contents; no Bcc, no long line, no bare CR or LF;
  * what Python composes, we read: tree, contents, texts, names, header fields;
  * what we convert to 7bit, Python reads with the same contents.
"""
import email, email.headerregistry, email.message, email.policy, email.utils, json, os, random, subprocess, sys

build = sys.argv[1] if len(sys.argv) > 1 else "build/release"
cases = int(sys.argv[2]) if len(sys.argv) > 2 else 150
seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
rnd = random.Random(seed)
program = os.path.join(build, "mime_oracle")
failures = 0


def fail(what, *details):
    global failures
    failures += 1
    print("FAILED", what)
    for d in details:
        print("   ", repr(d)[:600])


def run(mode, data):
    r = subprocess.run([program, mode], input=data, capture_output=True, timeout=60)
    if r.returncode != 0:
        fail(mode, r.stderr[:2000], data[:400])
    return r.stdout


def words(n):
    pool = ["mail", "penny", "a", "Grüße", "日本語", "naïve", "x" * 30, "https://example.org/path?q=1", "-", "=?", "\U0001f427", "end.", "(c)", '"q"']
    return " ".join(rnd.choice(pool) for _ in range(rnd.randint(1, n)))


def text():
    lines = []
    for _ in range(rnd.randint(0, 12)):
        lines.append(rnd.choice(["", words(30), words(3), " indented", "From here", "> " + words(4), "y" * rnd.choice([10, 200, 1200]), "."]))
    return "\n".join(lines) + "\n"


def name():
    return rnd.choice(["Alice", "Bob Q. Public", "Jörg Müller", "山田 太郎", 'Quote "Me"', "Doe, John", "x" * 70, "Ünïcödé " * 8]).strip()


def address():
    return rnd.choice(["alice@example.org", "bob.x+tag@sub.example.com", "o'neil@example.net", "a@b.example"])


def file_name():
    return rnd.choice(["plain.txt", "with space.pdf", "Übersicht (1).png", "日本語のとても長い名前のファイルです、本当に長い名前.bin", "a" * 90 + ".dat", "semi;colon.txt", "per%cent.txt"])


def contents():
    kind = rnd.randint(0, 3)
    if kind == 0:
        return bytes(rnd.randrange(256) for _ in range(rnd.choice([0, 1, 56, 57, 58, 3000])))
    if kind == 1:
        return b"\x89PNG\r\n\x1a\n" + bytes(200)
    return text().encode()


def squeeze(addresses):
    """Python before 3.13 puts a blank between the encoded words of a long display name (RFC 2047 6.2 says none): blanks are not compared there."""
    return [(n if n.isascii() else n.replace(" ", ""), a) for n, a in addresses]


def leaves(m):
    if m.is_multipart():
        out = []
        for p in m.get_payload():
            out += leaves(p)
        return out
    return [m]


def sound(data, what, ascii_only):
    for line in data.split(b"\r\n"):
        if len(line) > 998 or b"\r" in line or b"\n" in line or b"\0" in line:
            fail(what + ": line", line[:100], len(line))
    if ascii_only and any(c > 127 for c in data):
        fail(what + ": 8-bit octets")


def unflow(s):
    """RFC 3676 undone the plain way."""
    out, pending = [], None
    for line in s.split("\n"):
        if line.startswith(" "):
            line = line[1:]
        if pending is not None:
            line = pending + line
            pending = None
        if line.endswith(" ") and line != "-- ":
            pending = line
        else:
            out.append(line)
    if pending is not None:
        out.append(pending)
    return "\n".join(out)


def we_compose():
    spec = {
        "from": [[name(), address()]], "to": [[name(), address()] for _ in range(rnd.randint(1, 4))], "cc": [[name(), address()] for _ in range(rnd.randint(0, 2))],
        "bcc": [["", "secret@example.org"]], "subject": words(14), "date": rnd.randint(0, 4000000000), "text": text() if rnd.random() < .9 else "",
        "html": "<p>" + words(9) if rnd.random() < .3 else "", "eight_bit": rnd.random() < .5,
        "attachments": [{"name": file_name(), "content": contents().hex()} for _ in range(rnd.randint(0, 3))],
    }
    data = run("compose", json.dumps(spec).encode())
    sound(data, "compose", not spec["eight_bit"])
    if b"secret" in data:
        fail("Bcc was written")
    m = email.message_from_bytes(data, policy=email.policy.default)
    if m.defects or any(p.defects for p in m.walk()):
        fail("defects", m.defects, [p.defects for p in m.walk()], data[:3000])
    if m["subject"] != " ".join(spec["subject"].split()) and m["subject"] != spec["subject"]:
        fail("subject", m["subject"], spec["subject"])
    for field in ("from", "to", "cc"):
        got = [[a.display_name, a.addr_spec] for a in m[field].addresses] if m[field] else []
        if squeeze(got) != squeeze(spec[field]):
            fail(field, got, spec[field], data[:800])
    if m["date"].datetime.timestamp() != spec["date"]:
        fail("date", m["date"], spec["date"])
    parts = leaves(m)
    body = 0
    if spec["text"] or not (spec["html"] or spec["attachments"]):
        got = parts[0].get_payload(decode=True).decode(parts[0].get_content_charset()).replace("\r\n", "\n")
        want = "\n".join(line.rstrip(" \t") for line in spec["text"].split("\n")) if spec["text"] else got
        quoted = any(line.startswith(">") for line in spec["text"].split("\n"))
        if not quoted and unflow(got) != want:
            fail("text", unflow(got), want)
        body += 1
    body += 1 if spec["html"] else 0
    files = parts[body:]
    if len(files) != len(spec["attachments"]):
        fail("count of attachments", len(files), len(spec["attachments"]))
    for p, f in zip(files, spec["attachments"]):
        if p.get_payload(decode=True) != bytes.fromhex(f["content"]):
            fail("content", p.get_payload(decode=True)[:80], bytes.fromhex(f["content"])[:80])
        if p.get_filename() != f["name"]:
            fail("file name", p.get_filename(), f["name"], str(p)[:500])
    return data


def python_composes():
    m = email.message.EmailMessage(policy=email.policy.SMTP)
    to = [(name(), address()) for _ in range(rnd.randint(1, 3))]
    m["Subject"] = words(12)
    m["To"] = [email.headerregistry.Address(n, addr_spec=a) for n, a in to]
    when = rnd.randint(0, 4000000000)
    m["Date"] = email.utils.formatdate(when)
    body = text()
    m.set_content(body, cte=rnd.choice(["quoted-printable", "base64", "8bit"]) if max(len(l.encode()) for l in body.split("\n")) < 900 else "quoted-printable")
    if rnd.random() < .4:
        m.add_alternative("<p>" + words(5), subtype="html")
    if rnd.random() < .2:
        inner = email.message.EmailMessage(policy=email.policy.SMTP)
        inner["Subject"] = words(3)
        inner.set_content("inner\n")
        m.add_attachment(inner)
    for _ in range(rnd.randint(0, 3)):
        m.add_attachment(contents(), maintype="application", subtype="octet-stream", filename=file_name())
    return m, when


def we_read(m, when):
    data = m.as_bytes(policy=email.policy.SMTP)
    again = email.message_from_bytes(data, policy=email.policy.default)
    h = json.loads(run("header", data))
    if h["subject"] != again["subject"].strip():  # it may write a long first word behind a fold
        fail("read subject", h["subject"], again["subject"])
    if squeeze(h["to"]) != squeeze((a.display_name, a.addr_spec) for a in again["to"].addresses):
        fail("read to", h["to"], [(a.display_name, a.addr_spec) for a in again["to"].addresses], data[:600])
    if h["date"] != when:
        fail("read date", h["date"], when)
    ours = [json.loads(line) for line in run("parse", data).decode().splitlines()]
    theirs = list(again.walk())
    if [p["type"] for p in ours] != [p.get_content_type() for p in theirs]:
        fail("tree", [p["type"] for p in ours], [p.get_content_type() for p in theirs])
        return data
    for p, q in zip(ours, theirs):
        if q.is_multipart():
            continue
        if bytes.fromhex(p["content"]) != q.get_payload(decode=True):
            fail("read content", bytes.fromhex(p["content"])[:80], q.get_payload(decode=True)[:80])
        if q.get_filename() and p["name"] != q.get_filename():
            fail("read file name", p["name"], q.get_filename())
        if q.get_content_maintype() == "text" and p["text"] != q.get_content().replace("\r\n", "\n"):
            fail("read text", p["text"], q.get_content())
    return data


def converted(data):
    out = run("convert", data)
    sound(out, "convert", False)
    before, after = leaves(email.message_from_bytes(data)), leaves(email.message_from_bytes(out))
    if [p.get_payload(decode=True) for p in before] != [p.get_payload(decode=True) for p in after]:
        fail("converted content", data[:300])
    for p in after:
        if any(c > 127 for c in p.get_payload().encode("ascii", "surrogateescape")):
            fail("converted but not 7bit")


def main():
    libs = "-lsodium -lidn2 -lunistring -lpthread".split()
    flags = ["-fsanitize=address,undefined"] if build.rstrip("/").endswith("asan") else []
    subprocess.run(["cc", "-std=c17", "-D_GNU_SOURCE", "-g", "-Isrc", *flags, "-o", program, "tests/oracle/mime_oracle.c",
                    build + "/lib/message.a", build + "/lib/base.a", *libs], check=True)
    for _ in range(cases):
        converted(we_compose())
        m, when = python_composes()
        converted(we_read(m, when))
        if failures > 20:
            break
    print(f"mime_oracle: {cases} cases each way, {failures} failures, seed {seed}")
    sys.exit(failures != 0)


main()

#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""verify_dkim.py PROGRAM [MESSAGE-FILE…]: signs messages with PROGRAM (tests/oracle/dkim_sign.c) and has python3-dkim verify every signature, and refuse each of them after a change.
Without files: messages made here, by seed, that try what canonicalisation can get wrong."""
import os
import random
import subprocess
import sys
import tempfile

import dkim as oracle

NAMES = ["From", "To", "Cc", "Subject", "Date", "Reply-To", "Sender", "Message-ID", "MIME-Version", "Content-Type", "List-Id", "List-Unsubscribe", "Received", "X-Other",
         "References", "Resent-From", "Auto-Submitted"]


def text(r, n):
    return "".join(r.choice("abc XYZ\t  .;:=\"<>@é") for _ in range(r.randrange(n)))


def field(r, name):
    value = text(r, 60)
    out = name + r.choice([":", ": ", ":\t"]) + value.strip()
    for _ in range(r.randrange(3)):
        out += r.choice(["\r\n ", "\r\n\t", "\r\n   ", " \r\n "]) + (text(r, 30).strip() or "x")
    return out + r.choice(["", "", " ", "\t "]) + "\r\n"


def message(seed):
    r = random.Random(seed)
    # No blanks before a colon: python3-dkim takes that for no field.
    out = "From: a@example.org\r\n" if r.random() < 0.9 else "from:  a@example.org \r\n"
    names = [r.choice(NAMES[1:]) for _ in range(r.randrange(12))]
    for name in names:
        out += field(r, r.choice([name, name.lower(), name.upper()]))
    out += "\r\n"
    for _ in range(r.randrange(12)):
        out += r.choice([text(r, 80), "", "", "  ", "\t", ".", "..x"]) + "\r\n"
    return out.encode()


def main():
    program, files = sys.argv[1], sys.argv[2:]
    bad = done = refused = 0
    with tempfile.TemporaryDirectory() as d:
        if not files:
            for seed in range(400):
                path = os.path.join(d, f"m{seed:04}")
                with open(path, "wb") as f:
                    f.write(message(seed))
                files.append(path)
        for at in range(0, len(files), 200):
            subprocess.run([program, d] + files[at:at + 200], check=True, timeout=120)
            with open(os.path.join(d, "records")) as f:
                records = dict(line.rstrip("\n").split("\t") for line in f)

            def txt(name, timeout=5):
                return records[name.decode().rstrip(".")].encode()

            for path in files[at:at + 200]:
                signed = os.path.join(d, os.path.basename(path) + ".signed")
                if not os.path.exists(signed):
                    continue
                with open(signed, "rb") as f:
                    whole = f.read()
                for index in (0, 1):
                    done += 1
                    try:
                        ok = oracle.DKIM(whole, minkey=1024).verify(idx=index, dnsfunc=txt)
                    except Exception as e:
                        ok = False
                        print(f"{path}: signature {index}: {e}")
                    if not ok:
                        bad += 1
                        print(f"{path}: signature {index} is not accepted")
                    head, _, rest = whole.partition(b"\r\n\r\n")
                    for changed in (head + b"\r\nSubject: added\r\n\r\n" + rest, head + b"\r\n\r\nadded\r\n" + rest):
                        try:
                            ok = oracle.DKIM(changed, minkey=1024).verify(idx=index, dnsfunc=txt)
                        except Exception:
                            ok = False
                        refused += 1
                        if ok:
                            bad += 1
                            print(f"{path}: signature {index} is accepted after a change")
                os.remove(signed)
    print(f"{done} signatures verified by python3-dkim, {refused} changed messages refused, {bad} failures")
    return 1 if bad or not done else 0


sys.exit(main())

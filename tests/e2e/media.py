# SPDX-License-Identifier: ISC
"""A picture, a sound and a video, made on the spot: real files that a viewer opens."""
import math, os, struct, zlib


def picture():
    """A PNG of 320 × 240: noise over a gradient, so that it does not shrink to nothing."""
    rows = b''.join(b'\0' + b''.join(bytes(((x * 255 // 320), (y * 255 // 240), v)) for x, v in enumerate(os.urandom(320))) for y in range(240))
    chunk = lambda kind, data: struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 320, 240, 8, 2, 0, 0, 0)) + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b'')


def sound():
    """A WAV of three seconds: a falling fifth, 8 kHz, 16 bit."""
    n = 24000
    data = b''.join(struct.pack('<h', int(9000 * math.sin(2 * math.pi * (440 if i < n / 2 else 293.66) * i / 8000))) for i in range(n))
    return b'RIFF' + struct.pack('<I', 36 + len(data)) + b'WAVEfmt ' + struct.pack('<IHHIIHH', 16, 1, 1, 8000, 16000, 2, 16) + b'data' + struct.pack('<I', len(data)) + data


def video():
    """An AVI of 12 uncompressed frames, 64 × 48: a bar that walks across."""
    w, h, frames = 64, 48, 12
    chunk = lambda kind, data: kind + struct.pack('<I', len(data)) + data + (b'\0' if len(data) % 2 else b'')
    hdr = chunk(b'avih', struct.pack('<14I', 1000000 // 6, w * h * 3 * 6, 0, 0x10, frames, 0, 1, w * h * 3, w, h, 0, 0, 0, 0))
    strh = chunk(b'strh', b'vidsDIB ' + struct.pack('<IHHIIIIIIiI4h', 0, 0, 0, 0, 1, 6, 0, frames, w * h * 3, -1, 0, 0, 0, w, h))
    strf = chunk(b'strf', struct.pack('<IiiHHIIiiII', 40, w, h, 1, 24, 0, w * h * 3, 0, 0, 0, 0))
    movi = b''.join(chunk(b'00db', b''.join((b'\x30\xa0\xf0' if abs(x - f * w // frames) < 5 else b'\x20\x20\x20') for _ in range(h) for x in range(w))) for f in range(frames))
    lst = lambda kind, data: chunk(b'LIST', kind + data)
    body = b'AVI ' + lst(b'hdrl', hdr + lst(b'strl', strh + strf)) + lst(b'movi', movi)
    return b'RIFF' + struct.pack('<I', len(body)) + body

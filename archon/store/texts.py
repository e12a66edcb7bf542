"""Texts that every database can hold, checksums, and packed traces.

PostgreSQL has no U+0000 in text and no database encodes a lone surrogate, yet models do send both.
Such texts are stored readably escaped, with the original beside them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Mapping, Sequence

_ENCODER = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def escape(text: str) -> str:
    """The text with U+0000 and surrogates written out by their code; most are unchanged."""
    return _UNSTORABLE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def escape_all(texts: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """Escape named texts.

    Returns:
        The storable texts, and the originals of those that changed as one ASCII text ("" if none).
    """
    stored = {name: escape(text) for name, text in texts.items()}
    originals = {
        name: base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()
        for name, text in texts.items()
        if stored[name] != text
    }
    return stored, json.dumps(originals) if originals else ""


def original(name: str, stored: str, raw: str) -> str:
    """The text that was escaped under this name."""
    packed = json.loads(raw).get(name) if raw else None
    return stored if packed is None else base64.b64decode(packed).decode("utf-8", "surrogatepass")


def checksum(fields: Sequence[str | int | float]) -> str:
    """SHA-256 over plain fields, with no doubt where one ends and the next begins."""
    text = _ENCODER.encode(fields)
    return hashlib.sha256(text.encode()).hexdigest()


def pack(events: Sequence[Mapping[str, object]]) -> bytes:
    """A trace as compressed JSON."""
    text = json.dumps(list(events), ensure_ascii=True, separators=(",", ":"))
    return zlib.compress(text.encode(), level=1)


def unpack(packed: bytes) -> tuple[dict[str, object], ...]:
    """The inverse of ``pack``."""
    return tuple(json.loads(zlib.decompress(packed)))

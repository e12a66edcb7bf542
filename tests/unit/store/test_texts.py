from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from archon.store.texts import checksum, escape, escape_all, original, pack, unpack

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))
"""Every code point, U+0000 and lone surrogates included."""


@given(ANY_TEXT)
def test_any_text_comes_back_from_its_storable_form(text: str) -> None:
    stored, raw = escape_all({"text": text, "other": "plain"})
    assert "\x00" not in stored["text"]
    stored["text"].encode()
    assert raw.isascii()
    assert original("text", stored["text"], raw) == text
    assert original("other", stored["other"], raw) == "plain"


def test_usual_texts_are_stored_as_they_are() -> None:
    assert escape_all({"text": "a\\u0000 é \U0001f600\n"}) == (
        {"text": "a\\u0000 é \U0001f600\n"},
        "",
    )


def test_escapes_are_readable() -> None:
    assert escape("a\x00b\ud800c") == "a\\u0000b\\ud800c"


def test_checksum_sees_where_fields_end() -> None:
    sums = {checksum(fields) for fields in (["ab", "c"], ["a", "bc"], ["abc"], ["ab", "c", 0])}
    assert len(sums) == 4


def test_checksum_stays_the_same_over_versions() -> None:
    assert checksum(["a", 1, 0.30000000000000004, True, "é"]) == (
        "a12ff300b3d42316875c7d1f2733a4e862cd4616ba312780f5130b74cc4b985f"
    )


def test_trace_comes_back_from_its_packed_form() -> None:
    events: tuple[dict[str, object], ...] = (
        {"event": "call", "text": "a\x00\ud800é", "after": [["d", 1]], "share": 0.1},
        {"event": "layer"},
    )
    assert unpack(pack(events)) == events
    assert unpack(pack(())) == ()

from __future__ import annotations

from archon.world.draws import Draws
from archon.world.tags import Mark, Tags

OURS, OTHERS = Tags(b"ours"), Tags(b"others")


def test_tag_is_read_back_where_it_stands() -> None:
    first, second = Mark(7, 0), Mark(4_000_000_000, 65_535)
    text = f"a {OURS.write(first)} b {OURS.write(second)}"
    assert list(OURS.read(text)) == [(2, first), (text.index("[", 3), second)]


def test_tag_tells_nothing_to_who_has_not_the_key() -> None:
    tag = OURS.write(Mark(7, 0))
    assert list(OTHERS.read(tag)) == []
    letters = {OURS.write(Mark(7, answer))[5:-1] for answer in range(50)}
    letters |= {OURS.write(Mark(7, 0), "model", slot)[5:-1] for slot in range(50)}
    shared = [sum(a == b for a, b in zip(tag[5:-1], other, strict=True)) for other in letters]
    assert sorted(shared)[-2] < 10, "tags of near and of equal answers do not look alike"


def test_equal_answers_of_two_samples_have_tags_of_their_own() -> None:
    one, other = (OURS.write(Mark(7, 0), "model", slot) for slot in range(2))
    assert one != other
    assert [mark for _, mark in OURS.read(one + other)] == [Mark(7, 0)] * 2


def test_forged_tag_is_no_tag() -> None:
    tag = OURS.write(Mark(7, 0))
    forged = tag[:10] + ("A" if tag[10] != "A" else "B") + tag[11:]
    assert list(OURS.read(forged)) == []


def test_draws_depend_on_their_names_alone() -> None:
    one, other = Draws(1), Draws(2)
    assert one.uniform("a", 3) == Draws(1).uniform("a", 3)
    assert one.uniform("a", 3) != other.uniform("a", 3)
    assert one.uniform("a", 31) != one.uniform("a", 3, 1)


def test_draws_follow_their_distributions() -> None:
    draws, n = Draws(0), 4_000
    normals = [draws.normal("n", i) for i in range(n)]
    mean = sum(normals) / n
    variance = sum(x * x for x in normals) / n - mean**2
    assert abs(mean) < 4.5 / n**0.5
    assert abs(variance - 1.0) < 4.5 * (2 / n) ** 0.5
    places = [draws.place([0.0, 1.0, 3.0], "p", i) for i in range(n)]
    assert places.count(0) == 0
    assert abs(places.count(2) / n - 0.75) < 4.5 * (0.75 * 0.25 / n) ** 0.5
    gumbels = [draws.gumbel("g", i) for i in range(n)]
    assert abs(sum(gumbels) / n - 0.5772) < 4.5 * 1.2825 / n**0.5

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import pytest

from archon.components.base import Bounds, Component, Declaration, Interval, RunContext, Sizes, knob
from archon.components.generate import Generate
from archon.core.candidates import LayerState
from archon.core.errors import Problem, SpecError
from archon.search.space import (
    Chain,
    ComponentNode,
    EnsembleNode,
    Fixed,
    LayerNode,
    OneOf,
    Options,
    Range,
    Repeat,
    Space,
)
from archon.spec.dimensions import ComponentReader
from archon.spec.findings import Findings
from archon.spec.job import JobSpec
from archon.spec.space import models_of
from archon.spec.yaml_source import parse_document

Read = Callable[..., JobSpec]
Refusal = Callable[..., tuple[Problem, ...]]

L0 = "- generate: {model: small, samples: {from: 1, to: 8}}"
L1 = "- one_of: [nothing, {generate: {model: big}}]"
P0, P1 = "space.layers[0]", "space.layers[1]"
GEN = "- generate: {model: small, "

BAD: list[tuple[str, str, str, int, str, str]] = [
    ("no layers", f"  layers:\n    {L0}\n    {L1}", "  layers: []", 13, "space.layers",
     "got an empty list"),
    ("layers missing", "  layers:", "  layer:", 13, "space.layer", "Did you mean 'layers'?"),
    ("unknown component", L0, "- genrate: {model: small}", 14, f"{P0}.genrate",
     "Did you mean 'generate'?"),
    ("unknown form", L1, "- oneof: [nothing]", 15, f"{P1}.oneof", "Did you mean 'one_of'?"),
    ("unknown bare word", L1, "- genrate", 15, P1, "Did you mean 'generate'?"),
    ("nothing as a layer", L1, "- nothing", 15, P1, "Only one_of can offer nothing"),
    ("two kinds in one layer", L1, "- {generate: {model: small}, one_of: []}", 15, P1, "2 keys"),
    ("no model", L0, "- generate: {samples: 2}", 14, f"{P0}.generate", "needs a model"),
    ("parameters as a list", L0, "- generate: [small]", 14, f"{P0}.generate",
     "expected parameters, got a list"),
    ("unknown parameter", L0, GEN + "sample: 2}", 14, f"{P0}.generate.sample", "mean 'samples'?"),
    ("no samples", L0, GEN + "samples: 0}", 14, f"{P0}.generate.samples", "outside 1 to 1000"),
    ("quoted samples", L0, GEN + 'samples: "2"}', 14, f"{P0}.generate.samples",
     "expected a whole number"),
    ("true samples", L0, GEN + "samples: true}", 14, f"{P0}.generate.samples",
     "expected a whole number"),
    ("cold", L0, GEN + "temperature: -1}", 14, f"{P0}.generate.temperature", "outside 0.0 to 2.0"),
    ("too hot", L0, GEN + "temperature: 3}", 14, f"{P0}.generate.temperature", "outside"),
    ("hot", L0, GEN + "temperature: hot}", 14, f"{P0}.generate.temperature",
     "expected a number, got the text 'hot'."),
    ("one bad option", L0, GEN + "temperature: [0.5, 3.0]}", 14, f"{P0}.generate.temperature[1]",
     "3.0 is outside"),
    ("no tokens", L0, GEN + "max_tokens: 0}", 14, f"{P0}.generate.max_tokens", "outside 1 to"),
    ("unknown prompt", L0, GEN + "prompt: direkt}", 14, f"{P0}.generate.prompt",
     "not one of direct, step_by_step"),
    ("choice of one", L0, GEN + "temperature: [0.5]}", 14, f"{P0}.generate.temperature",
     "is no choice"),
    ("choice of none", L0, GEN + "temperature: []}", 14, f"{P0}.generate.temperature",
     "is no choice"),
    ("one_of one", L0, GEN + "temperature: {one_of: [0.5]}}", 14,
     f"{P0}.generate.temperature.one_of", "is no choice"),
    ("equal options", L0, GEN + "temperature: [0.5, 0.50]}", 14,
     f"{P0}.generate.temperature[1]", "stands here twice"),
    ("equal numbers", L0, GEN + "temperature: [1, 1.0]}", 14, f"{P0}.generate.temperature[1]",
     "stands here twice"),
    ("backward range", L0, GEN + "samples: {from: 8, to: 1}}", 14, f"{P0}.generate.samples",
     "from 8 is more than to 1"),
    ("range of one", L0, GEN + "samples: {from: 3, to: 3}}", 14, f"{P0}.generate.samples",
     "only 3 is in it"),
    ("half a range", L0, GEN + "samples: {from: 3}}", 14, f"{P0}.generate.samples.to",
     "'to' is missing"),
    ("range of fractions", L0, GEN + "samples: {from: 1, to: 2.5}}", 14,
     f"{P0}.generate.samples.to", "expected a whole number"),
    ("range outside", L0, GEN + "samples: {from: 0, to: 8}}", 14, f"{P0}.generate.samples.from",
     "0 is outside 1 to 1000"),
    ("step 0", L0, GEN + "samples: {from: 1, to: 8, step: 0}}", 14,
     f"{P0}.generate.samples.step", "expected a whole number from 1"),
    ("step too far", L0, GEN + "samples: {from: 1, to: 8, step: 2}}", 14,
     f"{P0}.generate.samples.step", "do not reach 8"),
    ("log from 0", L0, GEN + "temperature: {from: 0, to: 1, log: true}}", 14,
     f"{P0}.generate.temperature.log", "Start above 0"),
    ("log with steps", L0, GEN + "samples: {from: 1, to: 9, step: 2, log: true}}", 14,
     f"{P0}.generate.samples.step", "a log range has no step"),
    ("log as text", L0, GEN + "samples: {from: 1, to: 9, log: 'yes'}}", 14,
     f"{P0}.generate.samples.log", "expected true or false"),
    ("steps of a fraction", L0, GEN + "temperature: {from: 0, to: 1, step: 1}}", 14,
     f"{P0}.generate.temperature.step", "is no whole number"),
    ("unknown range key", L0, GEN + "samples: {from: 1, too: 8}}", 14,
     f"{P0}.generate.samples.too", "Did you mean 'to'?"),
    ("range of texts", L0, GEN + "prompt: {from: 1, to: 2}}", 14, f"{P0}.generate.prompt",
     "has no range"),
    ("mapping as a number", L0, GEN + "samples: {low: 1, high: 2}}", 14, f"{P0}.generate.samples",
     "{from: 1, to: 8}"),
    ("model and models", L0, "- generate: {model: small, models: [small, big]}", 14,
     f"{P0}.generate", "has both"),
    ("models as text", L0, "- generate: {models: small}", 14, f"{P0}.generate.models",
     "Write models: [a, b]"),
    ("ensemble of unknown", L0, "- generate: {models: {any_of: [small, huge]}}", 14,
     f"{P0}.generate.models.any_of[1]", "no model 'huge'"),
    ("ensemble too large", L0, "- generate: {models: {any_of: [small, big], at_most: 3}}", 14,
     f"{P0}.generate.models", "do not fit 2 models"),
    ("ensemble of none", L0, "- generate: {models: {any_of: [small, big], at_least: 0}}", 14,
     f"{P0}.generate.models", "do not fit 2 models"),
    ("ensemble as text", L0, "- generate: {models: {any_of: [small, big], at_most: two}}", 14,
     f"{P0}.generate.models.at_most", "expected a whole number"),
    ("no alternatives", L1, "- one_of: [nothing]", 15, f"{P1}.one_of", "Write two or more"),
    ("equal alternatives", L1, "- one_of: [nothing, nothing]", 15, f"{P1}.one_of[1]",
     "stands here twice"),
    ("empty alternative", L1, "- one_of: [nothing, []]", 15, f"{P1}.one_of[1]", "Write nothing"),
    ("side by side alone", L1, "- side_by_side: [{generate: {model: big}}]", 15,
     f"{P1}.side_by_side", "two components or more, got 1"),
    ("choice inside a layer", L1, "- side_by_side: [{one_of: [a, b]}, {generate: {model: big}}]",
     15, f"{P1}.side_by_side[0].one_of", "does not stand inside a layer"),
    ("repeat without layers", L1, "- repeat: {times: 2}", 15, f"{P1}.repeat.layers",
     "expected a list of layers"),
    ("repeat as a number", L1, "- repeat: 3", 15, f"{P1}.repeat", "expected times and layers"),
    ("repeat never", L1, "- repeat: {times: 0, layers: [{generate: {model: big}}]}", 15,
     f"{P1}.repeat.times", "out of range"),
    ("repeat backward", L1,
     "- repeat: {times: {from: 2, to: 1}, layers: [{generate: {model: big}}]}", 15,
     f"{P1}.repeat.times", "2 to 1 times is out of range"),
    ("repeat often", L1, "- repeat: {times: 99, layers: [{generate: {model: big}}]}", 15,
     f"{P1}.repeat.times", "<= 16"),
    ("repeat truly", L1, "- repeat: {times: true, layers: [{generate: {model: big}}]}", 15,
     f"{P1}.repeat.times", "expected how often"),
    ("too many layers", L1, "- repeat: {times: 16, layers: [{generate: {model: big}}, "
     "{generate: {model: small}}]}", 13, "space.layers", "up to 33 layers; at most 32"),
    ("too many structures", L1, "- repeat: {times: 16, layers: [{one_of: [nothing, "
     "{generate: {model: big}}]}]}", 13, "space.layers", "65,536 structures; 20,000"),
    ("no calls", "  layers:", "  max_calls: 0\n  layers:", 13, "space.max_calls", "1 to 1000"),
    ("too many calls", "  layers:", "  max_calls: 5000\n  layers:", 13, "space.max_calls",
     "5000 is out of range"),
    ("calls as text", "  layers:", "  max_calls: '5'\n  layers:", 13, "space.max_calls",
     "expected a whole number"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "line", "path", "said"), [row[1:] for row in BAD], ids=[row[0] for row in BAD]
)
def test_a_bad_space_is_refused_with_line_path_and_what_to_do(
    refusal: Refusal, old: str, new: str, line: int, path: str, said: str
) -> None:
    found = refusal((old, new))
    assert any(p.line == line and p.path == path and said in str(p) for p in found), found


def generate(*models: str, **params: Fixed | Options | Range) -> ComponentNode:
    return ComponentNode("generate", models, tuple(sorted(params.items())))


def test_a_space_says_what_is_open_and_what_is_fixed(job: Read) -> None:
    layer = (
        "- generate: {model: [small, big], samples: {from: 2, to: 8, step: 2}, "
        "temperature: [0, 1], top_p: {from: 0.1, to: 1, log: true}, prompt: direct}"
    )
    assert job((L0, layer)).space == Space(
        Chain(
            (
                LayerNode(
                    (
                        generate(
                            "small",
                            "big",
                            samples=Range(2, 8, True, step=2),
                            temperature=Options((0.0, 1.0)),
                            top_p=Range(0.1, 1.0, False, log=True),
                            prompt=Fixed("direct"),
                        ),
                    )
                ),
                OneOf((("nothing", Chain()), ("generate", LayerNode((generate("big"),))))),
            )
        ),
        max_calls=1000,
    )


def test_alternatives_repetitions_and_ensembles_nest(job: Read) -> None:
    alternatives = (
        "- repeat: {times: {from: 1, to: 2}, layers: [{one_of: [{generate: {model: big}}, "
        "{generate: {model: small}}, [{generate: {models: [small, big]}}, "
        "{side_by_side: [{generate: {model: small}}, "
        "{generate: {models: {any_of: [small, big, near], at_most: 2}}}]}]]}]}"
    )
    space = job((L1, alternatives), ("  layers:", "  max_calls: 40\n  layers:")).space
    pair = EnsembleNode(generate("small", "big"), 2, 2)
    some = EnsembleNode(generate("small", "big", "near"), 1, 2)
    small = generate("small")
    one_of = OneOf(
        (
            ("generate", LayerNode((generate("big"),))),
            ("generate#2", LayerNode((small,))),
            ("generate+side_by_side", Chain((LayerNode((pair,)), LayerNode((small, some))))),
        )
    )
    assert space.root.nodes[1] == Repeat(Chain((one_of,)), 1, 2)
    assert space.max_calls == 40
    assert models_of(space) == {"small", "big", "near"}


@dataclass(frozen=True, slots=True)
class Words:
    """A component without a model whose parameters are of all kinds."""

    contains: tuple[str, ...] = knob((), "words")
    schema: str = knob("", "a JSON schema")
    strict: bool = knob(False, "whether")
    share: float | None = knob(None, "how much", low=0.0, high=1.0)

    kind: ClassVar[str] = "words"
    declares: ClassVar[Declaration] = Declaration(
        reads=frozenset({"candidates"}), writes=frozenset(), effect="select", needs_model=False
    )

    @property
    def model(self) -> str:
        return ""

    def bounds(self, arriving: Sizes) -> Bounds:
        return Bounds(Interval(0, 0), 0, arriving)

    async def run(self, state: LayerState, context: RunContext) -> LayerState:
        return state


TABLE: dict[str, type[Component]] = {"words": Words, "generate": Generate}


def read_words(params: str) -> ComponentNode | EnsembleNode | None:
    document = parse_document(f"words: {params}".encode(), "f")
    findings = Findings(document)
    node = ComponentReader(("small",), TABLE, findings).read(
        "words", document.data["words"], "words"
    )
    findings.raise_if_any()
    return node


@pytest.mark.parametrize(
    ("params", "name", "dimension"),
    [
        ("{contains: [a, b]}", "contains", Fixed(("a", "b"))),
        ("{contains: {one_of: [[a], [b, c]]}}", "contains", Options((("a",), ("b", "c")))),
        ("{schema: {type: object, b: [1]}}", "schema", Fixed('{"b":[1],"type":"object"}')),
        ("{strict: [true, false]}", "strict", Options((True, False))),
        ("{share: 1}", "share", Fixed(1.0)),
        ("{share: null}", "share", Fixed(None)),
        ("{share: [null, 0.5]}", "share", Options((None, 0.5))),
    ],
)
def test_each_kind_of_parameter_is_read_by_its_own_type(
    params: str, name: str, dimension: Fixed | Options
) -> None:
    assert read_words(params) == ComponentNode("words", (), ((name, dimension),))


@pytest.mark.parametrize(
    ("params", "path", "said"),
    [
        ("{contains: a}", "words.contains", "Write [one, two]"),
        ("{contains: [1, 2]}", "words.contains", "expected a list of texts"),
        ("{contains: {one_of: [[a], a]}}", "words.contains.one_of[1]", "expected a list"),
        ("{contains: {one_of: [[a], [a]]}}", "words.contains.one_of[1]", "stands here twice"),
        ("{strict: 1}", "words.strict", "expected true or false"),
        ("{share: 1.5}", "words.share", "outside"),
        ("{model: small}", "words.model", "asks no model"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(params: str, path: str, said: str) -> None:
    with pytest.raises(SpecError) as refused:
        read_words(params)
    assert [p.path for p in refused.value.problems] == [path]
    assert said in str(refused.value)

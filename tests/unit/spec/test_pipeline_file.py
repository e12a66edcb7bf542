from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archon.core.architecture import Architecture, ComponentSpec
from archon.core.calls import Price
from archon.core.errors import ArchonError, Problem, SpecError
from archon.prompts import load
from archon.spec.model_spec import ModelLimits, ModelSpec
from archon.spec.pipeline_file import (
    PipelineFile,
    load_pipeline_file,
    prompt_digests,
    read_pipeline,
)
from archon.spec.provenance import Metric, Provenance
from archon.spec.yaml_source import parse_document

SMALL = ModelSpec("small", "engine", "smollm2-135m-instruct", price=Price())
BIG = ModelSpec("big", "litellm", "openai/gpt-5", key_env="OPENAI_API_KEY", price=Price(1.25, 10.0))
NEAR = ModelSpec(
    "near",
    "url",
    "llama",
    url="http://127.0.0.1:8000/v1",
    has_many_samples=True,
    sends_slots=True,
    limits=ModelLimits(8, 30.0, 4096),
)
LAYERS = Architecture(
    (
        (ComponentSpec.of("generate", "small", samples=4, temperature=0.7),),
        (
            ComponentSpec.of("generate", "big", prompt="plan_first"),
            ComponentSpec.of("generate", "near", samples=2),
        ),
    )
)
FOUND = Provenance(
    study="0f3a",
    trial=7,
    benchmark="9c1e55aa",
    n_questions=60,
    coverage=0.95,
    metrics=(Metric("quality", 0.85, 0.75, 0.93), Metric("cost_usd", 1e-05, 9e-06, 1.1e-05)),
    code_version="0.1.0",
)
WHOLE = PipelineFile(LAYERS, (BIG, NEAR, SMALL), "best", prompt_digests(LAYERS), FOUND)

BY_HAND = """\
# by hand
models:
  small: {engine: smollm2-135m-instruct}
  big: {litellm: openai/gpt-5}
layers:
  - generate: {model: small, samples: 4}
  - generate: {models: [small, big]}
"""


def read(text: str) -> PipelineFile:
    return read_pipeline(parse_document(text.encode(), "best.yaml"))


def refusal(text: str) -> tuple[Problem, ...]:
    with pytest.raises(SpecError) as refused:
        read(text)
    return refused.value.problems


def test_an_exported_pipeline_is_read_back_the_same(tmp_path: Path) -> None:
    WHOLE.save(tmp_path / "best.yaml")
    assert load_pipeline_file(tmp_path / "best.yaml") == WHOLE
    assert [path.name for path in tmp_path.iterdir()] == ["best.yaml"]


def test_digests_of_the_questions_of_the_search_are_read_back_or_refused(tmp_path: Path) -> None:
    searched = replace(WHOLE, provenance=replace(FOUND, searched_on="AAEC/+7d"))
    searched.save(tmp_path / "best.yaml")
    assert load_pipeline_file(tmp_path / "best.yaml") == searched
    cut = searched.to_yaml().replace("/+7d", "/+7")
    assert any(p.path == "provenance.searched_on" for p in refusal(cut))


def test_an_export_says_what_it_is_and_holds_no_key() -> None:
    text = WHOLE.to_yaml()
    lines = text.splitlines()
    assert lines[0] == "version: 1"
    assert lines[2] == f"pipeline_id: {LAYERS.pipeline_id()}"
    assert "key_env: OPENAI_API_KEY" in text
    assert "- generate: {model: small, samples: 4, temperature: 0.7}" in text


def test_an_export_is_stable_to_the_byte() -> None:
    assert read(WHOLE.to_yaml()).to_yaml() == WHOLE.to_yaml()


def test_comments_and_layout_may_change_in_an_export() -> None:
    text = "# mine\n" + WHOLE.to_yaml().replace("\n", "\r\n")
    assert read(text) == WHOLE


def test_models_and_layers_are_enough_by_hand() -> None:
    pipeline = read(BY_HAND)
    assert pipeline.architecture == Architecture(
        (
            (ComponentSpec.of("generate", "small", samples=4),),
            (ComponentSpec.of("generate", "small"), ComponentSpec.of("generate", "big")),
        )
    )
    assert [model.alias for model in pipeline.models] == ["big", "small"]
    assert pipeline.provenance is None


def test_wording_that_changed_since_the_measurement_is_noticed() -> None:
    (first, _), *others = WHOLE.prompts
    assert WHOLE.changed_prompts() == ()
    old = replace(WHOLE, prompts=((first, "0" * 12), *others, ("gone", "1" * 12)))
    assert read(old.to_yaml()).changed_prompts() == tuple(sorted((first, "gone")))


SAMPLES = "{model: small, samples: 4}"
EXPORT = WHOLE.to_yaml()

BAD: list[tuple[str, str, int, str, str]] = [
    ("newer version", "version: 9\n" + BY_HAND + "more: 1\n", 1, "version", "Update archon"),
    ("version as text", "version: '1'\n" + BY_HAND, 1, "version", "expected a whole number"),
    ("changed layers", EXPORT.replace("samples: 4", "samples: 5"), 28, "sha256", "on purpose"),
    ("changed price", EXPORT.replace("1.25", "0.25"), 28, "sha256", "not as it was written"),
    ("other id", BY_HAND + "pipeline_id: 0123456789ab\n", 8, "pipeline_id", "are pipeline"),
    ("bad id", BY_HAND + "pipeline_id: best\n", 8, "pipeline_id", "does not fit ^[0-9a-f]{12}$"),
    ("unknown key", BY_HAND + "layer: []\n", 8, "layer", "Did you mean 'layers'?"),
    ("no layers key", BY_HAND.split("layers")[0], 2, "layers", "'layers' is missing"),
    ("no layers", BY_HAND.split("layers")[0] + "layers: []\n", 5, "layers", "the list is empty"),
    ("no models", "layers: []\n", 1, "models", "'models' is missing"),
    ("unknown kind", BY_HAND.replace("- generate: {models", "- genrate: {models"), 7,
     "layers[1].genrate", "Did you mean 'generate'?"),
    ("unknown alias", BY_HAND.replace("model: small", "model: smal"), 6,
     "layers[0].generate.model", "Did you mean 'small'?"),
    ("bad value", BY_HAND.replace("samples: 4", "samples: 0"), 6, "layers[0].generate.samples",
     "outside 1 to 1000"),
    ("open parameter", BY_HAND.replace("samples: 4", "samples: [4, 8]"), 6, "layers[0]",
     "samples of generate is a choice"),
    ("open range", BY_HAND.replace("samples: 4", "samples: {from: 4, to: 8}"), 6, "layers[0]",
     "one value for each parameter"),
    ("open model", BY_HAND.replace("model: small", "model: [small, big]"), 6, "layers[0]",
     "the model of generate is open"),
    ("open ensemble", BY_HAND.replace("[small, big]", "{any_of: [small, big]}"), 7, "layers[1]",
     "the model of generate is open"),
    ("open layer", BY_HAND.replace("- generate: {models: [small, big]}", "- one_of: [nothing, "
     "{generate: {model: big}}]"), 7, "layers[1]", "leaves nothing open"),
    ("key", BY_HAND.replace("gpt-5}", "gpt-5, api_key: sk-CANARY-0123456789abcdef}"), 4,
     "models.big.api_key", "key_env"),
    ("own wording", BY_HAND + "prompts: {fuse: 'Answer {question}'}\n", 8, "prompts.fuse",
     "cannot be run by this version"),
    ("provenance", BY_HAND + "provenance: {study: a, trail: 1}\n", 8, "provenance.trail",
     "Did you mean 'trial'?"),
    ("metric", EXPORT.replace("value: 0.85, ", ""), 25, "provenance.metrics.quality.value",
     "is missing"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line", "path", "said"), [row[1:] for row in BAD], ids=[row[0] for row in BAD]
)
def test_a_bad_pipeline_file_is_refused_with_line_path_and_what_to_do(
    text: str, line: int, path: str, said: str
) -> None:
    found = refusal(text)
    assert any(p.line == line and p.path == path and said in str(p) for p in found), found
    assert "CANARY" not in str(found)


def test_a_newer_file_is_refused_for_its_version_alone() -> None:
    assert len(refusal("version: 2\nunknown: 1\n")) == 1


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "best.yaml"
    path.write_text("old")

    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(ArchonError, match=r"best\.yaml: cannot be written: No space left"):
        WHOLE.save(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArchonError, match="missing"):
        WHOLE.save(tmp_path / "missing" / "best.yaml")


layers = st.lists(
    st.builds(
        lambda model, samples, temperature: ComponentSpec.of(
            "generate", model, samples=samples, temperature=temperature
        ),
        st.sampled_from(["small", "big", "near"]),
        st.integers(1, 100),
        st.floats(0, 2),
    ),
    min_size=1,
    max_size=3,
)


@given(st.lists(layers, min_size=1, max_size=3), st.text(max_size=20))
def test_any_pipeline_survives_the_way_through_a_file(
    drawn: list[list[ComponentSpec]], name: str
) -> None:
    architecture = Architecture(tuple(tuple(layer) for layer in drawn))
    name = name.encode(errors="replace").decode().replace("\0", "")
    pipeline = PipelineFile(architecture, (BIG, NEAR, SMALL), name)
    assert read(pipeline.to_yaml()) == pipeline


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (ComponentSpec.of("rank", "m"), {"rank", "repair"}),
        (ComponentSpec.of("rank_pairs", "m"), {"rank_pairs", "repair"}),
        (ComponentSpec.of("verify", "m"), {"verify_reason", "verify_verdict", "repair"}),
        (ComponentSpec.of("verify", "m", mode="one_step"), {"verify_at_once", "repair"}),
        (
            ComponentSpec.of("verify", "m", prompt="solve_first"),
            {"verify_reason_solve_first", "verify_verdict", "repair"},
        ),
        (
            ComponentSpec.of("verify", "m", prompt="solve_first", mode="one_step"),
            {"verify_at_once_solve_first", "repair"},
        ),
        (
            ComponentSpec.of("rank", "m", prompt="criteria_first"),
            {"rank_criteria_first", "repair"},
        ),
        (ComponentSpec.of("rank_scores", "m"), {"rank_scores", "repair"}),
        (ComponentSpec.of("critique", "m"), {"critique", "repair"}),
        (ComponentSpec.of("write_tests", "m"), {"write_tests", "repair"}),
        (ComponentSpec.of("judge_tests", "m"), {"judge_tests", "repair"}),
        (ComponentSpec.of("fuse", "m"), {"fuse"}),
        (ComponentSpec.of("fuse", "m", prompt="reason_first"), {"fuse_reason_first"}),
        (ComponentSpec.of("generate", "m"), set()),
        (ComponentSpec.of("generate", "m", prompt="plan_first"), {"generate_plan_first"}),
        (ComponentSpec.of("vote"), set()),
    ],
    ids=lambda value: str(value.to_data()) if isinstance(value, ComponentSpec) else "",
)
def test_file_holds_the_digests_of_the_templates_that_its_pipeline_uses(
    asked: ComponentSpec, names: set[str]
) -> None:
    written = {name for name, _ in prompt_digests(Architecture(((asked,),)))}
    assert written == names


def test_older_file_with_templates_that_its_pipeline_does_not_use_has_not_changed() -> None:
    alone = Architecture(((ComponentSpec.of("generate", "small"),),))
    unused = (("generate_plan_first", load("generate_plan_first").digest),)
    file = PipelineFile(alone, (SMALL,), prompts=unused)
    assert file.changed_prompts() == ()
    assert replace(file, prompts=(("generate_plan_first", "0" * 12),)).changed_prompts() == ()

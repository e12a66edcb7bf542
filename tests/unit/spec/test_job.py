from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from archon.benchmarks.fields import FieldMap
from archon.core.calls import Price
from archon.core.errors import Problem, SpecError
from archon.spec.job import BudgetSpec, JobSpec, load_job, read_job, read_stored_job
from archon.spec.pipeline_file import load_pipeline_file
from archon.spec.yaml_source import parse_document

Change = tuple[str, str]
Read = Callable[..., JobSpec]
Refusal = Callable[..., tuple[Problem, ...]]

B = "budget: {trials: 12}"
S = "small: {engine: smollm2-135m-instruct}"
BIG = "big: {litellm: openai/gpt-5, key_env: OPENAI_API_KEY}"
N = 'near: {url: "http://127.0.0.1:8000/v1", model: llama}'
O = "[quality, tokens]"  # noqa: E741
F = "file: questions.jsonl"
K = "{kind: exact}"
G = "samples: {from: 1, to: 8}"
A = "{generate: {model: big}}"

BAD: list[tuple[str, str, str, int, str, str]] = [
    # what is wrong, old text, new text, line, path, part of what is said
    ("unknown key", B, "budjet: {trials: 12}", 10, "budjet", "Did you mean 'budget'?"),
    ("unknown nested key", B, "budget: {trails: 12}", 10, "budget.trails", "mean 'trials'?"),
    ("unknown sampler key", "seed: 7", "sampler: {knd: tpe}", 11, "sampler.knd", "mean 'kind'?"),
    ("unknown benchmark key", F, f"{F}\n  held: 0.5", 4, "benchmark.held", "mean 'held_out'?"),
    ("unknown field", F, f"{F}\n  fields: {{qestion: q}}", 4, "benchmark.fields.qestion",
     "Did you mean 'question'?"),
    ("missing benchmark", f"benchmark:\n  {F}\n  scorer: {K}\n", "", 1, "benchmark",
     "'benchmark' is missing"),
    ("missing models", "models:", "modells:", 1, "models", "'models' is missing"),
    ("empty name", "name: t", 'name: ""', 1, "name", "1 to 64 letters, digits"),
    ("long name", "name: t", f"name: {'x' * 300}", 1, "name", "is no name"),
    ("path as a name", "name: t", "name: ../x", 1, "name", "'../x' is no name"),
    ("emoji name", "name: t", 'name: "\U0001f600"', 1, "name", "1 to 64 letters, digits"),
    ("number as a name", "name: t", "name: 5", 1, "name", "5 is no name"),
    ("no trials", B, "budget: {trials: 0}", 10, "budget.trials", "0 is out of range: at least 1"),
    ("negative trials", B, "budget: {trials: -1}", 10, "budget.trials", "at least 1"),
    ("too many trials", B, "budget: {trials: 100001}", 10, "budget.trials", "at most 100000"),
    ("quoted trials", B, 'budget: {trials: "50"}', 10, "budget.trials", "Remove the quotes"),
    ("exponent trials", B, "budget: {trials: 1e3}", 10, "budget.trials", "Write 1000"),
    ("half a trial", B, "budget: {trials: 12.5}", 10, "budget.trials", "expected a whole number"),
    ("true trials", B, "budget: {trials: true}", 10, "budget.trials", "got true"),
    ("negative seed", "seed: 7", "seed: -1", 11, "seed", "at least 0"),
    ("huge seed", "seed: 7", f"seed: {2**80}", 11, "seed", f"at most {2**63 - 1}"),
    ("free usd budget", B, "budget: {usd: 0}", 10, "budget.usd", "more than 0"),
    ("negative usd budget", B, "budget: {usd: -2.5}", 10, "budget.usd", "more than 0"),
    ("nan budget", B, "budget: {usd: .nan}", 10, "budget.usd", "not a finite number"),
    ("time in a deterministic job", B, "budget: {wall_s: 60}\ndeterministic: true", 10,
     "budget.wall_s", "Write calls, tokens or usd"),
    ("latency in a deterministic job", f"objectives: {O}",
     "objectives: [quality, latency]\ndeterministic: true", 9, "objectives[1]",
     "latency is measured"),
    ("latency of winners in a deterministic job", B,
     f"{B}\nat_most: {{latency_s: 2}}\ndeterministic: true", 11, "at_most.latency_s",
     "latency is measured"),
    ("infinite budget", B, "budget: {wall_s: .inf}", 10, "budget.wall_s", "not a finite number"),
    ("budget with a unit", B, "budget: 10 USD", 10, "budget", "Write budget: {trials: 50}"),
    ("usd with a unit", B, "budget: {usd: 10 USD}", 10, "budget.usd", "without a unit"),
    ("time in base 60", B, "budget: {wall_s: 1:30}", 10, "budget.wall_s", "Write 90"),
    ("no limit and paid models", B, "budget: {}", 10, "budget", "need a limit"),
    ("forgotten usd", B, "budget: {trials: 12, usd: }", 10, "budget.usd",
     "usd has no value. Write one, or remove the line."),
    ("forgotten calls", B, "budget: {trials: 12, calls: null}", 10, "budget.calls", "no value"),
    ("forgotten seed", "seed: 7", "seed:", 11, "seed", "seed has no value"),
    ("forgotten name", "name: t", "name:", 1, "name", "name has no value"),
    ("forgotten max_search", F, f"{F}\n  max_search:", 4, "benchmark.max_search", "no value"),
    ("forgotten field", F, f"{F}\n  fields: {{target: }}", 4, "benchmark.fields.target",
     "target has no value"),
    ("forgotten concurrency", N, f"{N[:-1]}, concurrency: }}", 8, "models.near.concurrency",
     "concurrency has no value"),
    ("forgotten price", N, f"{N[:-1]}, price: }}", 8, "models.near.price", "price has no value"),
    ("forgotten part of a price", N,
     f"{N[:-1]}, price: {{input_usd_per_mtok: 1, output_usd_per_mtok: }}}}", 8,
     "models.near.price.output_usd_per_mtok", "output_usd_per_mtok has no value. Write one."),
    ("forgotten ceiling", "space:", "space:\n  max_calls:", 13, "space.max_calls", "nothing"),
    ("forgotten objectives", O, "", 9, "objectives", "got nothing"),
    ("forgotten budget", B, "budget:", 10, "budget", "got nothing"),
    ("forgotten kind", "seed: 7", "sampler: {kind: }", 11, "sampler.kind", "kind has no value"),
    ("huge concurrency", S, S[:-1] + ", concurrency: 10000}", 6, "models.small.concurrency",
     "at most 1024"),
    ("no deadline", S, S[:-1] + ", deadline_s: 0}", 6, "models.small.deadline_s", "more than 0"),
    ("no objectives", O, "[]", 9, "objectives", "There is: quality, cost, calls"),
    ("unknown objective", O, "[quality, costs]", 9, "objectives[1]", "Did you mean 'cost'?"),
    ("objective twice", O, "[quality, quality]", 9, "objectives[1]", "stands here twice"),
    ("objective up", O, "[{quality: up}]", 9, "objectives[0]", "The direction is known"),
    ("objectives as text", O, "quality", 9, "objectives", "Write objectives: [quality, cost]"),
    ("nothing held out", F, f"{F}\n  held_out: 0", 4, "benchmark.held_out", "more than 0"),
    ("all held out", F, f"{F}\n  held_out: 1", 4, "benchmark.held_out", "less than 1"),
    ("more held out", F, f"{F}\n  held_out: 1.5", 4, "benchmark.held_out", "less than 1"),
    ("no search questions", F, f"{F}\n  max_search: 0", 4, "benchmark.max_search", "at least 1"),
    ("two benchmarks", F, f"{F}\n  builtin: keywords", 2, "benchmark", "has builtin and file"),
    ("no questions", f"  {F}\n", "", 2, "benchmark", "builtin, file, hf and simulated"),
    ("unknown builtin", F, "builtin: keywrods", 3, "benchmark.builtin", "comes with Archon"),
    ("URL as a file", F, "file: https://x.org/q.jsonl", 3, "benchmark.file", "Download it first"),
    ("no scorer", f"  scorer: {K}\n", "", 2, "benchmark.scorer", "'scorer' is missing"),
    ("unknown scorer", K, "{kind: exakt}", 4, "benchmark.scorer.kind", "Did you mean 'exact'?"),
    ("scorer as text", K, "exact", 4, "benchmark.scorer", "Write scorer: {kind: exact}"),
    ("plugin path", K, "{kind: 'os:system'}", 4, "benchmark.scorer.kind", "no scorer 'os:system'"),
    ("judge without a model", K, "{kind: judge, model: bgi}", 4, "benchmark.scorer.model",
     "Did you mean 'big'?"),
    ("judge among candidates", K, "{kind: judge, model: big}", 4, "benchmark.scorer.model",
     "may_judge_itself: true"),
    ("unknown alias", A, "{generate: {model: bgi}}", 15,
     "space.layers[1].one_of[1].generate.model", "Did you mean 'big'?"),
    ("alias twice", A, "{generate: {model: [big, big]}}", 15,
     "space.layers[1].one_of[1].generate.model[1]", "'big' stands here twice"),
    ("bad alias", S, '"a b": {engine: smollm2-135m-instruct}', 6, "models['a b']", "is no alias"),
    ("unknown engine model", S, "small: {engine: gpt-5}", 6, "models.small.engine",
     "It serves smollm2-135m-instruct"),
    ("engine's context", S, "small: {engine: smollm2-135m-instruct, context_tokens: 4096}", 6,
     "models.small.context_tokens", "2048 tokens"),
    ("model as text", S, "small: openai/gpt-5", 6, "models.small", "litellm: provider/model"),
    ("model from nowhere", S, "small: {model: x}", 6, "models.small", "exactly one of"),
    ("model from two places", S, "small: {engine: smollm2-135m-instruct, litellm: x}", 6,
     "models.small", "has engine and litellm"),
    ("two names of one url", N,
     f'{N}\n  far: {{url: "http://127.0.0.1:8000/v1/", model: llama, key_env: OTHER_KEY}}', 9,
     "models.far", "'near' and 'far' are the same model. Remove one"),
    ("two names of one hosted model", "near: {url: \"http://127.0.0.1:8000/v1\", model: llama}",
     "a: {litellm: openai/gpt-5, price: {input_usd_per_mtok: 1, output_usd_per_mtok: 2}}", 8,
     "models.a", "'big' and 'a' are the same model"),
    ("unknown model key", N, N[:-1] + ", modle: x}", 8, "models.near.modle", "mean 'model'?"),
    ("url without a model", N, 'near: {url: "http://127.0.0.1:1/"}', 8, "models.near.model",
     "'model' is missing"),
    ("unpriced with usd", B, "budget: {usd: 5}", 8, "models.near", "needs a price for 'near'"),
    ("unpriced with cost", O, "[quality, cost]", 8, "models.near", "the objective cost needs"),
    ("negative price", N, N[:-1] + ", price: {input_usd_per_mtok: -1, output_usd_per_mtok: 1}}", 8,
     "models.near.price.input_usd_per_mtok", "at least 0"),
    ("half a price", N, N[:-1] + ", price: {input_usd_per_mtok: 1}}", 8,
     "models.near.price.output_usd_per_mtok", "is missing"),
    ("api_key", N, N[:-1] + ", api_key: x}", 8, "models.near.api_key", "key_env: ITS_NAME"),
    ("api_base", N, N[:-1] + ", api_base: x}", 8, "models.near.api_base", "Write url:"),
    ("base_url", N, N[:-1] + ", base_url: x}", 8, "models.near.base_url", "Write url:"),
    ("extra_headers", N, N[:-1] + ", extra_headers: {a: b}}", 8, "models.near.extra_headers",
     "does not belong in this file"),
    ("mock_response", N, N[:-1] + ", mock_response: x}", 8, "models.near.mock_response",
     "does not belong in this file"),
    ("top-level api_key", "seed: 7", "api_key: x", 11, "api_key", "key_env: ITS_NAME"),
    ("os.environ reference", N, N[:-1] + ", key_env: os.environ/X}", 8, "models.near.key_env",
     "not read here"),
    ("os.environ anywhere", "name: t", "name: os.environ/X", 1, "name", "not read here"),
    ("key instead of its name", "key_env: OPENAI_API_KEY", "key_env: my-key", 7,
     "models.big.key_env", "name of an environment variable"),
    ("dollar reference", "key_env: OPENAI_API_KEY", "key_env: '${OPENAI_API_KEY}'", 7,
     "models.big.key_env", "key_env: ITS_NAME"),
    ("cloud metadata", "http://127.0.0.1:8000/v1", "http://169.254.169.254/v1", 8,
     "models.near.url", "link-local"),
    ("mapped metadata", "http://127.0.0.1:8000/v1", "http://[::ffff:169.254.169.254]/", 8,
     "models.near.url", "link-local"),
    ("hexadecimal host", "http://127.0.0.1:8000/v1", "http://0x7f000001/", 8, "models.near.url",
     "four decimal numbers"),
    ("short host", "http://127.0.0.1:8000/v1", "http://127.1/", 8, "models.near.url",
     "four decimal numbers"),
    ("file URL", "http://127.0.0.1:8000/v1", "file:///etc/passwd", 8, "models.near.url",
     "starts with http"),
    ("bad port", "http://127.0.0.1:8000/v1", "http://h:99999/", 8, "models.near.url", "not a URL"),
    ("version of a job", "seed: 7", "version: 1", 11, "version",
     "job files have no version. Remove the line."),
    ("quoted number", G, "temperature: '0.7'", 14, "space.layers[0].generate.temperature",
     "expected a number, got the text '0.7'. Remove the quotes."),
    ("word as a number", G, "temperature: hot", 14, "space.layers[0].generate.temperature",
     "expected a number, got the text 'hot'."),
    ("range as a text", G, "samples: 1-8", 14, "space.layers[0].generate.samples",
     "got the text '1-8'. Write {from: 1, to: 8}."),
    ("number as a truth value", A, "{verify: {model: big, drop: 1}}", 15,
     "space.layers[1].one_of[1].verify.drop", "expected true or false, got 1."),
    ("reply as long as the context", G, "max_tokens: [128, 2048]", 14,
     "space.layers[0].generate.max_tokens", "the context of 'small' has 2,048. Write fewer."),
    ("where to allow a judge of itself", K, "{kind: judge, model: big}", 4,
     "benchmark.scorer.model", "may_judge_itself: true inside scorer: {...}"),
    ("unknown sampler", "seed: 7", "sampler: {kind: tpee}", 11, "sampler.kind",
     "Did you mean 'tpe'?"),
    ("no sampler at all", "seed: 7", "sampler: {kind: astrology}", 11, "sampler.kind",
     "'astrology' is not one of 'gain', 'tpe', 'random', 'exhaustive', "),
    ("sampler as text", "seed: 7", "sampler: tpe", 11, "sampler", "Write sampler: {kind: gain}"),
    ("gain without quality", f"objectives: {O}",
     "objectives: [tokens]\nsampler: {kind: gain}", 10, "sampler.kind",
     "Write objectives: [quality, tokens], or another kind: tpe."),
    ("no block", "seed: 7", "block_size: 0", 11, "block_size", "at least 1"),
    ("many parallel trials", "seed: 7", "parallel_trials: 999", 11, "parallel_trials", "at most"),
    ("no questions in flight", "seed: 7", "questions_in_flight: 0", 11, "questions_in_flight",
     "at least 1"),
    ("no finalists", "seed: 7", "finalists: 0", 11, "finalists", "at least 1"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "line", "path", "said"), [row[1:] for row in BAD], ids=[row[0] for row in BAD]
)
def test_a_bad_job_is_refused_with_line_path_and_what_to_do(
    refusal: Refusal, old: str, new: str, line: int, path: str, said: str
) -> None:
    found = refusal((old, new))
    assert any(p.line == line and p.path == path and said in str(p) for p in found), found
    assert all(str(p).startswith(f"{Path('jobs') / 't.yaml'}:") for p in found)


SECRETS = [
    "sk-CANARY-0123456789abcdef0123",
    "sk-proj-CANARYabcdefghijklmnop",
    "AIzaCANARY0123456789abcdefghijklmnopqrs",
    "hf_CANARYabcdefghijklmnopqrstuv",
    "CANARY0123456789abcdef0123456789",
    "https://user:CANARY@host/v1",
    "Bearer CANARYabcdefghijk",
]
PLACES = [
    (f"{N[:-1]}, key_env: '%s'}}", N),
    (f"{N[:-1]}, api_key: '%s'}}", N),
    (f"{N[:-1]}, typo: '%s'}}", N),
    ("near: {url: '%s', model: x}", N),
    ("near: '%s'", N),
    ("near: {litellm: '%s', concurrency: '%s'}", N),
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "place", PLACES, ids=["key_env", "api_key", "typo", "url", "model", "both"]
)
def test_a_secret_in_a_job_is_refused_and_never_repeated(
    refusal: Refusal, place: tuple[str, str], secret: str
) -> None:
    found = refusal((place[1], place[0].replace("%s", secret)))
    assert any(p.line == 8 and "key_env" in str(p) for p in found)
    assert "CANARY" not in str(found) + str(SpecError(found))


def test_all_problems_of_a_job_are_named_at_once_in_the_order_of_lines(refusal: Refusal) -> None:
    found = refusal((O, "[]"), ("seed: 7", "sed: 7"), (S, "small: {}"), (G, "smples: 3"))
    assert [(p.line, p.path) for p in found] == [
        (6, "models.small"),
        (9, "objectives"),
        (11, "sed"),
        (14, "space.layers[0].generate.smples"),
    ]


def test_a_job_becomes_a_value_with_everything_that_a_search_needs(job: Read) -> None:
    spec = job((B, "budget: {trials: 12, calls: 900, wall_s: 60, held_out_share: 0.4}"))
    assert spec.name == "t"
    assert spec.objectives == ("quality", "tokens")
    assert spec.budget == BudgetSpec(trials=12, calls=900, wall_s=60, held_out_share=0.4)
    assert (spec.sampler, spec.seed, spec.finalists) == ("gain", 7, 3)
    assert spec.benchmark.location == str(Path("jobs") / "questions.jsonl")
    assert spec.benchmark.fields == FieldMap()
    big, near, small = spec.models
    assert (small.backend, small.model, small.price) == ("engine", "smollm2-135m-instruct", Price())
    assert (big.backend, big.model, big.key_env) == ("litellm", "openai/gpt-5", "OPENAI_API_KEY")
    assert big.is_priced_by_litellm and big.may_cost_money and not small.may_cost_money
    assert (near.backend, near.url, near.price) == ("url", "http://127.0.0.1:8000/v1", None)


def test_limits_prices_and_switches_of_a_model_are_kept(job: Read) -> None:
    price = "price: {input_usd_per_mtok: 1, output_usd_per_mtok: 2.5}"
    more = "many_samples: true, send_slots: true, concurrency: 8, deadline_s: 30"
    near = job((N, f"{N[:-1]}, {price}, {more}, context_tokens: 4096}}")).models[1]
    assert near.price == Price(1.0, 2.5)
    assert (near.has_many_samples, near.sends_slots) == (True, True)
    assert near.limits.concurrency == 8
    assert near.limits.deadline_s == 30.0
    assert near.limits.context_tokens == 4096


@pytest.mark.parametrize(
    ("price", "objectives"),
    [
        ("", ("quality", "tokens")),
        (", price: {input_usd_per_mtok: 1, output_usd_per_mtok: 1}", ("quality", "cost")),
    ],
    ids=["a model has no price", "all have one"],
)
def test_objectives_left_out_are_quality_and_cost_where_it_is_known(
    job: Read, price: str, objectives: tuple[str, ...]
) -> None:
    spec = job((f"objectives: {O}\n", ""), (N, f"{N[:-1]}{price}}}"))
    assert spec.objectives == objectives


def test_null_means_something_for_ids_and_for_parameters_of_components(job: Read) -> None:
    assert job((F, f"{F}\n  fields: {{id: null}}")).benchmark.fields.id is None
    keep = job((A, "{rank: {model: big, keep: null}}")).space
    assert "('keep', Fixed(value=None))" in repr(keep)


def test_what_is_forgotten_is_said_once(refusal: Refusal) -> None:
    assert len(refusal((B, "budget: {trials: 12, usd: }"))) == 1
    assert len(refusal(("name: t", "name:"))) == 1
    assert len(refusal(('url: "http://127.0.0.1:8000/v1"', "url: "))) == 1


@pytest.mark.parametrize(
    "change",
    [
        (K, "exact"),
        (
            f"  {S}\n  big: {{litellm: openai/gpt-5, key_env: OPENAI_API_KEY}}\n  {N}\n",
            "  - small\n",
        ),
        ("seed: 7", "version: 3"),
        (B, "budget:"),
        (G, "temperature: hot"),
    ],
    ids=["scorer as text", "models as a list", "version", "budget", "word"],
)
def test_one_mistake_is_one_problem(refusal: Refusal, change: Change) -> None:
    assert len(refusal(change)) == 1


def test_a_configuration_of_the_original_archon_is_told_by_its_looks(tmp_path: Path) -> None:
    old = tmp_path / "archon.json"
    layer = {"type": "generator", "model": "gpt-4", "model_type": "OpenAI_API", "samples": 1}
    old.write_text(json.dumps({"name": "old", "layers": [[layer]]}))
    for load in (load_job, load_pipeline_file):
        with pytest.raises(SpecError, match="original Archon, which is not read yet"):
            load(old)


def test_free_models_and_an_exhaustive_search_need_no_limit(job: Read) -> None:
    changes = [(B, "sampler: {kind: exhaustive}"), (f"  {N}\n", "")]
    big = "  big: {litellm: openai/gpt-5, key_env: OPENAI_API_KEY}\n"
    spec = job(*changes, (big, ""), (A, "{generate: {model: small}}"))
    assert not spec.budget.has_limit


def test_a_judge_may_be_a_candidate_where_the_job_says_so(job: Read) -> None:
    spec = job((K, "{kind: judge, model: big, may_judge_itself: true}"))
    assert spec.benchmark.scorer.to_data() == {"kind": "judge", "model": "big"}
    assert spec.benchmark.may_judge_itself


def test_a_name_left_out_is_the_file_s(tmp_path: Path, job: Read) -> None:
    text = job().canonical_json()
    path = tmp_path / "my-job.json"
    path.write_text(text.replace('"name":"t",', ""))
    assert load_job(path).name == "my-job"


def test_a_job_s_canonical_text_is_read_back_as_the_same_job(job: Read) -> None:
    spec = job((G, "temperature: {from: 0.00001, to: 1, log: true}"))
    again = read_job(parse_document(spec.canonical_json().encode(), spec.source.file))
    assert again == spec
    assert again.canonical_json() == spec.canonical_json()


def test_models_that_a_search_may_ask_are_those_of_its_space_and_its_judge(job: Read) -> None:
    spec = job()
    assert [model.alias for model in spec.used_models] == ["big", "small"]
    assert [model.alias for model in spec.unused_models] == ["near"]
    assert not job((K, "{kind: judge, model: near}")).unused_models


VALID: list[tuple[str, str]] = [
    ("name: t", "name: t"),
    ("name: t\n", ""),
    (B, "budget: {trials: 12, calls: 900, wall_s: 60, held_out_share: 0.4}"),
    (f"objectives: {O}\n", ""),
    (K, "{kind: judge, model: big, may_judge_itself: true}"),
    (F, "builtin: keywords"),
    (G, "temperature: {from: 0.00001, to: 1, log: true}"),
    (N, f"{N[:-1]}, many_samples: true, context_tokens: 4096}}"),
    (F, f"{F}\n  fields: {{id: null, question: \U0001f600}}"),
    (A, "check: {contains: ['\U0001f600', caf\u00e9, \u65e5\u672c, 'a\\b', '\\ud83d']}"),
    (F, f"{F}\n  fields: {{target: {chr(0x65E5) * 70_000}}}"),
]


@pytest.mark.parametrize("change", VALID, ids=range(len(VALID)))
def test_a_job_is_read_back_from_a_database_whatever_stands_in_it(
    job: Read, change: tuple[str, str]
) -> None:
    spec = job(change)
    again = read_stored_job(spec.canonical_json(), "job of study 0123456789ab")
    assert again.canonical_json() == spec.canonical_json()
    assert (again.name, again.space, again.models) == (spec.name, spec.space, spec.models)


def test_a_job_that_states_its_name_is_stored_as_its_data_alone(job: Read) -> None:
    spec = job()
    assert json.loads(spec.canonical_json()) == spec.source.data

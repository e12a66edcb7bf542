"""Well-typed pipelines by chance, of every kind of component."""

from __future__ import annotations

from hypothesis import strategies as st

from archon.components.rules import problems_of
from archon.components.table import COMPONENTS
from archon.core.architecture import Architecture, ComponentSpec, Layer

CRITIQUE_READERS = frozenset(
    kind for kind, made in COMPONENTS.items() if "critique" in made.declares.reads
)

of = ComponentSpec.of
MODELS = st.sampled_from(["a", "b"])


def _generators(most: int) -> st.SearchStrategy[Layer]:
    one = st.builds(
        lambda model, samples, temperature: of(
            "generate", model, samples=samples, temperature=temperature
        ),
        MODELS,
        st.integers(1, most),
        st.sampled_from([0.0, 0.7, 1, 1.0]),
    )
    return st.lists(one, min_size=1, max_size=3).map(tuple)


CALL_FREE_LAYERS: st.SearchStrategy[Layer] = st.one_of(
    st.builds(
        lambda keep, answer, weigh: of(
            "vote",
            keep=keep,
            answer=answer,
            beta=2.0,
            **({"weight": "score", "by": "check"} if weigh else {}),
        ),
        st.integers(1, 5),
        st.sampled_from(["auto", "number"]),
        st.booleans(),
    ),
    st.builds(
        lambda words, mode, cased: of("check", contains=words, mode=mode, ignore_case=cased),
        st.sampled_from([("1",), ("2", "3")]),
        st.sampled_from(["score", "filter"]),
        st.booleans(),
    ),
    st.builds(
        lambda keep, order, dedupe: of(
            "select",
            keep=keep,
            order=order,
            dedupe=dedupe,
            by={"score": "check"}.get(order, ""),
        ),
        st.none() | st.integers(1, 5),
        st.sampled_from(["given", "shortest", "score"]),
        st.sampled_from(["none", "text", "answer"]),
    ),
).map(lambda spec: (spec,))

OTHER_LAYERS: st.SearchStrategy[Layer] = st.one_of(
    st.lists(
        st.builds(lambda m, n: of("fuse", m, samples=n), MODELS, st.integers(1, 5)),
        min_size=1,
        max_size=3,
    ).map(tuple),
    _generators(2),
    st.builds(lambda m, k: (of("rank", m, keep=k),), MODELS, st.integers(1, 12)),
    st.builds(lambda m: (of("verify", m),), MODELS),
    st.builds(lambda m: (of("critique", m),), MODELS),
    st.builds(lambda m: (of("critique", m), of("write_tests", m)), MODELS),
    st.builds(lambda m: (of("judge_tests", m, keep=3),), MODELS),
    st.builds(lambda m, k: (of("rank_scores", m, keep=k),), MODELS, st.none() | st.integers(1, 5)),
    st.builds(
        lambda m, s, k: (of("rank_pairs", m, keep=k, schedule=s),),
        MODELS,
        st.sampled_from(["round_robin", "knockout"]),
        st.integers(1, 5),
    ),
)


def _well_typed(layers: st.SearchStrategy[Layer]) -> st.SearchStrategy[Architecture]:
    def grown(first: Layer, others: list[Layer]) -> Architecture:
        """Take each layer that still fits; an end that nobody reads is cut off."""
        taken = [first]
        for layer in others:
            closed = Architecture((*taken, layer, (of("select", keep=None),)))
            if not problems_of(closed):
                taken.append(layer)
        while problems_of(Architecture(tuple(taken))):
            taken.pop()
        return Architecture(tuple(taken))

    return st.builds(grown, _generators(4), st.lists(layers, max_size=7))


ARCHITECTURES = _well_typed(CALL_FREE_LAYERS | OTHER_LAYERS)
CALL_FREE_ARCHITECTURES = _well_typed(CALL_FREE_LAYERS | _generators(2))

"""What is recorded of pipelines on the search's questions: by earlier runs, and by this one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from archon.benchmarks.examples import Example
from archon.core.results import ExampleResult


class Recorded:
    """Scored results by pipeline and example: what is here is not asked again."""

    def __init__(self, results: Mapping[str, Sequence[ExampleResult]]) -> None:
        """Those of earlier runs, by the id of their pipeline."""
        self._known = {
            (pipeline_id, result.example_id): result
            for pipeline_id, came in results.items()
            for result in came
        }

    def add(self, results: Iterable[ExampleResult]) -> None:
        """What this run recorded."""
        self._known |= {(result.pipeline_id, result.example_id): result for result in results}

    def of(self, pipeline_id: str, examples: Iterable[Example]) -> dict[str, ExampleResult]:
        """Results of a pipeline by the id of their example, as far as there are any."""
        known = ((example.id, (pipeline_id, example.id)) for example in examples)
        return {name: self._known[key] for name, key in known if key in self._known}

    def missing(self, pipeline_id: str, examples: Iterable[Example]) -> tuple[Example, ...]:
        """The examples that a pipeline has no result for, in their order."""
        return tuple(one for one in examples if (pipeline_id, one.id) not in self._known)

    def n_blocks(self, pipeline_id: str, blocks: Sequence[Sequence[Example]]) -> int:
        """How many blocks are whole, before the first that is not."""
        lacking = (i for i, block in enumerate(blocks) if self.missing(pipeline_id, block))
        return next(lacking, len(blocks))

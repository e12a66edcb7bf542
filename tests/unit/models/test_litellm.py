from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

from archon.core.errors import CallError, SetupError
from archon.models import litellm as adapter
from archon.models.litellm import known_price, takes_many_samples
from archon.models.litellm_errors import translated
from archon.service.settings import keep_litellm_at_home


@pytest.fixture(autouse=True)
def quiet_litellm() -> None:
    keep_litellm_at_home()


def exception_classes() -> list[type[Exception]]:
    keep_litellm_at_home()
    import litellm.exceptions

    found = vars(litellm.exceptions).values()
    return [one for one in found if inspect.isclass(one) and issubclass(one, Exception)]


def made(kind: type[Exception]) -> Exception:
    """An exception of this kind without running its constructor, which differ widely."""
    error = kind.__new__(kind)
    error.args = ("what the provider said",)
    vars(error).update(message="what the provider said", num_retries=None, max_retries=None)
    vars(error).update(original_exception=None)
    return error


def test_every_exception_of_litellm_has_a_translation() -> None:
    classes = exception_classes()
    assert len(classes) > 20
    for kind in classes:
        understood = translated(made(kind), where="model 'm'", secret=None)
        assert isinstance(understood, CallError), kind
        assert understood.__cause__ is None


@pytest.mark.parametrize(
    ("model", "has_price"),
    [("gpt-4o-mini", True), ("openai/gpt-4o-mini", True), ("openai/nobody-knows-this", False)],
)
def test_price_comes_from_the_table_or_is_unknown(model: str, has_price: bool) -> None:
    price = known_price(model)
    assert (price is not None) == has_price
    if price is not None:
        assert 0 < price.input_usd_per_mtok < price.output_usd_per_mtok < 10


def test_providers_differ_in_taking_many_samples() -> None:
    assert takes_many_samples("openai/gpt-4o-mini")
    assert not takes_many_samples("anthropic/claude-3-5-haiku-20241022")


def test_missing_package_is_named_with_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    adapter._library.cache_clear()
    monkeypatch.setattr(adapter, "find_spec", lambda name: None)
    with pytest.raises(SetupError, match=r"pip install 'archon\[hosted\]'"):
        known_price("openai/gpt-4o-mini")


def test_adapter_imports_litellm_with_the_first_call_only() -> None:
    code = "import sys, archon.models.litellm; print('litellm' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.stdout.strip() == "False"

"""``archon models``: the models of a file, or the ways to name one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archon.cli.options import AsJson
from archon.cli.output import out, print_json, table

if TYPE_CHECKING:
    from archon.service.needs import ModelReport

_WAYS = """\
A model stands in a file under an alias of yours, in one of four ways:

models:
  small: {engine: smollm2-135m-instruct}       # runs here: vLLM with a small model, no key
  big:   {litellm: openai/gpt-4.1-mini}        # hosted: any provider that LiteLLM knows
  ours:  {url: http://gpu1:8000/v1, model: m}  # any OpenAI-compatible server: vLLM, Ollama ...
  toy:   {simulated: default/weak}             # made up, with a made-up price: as in archon demo

For all:      concurrency (requests in flight; samples, in the engine), deadline_s,
              context_tokens
Hosted, url:  key_env: NAME_OF_THE_VARIABLE (the key itself never stands in a file),
              price: {input_usd_per_mtok: 0.4, output_usd_per_mtok: 1.6}, many_samples
"""


def models(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A job or pipeline file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the models of a file: backend, price, key; without one, how to write a model.

    Nothing is asked of any model, and keys are never shown.
    """
    from archon.service.check_file import models_of_file
    from archon.service.needs import model_reports
    from archon.service.settings import load_settings

    if file is None:
        if as_json:
            print_json({"models": []})
        else:
            out().print(_WAYS.rstrip())
        return
    reports = model_reports(models_of_file(file), load_settings())
    if as_json:
        print_json({"models": [report.to_data() for report in reports]})
        return
    made = table(
        "alias", "backend", "model", "$ per million tokens", "key", "context", whole=("alias",)
    )
    for report in reports:
        context = "" if report.context_tokens is None else f"{report.context_tokens:,}"
        key = _key(report)
        made.add_row(report.alias, report.backend, _name(report), _price(report), key, context)
    out().print(made)
    for report in reports:
        for missing in report.missing:
            out().print(f"Missing here: {missing}")
        for note in report.notes:
            out().print(f"Note on {report.alias}: {note}")


def _name(report: ModelReport) -> str:
    return f"{report.model} at {report.url}" if report.url else report.model


def _price(report: ModelReport) -> str:
    if report.price is None:
        return "unknown"
    if report.price_from == "local":
        return "none: runs here"
    price = report.price
    read, written = price.input_usd_per_mtok, price.output_usd_per_mtok
    return f"{read:g} read, {written:g} written ({report.price_from})"


def _key(report: ModelReport) -> str:
    if not report.key_env:
        return "none"
    return f"{report.key_env} ({'set' if report.is_key_set else 'not set'})"

"""Every profile, a line each, and how the section that names one becomes a tree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from archon.components.table import suggest
from archon.search.space import Chain
from archon.spec.dimensions import ComponentReader
from archon.spec.findings import show
from archon.spec.profiles import free, paper
from archon.spec.profiles.options import OptionReader


@dataclass(frozen=True, slots=True)
class Profile:
    """What may be composed, and the options that narrow it."""

    build: Callable[[OptionReader], Chain]
    options: tuple[str, ...]
    has_all_kinds: bool = False
    """Whether every kind of component has a section."""


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "paper": Profile(paper.paper, paper.OPTIONS),
        "free": Profile(free.free, free.OPTIONS, has_all_kinds=True),
    }
)


def read_profile(data: Mapping[str, object], components: ComponentReader) -> Chain | None:
    """The tree of a section that names a profile; None where it does not become one.

    Args:
        data: The section ``space:``.
        components: Reads the sections of components, and takes the problems.
    """
    name, findings = data["profile"], components.findings
    if not isinstance(name, str) or name not in PROFILES:
        hint = suggest(name if isinstance(name, str) else "", list(PROFILES)).strip()
        findings.add("space.profile", f"there is no profile {show(name)}.", hint)
        return None
    profile = PROFILES[name]
    kinds = tuple(components.table) if profile.has_all_kinds else ()
    if "layers" in data:
        message = f"the profile {name!r} writes the layers itself."
        findings.add("space.layers", message, "Remove profile, or layers.")
    given = {key: value for key, value in data.items() if key != "layers"}
    findings.unknown_keys(given, ("profile", "max_calls", *profile.options, *kinds), "space")
    chain = profile.build(OptionReader(data, components))
    return None if findings.has_any("space") else chain

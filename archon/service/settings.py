"""Where things are: the only reader of the environment. Read once, passed on, never changed.

    ARCHON_DATA_DIR       studies and bought calls        the user's data folder
    ARCHON_CACHE_DIR      model weights, downloads        the user's cache folder
    ARCHON_DATABASE_URL   SQLAlchemy URL                  a SQLite file in the data folder
    ARCHON_OFFLINE        true: nothing is downloaded     false

A relative folder is taken from where the program runs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from platformdirs import user_cache_path, user_data_path
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from archon.core.errors import SetupError
from archon.models.secret import Secret

_PREFIX = "ARCHON_"


class _Variables(BaseSettings):
    """The variables with their types and defaults."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_ignore_empty=True, case_sensitive=False, extra="ignore"
    )

    data_dir: Path = Field(default_factory=lambda: user_data_path("archon"))
    cache_dir: Path = Field(default_factory=lambda: user_cache_path("archon"))
    database_url: str = ""
    offline: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """Where this program keeps things on this machine, and the keys that it was given."""

    data_dir: Path
    cache_dir: Path
    offline: bool
    """Nothing is downloaded: of data sets, those are read that were loaded before. Models are asked
    all the same."""
    database_url: Secret
    """May hold a password."""
    _environment: Mapping[str, str] = field(repr=False, default_factory=dict)

    def secret(self, name: str) -> Secret | None:
        """The value of the environment variable ``name``; None where it is unset or empty."""
        value = self._environment.get(name, "").strip()
        return Secret(value) if value else None

    def need_secret(self, name: str, *, why: str) -> Secret:
        """The same where nothing works without it.

        Args:
            name: The environment variable.
            why: Who needs it, e.g. "model 'big'".

        Raises:
            SetupError: It is unset; names the variable.
        """
        secret = self.secret(name)
        if secret is None:
            message = f"{why} needs a key, and the environment variable {name} is not set. "
            raise SetupError(message + f"Run: export {name}=...")
        return secret

    def environment(self) -> Mapping[str, str]:
        """The whole environment, for the one who starts other programs; keys are in it."""
        return self._environment

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("settings hold secrets and are not serialised")


def load_settings() -> Settings:
    """Read the environment. Nothing is created and nothing is opened.

    Raises:
        SetupError: A variable has a value that cannot be used; names each.
    """
    try:
        variables = _Variables()
    except ValidationError as wrong:
        raise SetupError("\n".join(_complaint(error["loc"]) for error in wrong.errors())) from None
    data_dir = variables.data_dir.expanduser().absolute()
    url = variables.database_url or f"sqlite:///{data_dir / 'archon.db'}"
    return Settings(
        data_dir=data_dir,
        cache_dir=variables.cache_dir.expanduser().absolute(),
        offline=variables.offline,
        database_url=Secret(url),
        _environment=dict(os.environ),
    )


def _complaint(location: tuple[int | str, ...]) -> str:
    """What is wrong with a variable, without its value."""
    name = str(location[0])
    wanted = {"offline": "true or false"}
    return f"{_PREFIX}{name.upper()}: expected {wanted.get(name, 'a path')}."


def keep_litellm_at_home() -> None:
    """Let LiteLLM take the table of prices that it comes with; it would fetch one when imported.

    LiteLLM can be told so by the environment only, and only before it is imported.
    """
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

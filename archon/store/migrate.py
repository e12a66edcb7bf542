"""Brings a database to the schema that this code needs, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from archon.core.errors import NotFound, SchemaOutdated
from archon.store.database import display
from archon.store.schema import HEAD

MIGRATIONS = Path(__file__).with_name("migrations")

_UPGRADE_LOCK = 0x617263686F6E  # any number that all versions agree on


def bring_up_to_date(engine: sa.Engine, *, is_upgrade_allowed: bool = True) -> None:
    """Create the tables in an empty database, or upgrade older ones, in one transaction.

    Args:
        engine: Its transactions may write.
        is_upgrade_allowed: Whether a database with data of an older version may be changed.

    Raises:
        SchemaOutdated: The database is of a newer version, or of an older one that must not be
            changed now; names the command that mends it.
    """
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            lock = sa.func.pg_advisory_xact_lock(_UPGRADE_LOCK)
            connection.execute(sa.select(lock))
        found = revision(connection)
        if found == HEAD:
            return
        if found is not None:
            _check(found, engine, is_upgrade_allowed=is_upgrade_allowed)
        _upgrade(connection)


def check_readable(engine: sa.Engine) -> None:
    """See that a database has the schema that this code reads; nothing is changed.

    Raises:
        NotFound: It has no tables of ours yet.
        SchemaOutdated: Another version wrote it; says which command mends it.
    """
    with engine.begin() as connection:
        found = revision(connection)
    if found is None:
        raise no_study_in(engine.url)
    if found != HEAD:
        _check(found, engine, is_upgrade_allowed=False)


def no_study_in(url: sa.URL) -> NotFound:
    """What a reader hears of a database in which nothing was ever stored."""
    return NotFound(f"database {display(url)} holds no study yet. Run: archon search job.yaml")


def _check(found: str, engine: sa.Engine, *, is_upgrade_allowed: bool) -> None:
    """Refuse a schema that is not the newest one and may not, or cannot, become it."""
    if found not in _known_revisions():
        raise SchemaOutdated(
            f"database {display(engine.url)} has schema {found}, and this version of Archon "
            f"knows schemas up to {HEAD}. Run: pip install --upgrade archon"
        )
    if not is_upgrade_allowed:
        raise SchemaOutdated(
            f"database {display(engine.url)} has schema {found}, and this version of Archon "
            f"needs {HEAD}. Run: archon db upgrade"
        )


def revision(connection: sa.Connection) -> str | None:
    """The schema that the database has, or None if it has none of ours."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return version


# alembic takes longer to import than everything else here and is needed once per database.
def _known_revisions() -> set[str]:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)

"""``archon db``: where the database is, and its schema."""

from __future__ import annotations

import typer

from archon.cli.options import AsJson
from archon.cli.output import out, print_json

db = typer.Typer(
    help="Say where the database is; look at its schema, or bring it up to date.",
    no_args_is_help=True,
)


@db.command()
def path() -> None:
    """Print where the database is, without its password."""
    from archon.service.settings import load_settings
    from archon.store.database import display, parse_url

    out().print(display(parse_url(load_settings().database_url.reveal())))


@db.command()
def status(as_json: AsJson = False) -> None:
    """Print the database's schema and the one that this version works with."""
    from archon.service.settings import load_settings
    from archon.store.opening import schema_status

    found = schema_status(load_settings().database_url.reveal())
    if as_json:
        print_json(
            {
                "url": found.url,
                "schema": found.found,
                "newest": found.newest,
                "is_current": found.is_current,
            }
        )
        return
    out().print(found.url)
    if found.found is None:
        out().print("nothing stored yet; archon search makes what it needs")
    elif found.is_current:
        out().print(f"schema {found.found}, which is the newest")
    else:
        out().print(f"schema {found.found}; this version works with {found.newest}")
        out().print("Run: archon db upgrade")


@db.command()
def upgrade() -> None:
    """Bring the database to this version's schema, whole or not at all; make it if need be."""
    from archon.service.settings import load_settings
    from archon.store.opening import open_store, schema_status

    url = load_settings().database_url.reveal()
    before = schema_status(url)
    open_store(url).close()
    after = schema_status(url)
    change = "was up to date" if before.is_current else f"from {before.found or 'nothing'}"
    out().print(f"{after.url}: schema {after.found} ({change})")

from __future__ import annotations

import time
from pathlib import Path

import sqlalchemy as sa

from archon.store.calls import CallSteps, Claim, FailedTry
from archon.store.database import parse_url, write_engine
from archon.store.migrate import bring_up_to_date
from archon.store.schema import lost_calls
from archon.testing.stores import IDENTITY, batch_of


def test_failed_try_whose_transaction_is_repeated_counts_once(tmp_path: Path) -> None:
    engine = write_engine(parse_url(f"sqlite:///{tmp_path / 'archon.db'}"))
    bring_up_to_date(engine)
    steps, batch = CallSteps("me", engine.dialect.name), batch_of()
    claim = Claim(batch, IDENTITY, "s", 100, 40, is_patient=True)
    failed = FailedTry(tuple(claim.wanted()), time.time() + 1.0)
    with engine.begin() as connection:
        steps.claim(connection, [claim])
    for _ in range(2):  # after a lost connection nobody knows whether the commit went through
        with engine.begin() as connection:
            steps.write_off(connection, [failed])
    with engine.begin() as connection:
        rows = connection.execute(sa.select(lost_calls.c.reason, lost_calls.c.nusd)).all()
    engine.dispose()
    assert [tuple(row) for row in rows] == [("maybe_billed", 100)]

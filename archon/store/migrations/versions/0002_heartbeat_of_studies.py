"""How long a study has run, and when its process last gave a sign of life."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for name in ("elapsed_s", "heartbeat_at"):
        op.add_column(
            "studies", sa.Column(name, sa.Double(), nullable=False, server_default=sa.text("0"))
        )

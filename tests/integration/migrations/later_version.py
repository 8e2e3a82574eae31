"""A later version of the service, as far as migrations go: its folder `alembic/`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from adapters.sqlalchemy.capabilities import metadata
from adapters.sqlalchemy.schema.migrations import SCHEMA_VERSION
from tests.service import PROJECT

_HEAD: Final = """
import sqlalchemy as sa
from adapters.sqlalchemy.schema.migration_ops import build_index, set_floor
from alembic import op
"""

TABLES: Final = tuple(sorted(set(metadata.tables) - {"schema_floor"}))

EXPAND: Final = f"""
def upgrade():
    op.create_table("transfers", sa.Column("id", sa.Text(), primary_key=True))
    for table in {TABLES}:
        op.add_column(table, sa.Column("region", sa.Text()))
        op.add_column(
            table, sa.Column("priority", sa.Integer(), nullable=False, server_default="0")
        )

def downgrade():
    for table in {TABLES}:
        op.drop_column(table, "priority")
        op.drop_column(table, "region")
    op.drop_table("transfers")
"""

INDEX: Final = """
def upgrade():
    build_index("ix_sessions_region", "sessions", ["region"], where="region IS NOT NULL")

def downgrade():
    op.drop_index("ix_sessions_region", "sessions")
"""

CONTRACT: Final = f"""
def upgrade():
    op.drop_column("sessions", "called_number")
    set_floor("9001")

def downgrade():
    op.add_column("sessions", sa.Column("called_number", sa.Text()))
    set_floor("{SCHEMA_VERSION}")
"""


def later_version(folder: Path) -> Path:
    """A checkout's migrations with three more: 9001 (expand), 9002 (an index), 9003 (contract)."""
    checkout = folder / "later"
    shutil.copytree(PROJECT / "alembic", checkout / "alembic")
    shutil.copyfile(PROJECT / "alembic.ini", checkout / "alembic.ini")
    before = SCHEMA_VERSION
    for version, steps in (("9001", EXPAND), ("9002", INDEX), ("9003", CONTRACT)):
        names = f'revision = "{version}"\ndown_revision = "{before}"\n'
        (checkout / "alembic" / "versions" / f"{version}.py").write_text(_HEAD + names + steps)
        before = version
    return checkout


def alembic(url: str, *arguments: str, checkout: Path = PROJECT) -> None:
    """Run the ``alembic`` command of a checkout; what it says is an error's text."""
    done = subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=checkout,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT), "DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr

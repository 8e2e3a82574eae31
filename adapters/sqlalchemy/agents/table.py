"""The tables of saved agents and their versions."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, String, Table, Text

from adapters.sqlalchemy.capability import Capability
from adapters.sqlalchemy.engine.listing import Half, Listing
from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from adapters.sqlalchemy.schema.metadata import metadata

# Each row has the active version's name and definition, so that one read finds what is used.
agents: Final = Table(
    "agents",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", Text),
    Column("name", Text, nullable=False),
    # JSON as text, as sessions have it.
    Column("definition", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("latest", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)
AGENT_IS_OWNED: Final = agents.c.tenant.is_not(None)
AGENT_IS_UNOWNED: Final = agents.c.tenant.is_(None)
Index(
    "uq_agents_owned_name",
    agents.c.tenant,
    agents.c.name,
    unique=True,
    sqlite_where=AGENT_IS_OWNED,
    postgresql_where=AGENT_IS_OWNED,
)
Index(
    "uq_agents_unowned_name",
    agents.c.name,
    unique=True,
    sqlite_where=AGENT_IS_UNOWNED,
    postgresql_where=AGENT_IS_UNOWNED,
)
LISTING: Final = Listing.of(
    agents,
    few={},
    whole=[],
    shared={(): "created"},
    indexes={(Half.UNOWNED, ()): "unowned", (Half.OWNED, ("tenant",)): "tenant"},
)

agent_versions: Final = Table(
    "agent_versions",
    metadata,
    Column("agent_id", String(36), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("tenant", Text),
    Column("definition", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

AGENTS: Final = Capability(table=agents)
AGENT_VERSIONS: Final = Capability(table=agent_versions)

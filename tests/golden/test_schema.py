"""The schema after all migrations is the golden file's, and the one that the code describes."""

from __future__ import annotations

import re

from tests.golden.files import check, collected
from tests.golden.schema import IN_CODE

_BOOKKEEPING = re.compile(
    r"CREATE TABLE alembic_version \(.*?\);\n|INSERT INTO [^\n]*\n", re.DOTALL
)


def lines(schema: str) -> set[str]:
    """Return each statement's lines with its first; a migration can only append a column."""
    statements = _BOOKKEEPING.sub("", schema).split(";\n")
    return {
        f"{statement.splitlines()[0]} {line.strip(' ,')}"
        for statement in statements
        for line in statement.splitlines()
    }


def check_schema(name: str, *arguments: str) -> None:
    found = collected("schema", *arguments)

    check({name: found[name]})
    different = sorted(lines(found[name]) ^ lines(found[IN_CODE]))
    assert not different, (
        "The migrations make another schema than the tables in code describe; write a migration, "
        f"or correct the tables: {different}"
    )


def test_given_migrated_sqlite_then_its_schema_is_the_golden_one_and_the_one_in_code() -> None:
    check_schema("schema_sqlite.sql")


def test_given_migrated_postgresql_then_its_schema_is_the_golden_one_and_the_one_in_code(
    postgres_url: str,
) -> None:
    check_schema("schema_postgresql.sql", postgres_url)

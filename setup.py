"""Add the migrations and the console to the wheel; ``pyproject.toml`` has the rest of the build.

``alembic/`` is a folder of scripts at the top level and cannot be installed there: site-packages
has Alembic itself under that name. The wheel has the scripts in ``adapters/sqlalchemy/alembic``.
The console is packed where ``make console`` has built it.
"""

from setuptools import find_packages, setup

MIGRATIONS = "adapters.sqlalchemy.alembic"

setup(
    packages=[
        *find_packages(include=["domain*", "application*", "adapters*", "entrypoints*"]),
        MIGRATIONS,
        f"{MIGRATIONS}.versions",
    ],
    package_dir={MIGRATIONS: "alembic"},
    package_data={"entrypoints": ["console_files/*", "console_files/assets/*"]},
)

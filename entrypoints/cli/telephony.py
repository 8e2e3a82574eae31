"""``backend telephony …``: set telephony up at LiveKit, and check it."""

from __future__ import annotations

import typer

from entrypoints.cli.doctor import doctor
from entrypoints.cli.trunks import rules, trunks

app = typer.Typer(
    no_args_is_help=True, help="Set telephony up at LiveKit: trunks, dispatch rules, checks."
)
app.add_typer(trunks, name="trunks")
app.add_typer(rules, name="rules")
app.command("doctor")(doctor)

"""The commands whose output is a golden file; each runs on a database of its own."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Final

import attrs

CALL, FAILED, UNKNOWN_CALL = (f"019c1400-0000-7000-8000-000000000{n}" for n in (101, 102, 999))
SESSION, PHONE_SESSION, UNKNOWN_SESSION = (
    f"019c1400-0000-7000-8000-000000000{n:03}" for n in (1, 2, 999)
)


AGENT = "019c1400-0000-7000-8000-000000000301"
AGENT_FILE = """\
name: support
agentConfig: {prompt: "You help {{name}}.", tools: [look_up_order]}
variables: {name: the customer}
---
name: sales
"""


@attrs.frozen
class Command:
    """``line`` is what follows ``backend``; FOLDER in it is a new folder.

    ``answer`` is on its standard input, ``terminal`` says whether its output is one.
    """

    line: str
    terminal: bool = attrs.field(default=False, kw_only=True)
    answer: str = attrs.field(default="", kw_only=True)
    environ: Mapping[str, str] = attrs.field(factory=dict, kw_only=True)

    @property
    def words(self) -> list[str]:
        return shlex.split(self.line)

    def __str__(self) -> str:
        variables = "".join(f"{name}={value} " for name, value in self.environ.items())
        answer = f"echo {self.answer.strip()} | " if self.answer else ""
        on = "    # on a terminal of 80 columns" if self.terminal else ""
        return f"{answer}{variables}backend {self.line}".rstrip() + on


MEMORY: Final = {"DATABASE_URL": "memory://"}
NO_DATABASE: Final = {"DATABASE_URL": "sqlite+aiosqlite:///new.db"}
LIVEKIT_KEYS: Final = {
    "LIVEKIT_API_KEY": "devkey",
    "LIVEKIT_API_SECRET": "a-secret-that-only-tests-know-0123456789",
}

COMMANDS: Final = (
    Command("version"),
    Command("--version"),
    Command("serve --port 4000"),
    Command("serve", environ={"PORT": "nonsense"}),
    Command("unknown"),
    Command("calls list --unknown"),
    Command("migrate"),
    Command("migrate", environ=NO_DATABASE),
    Command("migrate", environ=MEMORY),
    Command("migrate", environ={"DATABASE_URL": "mysql://127.0.0.1/test"}),
    Command("calls list"),
    Command("calls list", terminal=True),
    Command("calls list --json"),
    Command("calls list --limit 2"),
    Command("calls list --status active"),
    Command("calls list --direction outbound --to +442079460000"),
    Command("calls list --from '(510) 555-0100'"),
    Command("calls list --from +15105550100 --room call-_+15105550100_a1"),
    Command("calls list --since 2026-01-31T12:03:00Z --until 2026-01-31T12:06:00Z"),
    Command("calls list --room nowhere", terminal=True),
    Command("calls list --room nowhere --json"),
    Command("calls list --since yesterday"),
    Command("calls list --from nobody"),
    Command("calls list --status lost"),
    Command("calls list --limit 0"),
    Command("calls list", environ=MEMORY),
    Command(f"calls show {CALL}"),
    Command(f"calls show {CALL}", terminal=True),
    Command(f"calls show {CALL} --json"),
    Command(f"calls show {FAILED} --json"),
    Command("calls show sales"),
    Command(f"calls show {UNKNOWN_CALL}"),
    Command("calls show"),
    Command("calls tail"),
    Command("calls tail --json"),
    Command("sessions list"),
    Command("sessions list", terminal=True),
    Command("sessions list --json"),
    Command("sessions list --limit 1"),
    Command("sessions list --status active"),
    Command("sessions list --identity user-1 --room room-1"),
    Command("sessions list --since 2026-01-31T12:00:05Z --until 2026-01-31T12:01:00Z"),
    Command("sessions list --room nowhere", terminal=True),
    Command("sessions list --room nowhere --json"),
    Command("sessions list --since yesterday"),
    Command("sessions list --identity ''"),
    Command("sessions list --status lost"),
    Command("sessions list --limit 201"),
    Command("sessions list", environ=MEMORY),
    Command(f"sessions show {SESSION}"),
    Command(f"sessions show {SESSION}", terminal=True),
    Command(f"sessions show {SESSION} --json"),
    Command(f"sessions show {PHONE_SESSION} --json"),
    Command("sessions show sales"),
    Command(f"sessions show {UNKNOWN_SESSION}"),
    Command("sessions show"),
    Command("agents list"),
    Command("agents list", terminal=True),
    Command("agents list --json"),
    Command("agents list --limit 1"),
    Command("agents list", environ=MEMORY),
    Command(f"agents show {AGENT}"),
    Command("agents show support", terminal=True),
    Command("agents show support --json"),
    Command("agents show sales --tenant acme"),
    Command("agents show sales"),
    Command(f"agents versions {AGENT}"),
    Command(f"agents versions {AGENT}", terminal=True),
    Command("agents versions support --json"),
    Command("agents activate support 1"),
    Command("agents activate support 3"),
    Command("agents activate support one"),
    Command("agents delete support"),
    Command("agents delete nothing"),
    Command("agents export"),
    Command("agents export --tenant acme"),
    Command("agents export nothing"),
    Command("agents apply -f -", answer=AGENT_FILE),
    Command("agents apply -f - --tenant acme", answer=AGENT_FILE),
    Command("agents apply -f -", answer="name: support\nagentConfig: {stt: 1}\n"),
    Command("agents apply -f -", answer="name: [\n"),
    Command("agents apply -f FOLDER/missing.yaml"),
    Command("agents apply"),
    Command("inbox list"),
    Command("inbox list", terminal=True),
    Command("inbox list --status pending"),
    Command("inbox list --status handled --room room-1"),
    Command("inbox list --limit 1"),
    Command("inbox list --limit 99999"),
    Command("inbox replay EV_1 EV_3"),
    Command("inbox replay EV_1 EV_unknown"),
    Command("inbox replay --dead"),
    Command("inbox replay --dead EV_1"),
    Command("inbox replay"),
    Command("keys list"),
    Command("keys list", terminal=True),
    Command("keys create 'web site'"),
    Command("keys create dashboard --tenant acme --scope calls:read --days 30"),
    Command("keys create dashboard --scope calls:delete"),
    Command("keys create ''"),
    Command("keys rotate blk_aaaaaaaaaaaa --grace-hours 1.5"),
    Command("keys rotate blk_unknown"),
    Command("keys rotate blk_aaaaaaaaaaaa --grace-hours -1"),
    Command("keys revoke blk_bbbbbbbbbbbb"),
    Command("keys revoke blk_dddddddddddd"),
    Command("keys revoke blk_unknown"),
    Command("forget"),
    Command("forget --number +15105550100 --yes"),
    Command("forget --number +15105550100", answer="y\n"),
    Command("forget --number +15105550100", answer="n\n"),
    Command("forget --number +15105550144 --yes"),
    Command("forget --number 123 --yes"),
    Command("forget --identity user-1 --yes"),
    Command("forget --identity nobody"),
    Command("backup FOLDER/copy.db"),
    Command("backup FOLDER/ledger.db"),
    Command("backup copy.db", environ=MEMORY),
    Command("restore FOLDER/backup.db"),
    Command("restore FOLDER/missing.db"),
    Command("simulate-call --seconds 0", environ=LIVEKIT_KEYS | {"PORT": "1"}),
    Command("simulate-call --seconds 0 --url http://127.0.0.1:1"),
    Command("simulate-call --direction sideways"),
    Command("simulator --port 0"),
    Command("simulator --port 99999"),
)

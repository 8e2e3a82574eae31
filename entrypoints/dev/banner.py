"""What ``make run`` prints once everything runs."""

from __future__ import annotations

import shlex

from application.settings import DEFAULT_AGENT_NAME, RecordingFolder, Storage
from entrypoints.dev.livekit import DEV_SECRET
from entrypoints.settings import Settings

_CLI = ".venv/bin/python -m entrypoints.cli"


def banner(what: str, url: str, settings: Settings, *, guarded: bool) -> str:
    """Return the addresses and keys, and a command to try next.

    ``what`` is the LiveKit in use; ``guarded`` says whether requests need an API key.
    """
    local = settings.livekit_api_secret == DEV_SECRET
    agent = (
        f"{DEFAULT_AGENT_NAME} (the default, as existing workers register; AGENT_NAME sets it)"
        if settings.agent_name == DEFAULT_AGENT_NAME
        else settings.agent_name
    )
    telephony = (
        "on"
        if settings.telephony_enabled
        else "off; to make phone participants calls: TELEPHONY_ENABLED=true make run"
    )
    return f"""
backend-livekit is running at {url} (API documentation: {url}/docs)

  LiveKit     {what}
  URL         {settings.livekit_url}
  API key     {settings.livekit_api_key}
  API secret  {DEV_SECRET if local else "(as configured)"}
  Agent name  {agent}
  Telephony   {telephony}
  Database    {_database(settings)}
  Reports     LIVEKIT_OBSERVABILITY_URL={url} (set it for your worker)
  Recordings  {_recordings(settings)}

{_example(url, settings, guarded=guarded)}

Ctrl-C stops everything.
"""


def _database(settings: Settings) -> str:
    if settings.storage is Storage.MEMORY:
        return "in memory: nothing survives a restart"
    if settings.storage is Storage.SQLITE:
        return settings.database_url
    return "PostgreSQL, as DATABASE_URL names it"


def _recordings(settings: Settings) -> str:
    place = settings.recordings
    if place is None:
        return "off; to keep sessions' audio: RECORDINGS_URL=file://$PWD/data/recordings make run"
    if isinstance(place, RecordingFolder):
        return str(place.path)
    return f"the bucket {place.bucket}"


def _example(url: str, settings: Settings, *, guarded: bool) -> str:
    header = ' -H "Authorization: Bearer $API_KEY" \\\n   ' if guarded else ""
    curl = f"""\
  curl -s '{url}/session'{header} -H 'Content-Type: application/json' \\
    -d '{{"userIdentity": "user-42"}}'"""
    if not guarded:
        return f"Try this next, in another terminal:\n\n{curl}"
    return (
        "There are API keys, so a request needs one. Try this next, in another terminal:\n\n"
        f"  {_key(settings)}\n{curl}"
    )


def _key(settings: Settings) -> str:
    """Return the line that sets API_KEY; it shows no key."""
    if settings.storage is Storage.MEMORY:
        return "export API_KEY=...    # one of the keys in API_KEYS"
    if settings.storage is Storage.SQLITE:
        database = f"DATABASE_URL={shlex.quote(settings.database_url)} "
        return f"export API_KEY=$({database}{_CLI} keys create try-out)"
    return f"export API_KEY=$({_CLI} keys create try-out)    # with this DATABASE_URL"

"""A LiveKit worker that does what the backend's dispatch metadata says.

    export LIVEKIT_URL=… LIVEKIT_API_KEY=… LIVEKIT_API_SECRET=…   # those of the backend
    python examples/agent_worker.py dev                            # or: start

It registers as ``AGENT_NAME`` (default ``shreya-obnox``), which must equal the backend's. Speech
and language models are LiveKit Inference's, by the names in the metadata; a realtime model needs
``pip install livekit-plugins-openai``, noise cancellation
``pip install livekit-plugins-noise-cancellation``.

The agent stays as long as its room: LiveKit closes that some seconds after the last user has left
(20 by default), so a user who reloads the page meets the same agent. It listens to one user at a
time; when that one leaves, to the next.

With ``LIVEKIT_OBSERVABILITY_URL``, which is the backend's own address, the transcript, the usage
and the audio of each session are in the backend's ledger when it has ended: ``record=…`` is all
that it takes. A session with ``"record": false`` in its configuration leaves out the audio.

``AGENT_PIPELINE=offline`` needs no service at all: the agent's voice is a tone, it repeats what is
typed to it, and it answers the RPC method ``metadata`` with what it was dispatched with, so that a
test can see that.
``WORKER_PORT`` is where the worker answers health checks (default: any free port);
``WORKER_MAX_JOBS`` how many jobs count as a full load (default: the CPU tells; LiveKit hands jobs
to nobody whose load is full, and a job that nobody takes is lost).
"""

from __future__ import annotations

import json
import logging
import math
import os
from array import array
from typing import Any

import attrs
from livekit import rtc
from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    Agent,
    AgentServer,
    AgentSession,
    APIConnectOptions,
    CloseEvent,
    ErrorEvent,
    JobContext,
    cli,
    inference,
    llm,
    room_io,
    tts,
)
from livekit.agents.job import DEFAULT_PARTICIPANT_KINDS

log = logging.getLogger("agent-worker")

SAMPLE_RATE = 24000

server = AgentServer(port=int(os.environ.get("WORKER_PORT", "0")))
if max_jobs := os.environ.get("WORKER_MAX_JOBS"):
    server.load_fnc = lambda worker: len(worker.active_jobs) / int(max_jobs)


@attrs.frozen(kw_only=True)
class CallConfig:
    """The dispatch metadata: every field of the backend's contract, and ``extra`` for the rest.

    ``call_id``, ``caller_number``, ``called_number`` and ``direction`` are those of a phone call.
    """

    session_id: str | None = None
    call_id: str | None = None
    caller_number: str | None = None
    called_number: str | None = None
    direction: str | None = None
    stt: str = "assemblyai/universal-streaming:en"
    tts: str = "cartesia/sonic-3:9626c31c-bec5-4cca-baa8-f8ba9e84c8bc"
    llm: str = "openai/gpt-4o-mini"
    prompt: str = "You are a helpful voice assistant."
    greeting: str | None = None
    realtime: bool = False
    realtime_model: str = "gpt-4o-realtime-preview"
    realtime_voice: str = "sage"
    vad_enabled: bool = True
    turn_detection_enabled: bool = True
    noise_cancellation_enabled: bool = True
    noise_cancellation_type: str = "auto"
    extra: dict[str, Any] = attrs.field(factory=dict)

    @classmethod
    def parse(cls, metadata: str) -> CallConfig:
        """The configuration in ``metadata``; what is missing or unusable falls back to defaults."""
        try:
            given = json.loads(metadata or "{}")
        except (ValueError, RecursionError):
            log.warning("the dispatch metadata is not JSON; going on with defaults")
            given = {}
        if not isinstance(given, dict):
            log.warning("the dispatch metadata is not an object; going on with defaults")
            given = {}
        known = {field.name: field.default for field in attrs.fields(cls) if field.name != "extra"}
        values = {}
        for key in known.keys() & given.keys():
            expected = bool if isinstance(known[key], bool) else str
            if isinstance(given[key], expected):
                values[key] = given[key]
            elif given[key] is not None:
                log.warning("%s in the dispatch metadata is no %s", key, expected.__name__)
        extra = {key: value for key, value in given.items() if key not in known}
        return cls(**values, extra=extra)


@server.rtc_session(agent_name=os.environ.get("AGENT_NAME", "shreya-obnox"))
async def serve_room(ctx: JobContext) -> None:
    """One job: join the room and talk until LiveKit closes it."""
    config = CallConfig.parse(ctx.job.metadata)
    ctx.log_context_fields = {"session_id": config.session_id, "call_id": config.call_id}
    offline = os.environ.get("AGENT_PIPELINE") == "offline"
    session = offline_session() if offline else online_session(config)

    # A mute agent that stayed in the room would keep the backend from sending a new one.
    def leave(event: CloseEvent) -> None:
        ctx.shutdown(event.reason.value)

    def leave_without_realtime_model(event: ErrorEvent) -> None:
        # livekit-agents 1.8.9 closes then, but fails to, and emits no "close".
        if isinstance(event.error, llm.RealtimeModelError) and not event.error.recoverable:
            ctx.shutdown("the realtime model failed")

    session.on("close", leave)
    session.on("error", leave_without_realtime_model)
    await session.start(
        Agent(instructions=config.prompt),
        room=ctx.room,
        room_options=room_options(config, offline=offline),
        record="LIVEKIT_OBSERVABILITY_URL" in os.environ
        and {"audio": config.extra.get("record") is not False},
    )
    listen_to_one_user_after_another(ctx.room, session)
    if offline:
        ctx.room.local_participant.register_rpc_method("metadata", lambda _call: ctx.job.metadata)
    if config.greeting and config.realtime and not offline:  # a realtime model takes no fixed text
        session.generate_reply(instructions=f"Say exactly this: {config.greeting}")
    elif config.greeting:
        session.say(config.greeting)


def listen_to_one_user_after_another(room: rtc.Room, session: AgentSession[None]) -> None:
    """Without this the agent is deaf from the moment the first user leaves."""
    heard: str | None = None

    def choose(_who: rtc.RemoteParticipant | None = None) -> None:
        nonlocal heard
        users = [
            participant.identity
            for participant in room.remote_participants.values()
            if participant.kind in DEFAULT_PARTICIPANT_KINDS
        ]
        chosen = heard if heard in users else next(iter(users), None)
        if chosen != heard:
            heard = chosen
            session.room_io.set_participant(chosen)

    room.on("participant_connected", choose)
    room.on("participant_disconnected", choose)
    choose()


def online_session(config: CallConfig) -> AgentSession[None]:
    """Speech to text, a language model and text to speech; or one realtime model for all three."""
    if config.realtime:
        try:
            from livekit.plugins import openai  # noqa: PLC0415 - optional
        except ImportError as error:
            raise RuntimeError(
                "agentConfig.realtime needs `pip install livekit-plugins-openai`"
            ) from error
        model = openai.realtime.RealtimeModel(
            model=config.realtime_model, voice=config.realtime_voice
        )
        return AgentSession(llm=model)
    return AgentSession(
        stt=config.stt,
        llm=config.llm,
        tts=config.tts,
        vad=inference.VAD() if config.vad_enabled else None,
        turn_handling={
            "turn_detection": inference.TurnDetector() if config.turn_detection_enabled else None
        },
    )


def offline_session() -> AgentSession[None]:
    """A voice that is a tone, and ears that hear whether somebody speaks."""
    return AgentSession(tts=ToneTTS(), vad=inference.VAD())


def room_options(config: CallConfig, *, offline: bool) -> room_io.RoomOptions:
    """How the agent hears the room: noise cancellation as configured, where it is installed."""
    filter_ = None if offline else noise_cancellation(config)
    return room_io.RoomOptions(
        audio_input=room_io.AudioInputOptions(noise_cancellation=filter_),
        text_input=room_io.TextInputOptions(text_input_cb=repeat) if offline else True,
        close_on_disconnect=False,
    )


def repeat(session: AgentSession[None], typed: room_io.TextInputEvent) -> None:
    """The offline answer to a message, which a model would have put into the history."""
    session.history.add_message(role="user", content=typed.text)
    session.say(typed.text)


def noise_cancellation(config: CallConfig) -> rtc.NoiseCancellationOptions | None:
    """The filter for ``noise_cancellation_type``: ``auto`` is by the presence of a phone call."""
    kind = config.noise_cancellation_type
    if not config.noise_cancellation_enabled or kind == "none":
        return None
    try:
        from livekit.plugins import noise_cancellation as filters  # noqa: PLC0415 - optional
    except ImportError:
        log.info("noise cancellation is not installed; going on without")
        return None
    phone = kind == "telephony" or (kind == "auto" and config.call_id is not None)
    chosen: rtc.NoiseCancellationOptions = filters.BVCTelephony() if phone else filters.BVC()
    return chosen


class ToneTTS(tts.TTS[str]):
    """Speaks a tone, 60 ms for each character, without any service."""

    def __init__(self) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=False),
            sample_rate=SAMPLE_RATE,
            num_channels=1,
        )

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        """The tone for ``text``."""
        return ToneStream(tts=self, input_text=text, conn_options=conn_options)


class ToneStream(tts.ChunkedStream):
    """One utterance."""

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        output_emitter.initialize(
            request_id="tone", sample_rate=SAMPLE_RATE, num_channels=1, mime_type="audio/pcm"
        )
        samples = int(SAMPLE_RATE * 0.06) * len(self.input_text)
        wave = (int(6000 * math.sin(math.tau * 440 * n / SAMPLE_RATE)) for n in range(samples))
        output_emitter.push(array("h", wave).tobytes())
        output_emitter.flush()


if __name__ == "__main__":
    cli.run_app(server)

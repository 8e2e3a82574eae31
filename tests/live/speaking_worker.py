"""The example worker with ears and a mind that need no service, for turns that are spoken.

A participant who speaks, or plays a tone, has said ``$QUESTION``; the model says ``$ANSWER``. Both
report their usage as the plugins of livekit-agents do.
"""

from __future__ import annotations

import os
import time
from typing import Any, Final

import numpy as np
from livekit import rtc
from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    AgentSession,
    APIConnectOptions,
    LanguageCode,
    cli,
    llm,
    stt,
)

from examples import agent_worker

_LOUD: Final = 1000
_SILENCE_SECONDS: Final = 0.3


class ToneSTT(stt.STT[str]):
    """Takes what is loud, until it is silent for a while, for the question."""

    model = "tones"
    provider = "tests"

    def __init__(self) -> None:
        # Without a flush that is answered, a session waits two seconds for words when it closes.
        able = stt.STTCapabilities(streaming=True, interim_results=False, manual_flush=True)
        super().__init__(capabilities=able)

    async def _recognize_impl(self, *_: Any, **__: Any) -> stt.SpeechEvent:
        raise NotImplementedError

    def stream(
        self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS, **_: Any
    ) -> stt.RecognizeStream:
        """Begin to listen."""
        return ToneRecognition(stt=self, conn_options=conn_options)


class ToneRecognition(stt.RecognizeStream):
    """What one user says."""

    async def _run(self) -> None:
        heard = silent = 0.0
        async for frame in self._input_ch:
            if not isinstance(frame, rtc.AudioFrame):  # a flush
                self._understood("", heard, time.time())
                heard = silent = 0.0
                continue
            is_loud = bool(np.abs(np.frombuffer(frame.data, np.int16)).max(initial=0) > _LOUD)
            if not heard and is_loud:
                self._event_ch.send_nowait(stt.SpeechEvent(stt.SpeechEventType.START_OF_SPEECH))
            if heard or is_loud:
                heard += frame.duration
                silent = 0.0 if is_loud else silent + frame.duration
            if silent >= _SILENCE_SECONDS:
                self._understood(os.environ["QUESTION"], heard, time.time() - silent)
                heard = silent = 0.0

    def _understood(self, text: str, heard: float, ended_at: float) -> None:
        said = [stt.SpeechData(language=LanguageCode("en"), text=text)]
        usage = stt.RecognitionUsage(audio_duration=heard)
        kind = stt.SpeechEventType
        for event in (
            stt.SpeechEvent(kind.FINAL_TRANSCRIPT, alternatives=said),
            stt.SpeechEvent(kind.RECOGNITION_USAGE, recognition_usage=usage),
            stt.SpeechEvent(kind.END_OF_SPEECH, speech_end_time=ended_at),
        ):
            self._event_ch.send_nowait(event)


class FixedLLM(llm.LLM[str]):
    """Says the answer to everything."""

    model = "fixed"
    provider = "tests"

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        **_: Any,
    ) -> llm.LLMStream:
        """Begin to answer."""
        return FixedAnswer(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


class FixedAnswer(llm.LLMStream):
    """One answer."""

    async def _run(self) -> None:
        delta = llm.ChoiceDelta(role="assistant", content=os.environ["ANSWER"])
        usage = llm.CompletionUsage(prompt_tokens=20, completion_tokens=3, total_tokens=23)
        self._event_ch.send_nowait(llm.ChatChunk(id="answer", delta=delta))
        self._event_ch.send_nowait(llm.ChatChunk(id="answer", usage=usage))


def speaking_session() -> AgentSession[None]:
    """Without a VAD: its model hears no speech in a tone."""
    return AgentSession(
        stt=ToneSTT(),
        llm=FixedLLM(),
        tts=agent_worker.ToneTTS(),
        turn_handling={"turn_detection": "stt"},
    )


agent_worker.offline_session = speaking_session  # each job's process imports this program

if __name__ == "__main__":
    cli.run_app(agent_worker.server)

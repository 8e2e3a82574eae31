/** A session's recording: its audio, and its waveform once that is in sight. */

import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Recording } from "../api/conversation";
import type { Session } from "../api/types";
import type { Playback } from "../state/playback";
import { seconds, timeOf } from "../ui/format";
import { loadPeaks, MOST_BYTES, MOST_SECONDS } from "../ui/peaks";
import { Empty } from "../ui/states";
import { Waveform } from "../ui/waveform";

interface Props {
  session: Session;
  all: Recording[];
  playable: Recording[];
  chosen: Recording | null;
  choose(recordingId: string): void;
  playback: Playback;
  captions: string;
}

export function RecordingPanel(props: Props) {
  const { session, all, playable, chosen, choose, playback, captions } = props;
  const id = useId();
  return (
    <>
      {all
        .filter((each) => !playable.includes(each))
        .map((each) => (
          <Unplayable key={each.recordingId} recording={each} />
        ))}
      {all.length === 0 && <NoRecording session={session} />}
      {playable.length > 1 && (
        <div class="field">
          <label for={id}>Which recording</label>
          <select
            id={id}
            value={chosen?.recordingId}
            onChange={(event) => {
              choose(event.currentTarget.value);
            }}
          >
            {playable.map((each) => (
              <option key={each.recordingId} value={each.recordingId}>
                {timeOf(each.startedAt ?? each.createdAt)}, by {SOURCES[each.source]}
              </option>
            ))}
          </select>
        </div>
      )}
      {chosen !== null && (
        <Player
          key={chosen.recordingId}
          sessionId={session.sessionId}
          recording={chosen}
          playback={playback}
          captions={captions}
        />
      )}
    </>
  );
}

const SOURCES = { report: "the agent's worker", egress: "LiveKit's egress" };

function Unplayable({ recording }: { recording: Recording }) {
  if (recording.status === "failed") {
    return <p class="failed">A recording by LiveKit's egress has failed: {recording.error}</p>;
  }
  if (recording.missingAt !== null) {
    return (
      <p class="failed">
        The store did not have the audio of a recording any more at {timeOf(recording.missingAt)}.
        It plays again once the object is back where <code>RECORDINGS_URL</code> points.
      </p>
    );
  }
  return (
    <p class="dim" role="status">
      The session is being recorded; the audio can be played once LiveKit has stored it.
    </p>
  );
}

function NoRecording({ session }: { session: Session }) {
  if (session.agentConfig["record"] === false) {
    return (
      <Empty>
        <p>
          No recording was kept: the session's configuration has <code>record: false</code>.
        </p>
      </Empty>
    );
  }
  return (
    <Empty>
      <p>
        There is no recording. For the audio of later sessions set <code>RECORDINGS_URL</code> for
        this service (docs/recordings.md), and start the worker with{" "}
        <code>LIVEKIT_OBSERVABILITY_URL={location.origin}</code>. It sends the audio when the
        session closes.
      </p>
    </Empty>
  );
}

interface PlayerProps {
  sessionId: string;
  recording: Recording;
  playback: Playback;
  captions: string;
}

/** Plays by the service's own route, which the console's cookie opens, wherever the audio is. */
function Player({ sessionId, recording, playback, captions }: PlayerProps) {
  const { recordingId, durationSeconds, sizeBytes } = recording;
  const url = `/sessions/${encodeURIComponent(sessionId)}/recording?recordingId=${encodeURIComponent(recordingId)}`;
  const audio = useRef<HTMLAudioElement>(null);
  const [failed, setFailed] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const { peaks, note } = useWaveform(url, box, (sizeBytes ?? 0) > MOST_BYTES, playback);
  const look = () => {
    playback.look(durationSeconds);
  };
  // Before the browser can have said anything of the audio.
  useLayoutEffect(() => {
    playback.attach(audio.current);
    return () => {
      playback.attach(null);
    };
  }, [playback]);
  return (
    <div ref={box} class="player">
      <Waveform playback={playback} peaks={peaks} />
      <audio
        ref={audio}
        controls
        preload="metadata"
        src={url}
        aria-label="Recording"
        onLoadedMetadata={look}
        onDurationChange={look}
        onTimeUpdate={look}
        onSeeked={look}
        onPlay={look}
        onPause={look}
        onEnded={look}
        onError={() => {
          setFailed(true);
        }}
      >
        <track kind="captions" src={captions} />
      </audio>
      {failed && (
        <p class="failed" role="alert">
          The audio cannot be played. Reload the page, to see whether you are still signed in and
          the recording is still there.
        </p>
      )}
      <p class="dim">
        {seconds(playback.duration.value || durationSeconds)}, recorded by {SOURCES[recording.source]}
        {recording.startedAt === null &&
          "; its beginning was not reported, so times of turns are approximate"}
        {note !== null && `; ${note}`}
      </p>
    </div>
  );
}

const LONG = "too long for a waveform";

/** Decode the audio once the player is in sight, if it is short enough. */
function useWaveform(
  url: string,
  box: { current: HTMLElement | null },
  large: boolean,
  playback: Playback,
): { peaks: Float32Array | null; note: string | null } {
  const [peaks, setPeaks] = useState<Float32Array | null>(null);
  const [note, setNote] = useState<string | null>(large ? LONG : null);
  const [seen, setSeen] = useState(false);
  const duration = playback.duration.value;
  useEffect(() => {
    if (box.current === null) return;
    const observer = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) setSeen(true);
    });
    observer.observe(box.current);
    return () => {
      observer.disconnect();
    };
  }, []);
  const known = duration > 0;
  const tooLong = large || duration > MOST_SECONDS;
  useEffect(() => {
    if (tooLong) setNote(LONG);
    if (!seen || !known || tooLong) return;
    const controller = new AbortController();
    loadPeaks(url, controller.signal).then(
      (found) => {
        setPeaks(found);
        if (found === null) setNote(LONG);
      },
      () => {
        if (!controller.signal.aborted) setNote("its waveform cannot be drawn");
      },
    );
    return () => {
      controller.abort();
    };
  }, [url, seen, known, tooLong]);
  return { peaks, note };
}

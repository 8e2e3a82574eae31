/** What was said and heard: the recording and the transcript, which follow each other. */

import { useEffect, useMemo, useState } from "preact/hooks";
import type { Recording, Transcript } from "../api/conversation";
import type { Session } from "../api/types";
import { about, type Concerns } from "../live/concerns";
import { Playback } from "../state/playback";
import { may } from "../state/session";
import { turnsOf } from "../state/turns";
import { Latencies } from "../ui/latencies";
import { Failed, Loading } from "../ui/states";
import { useFollowed } from "../ui/use_followed";
import { RecordingPanel } from "./recording";
import { TranscriptPanel } from "./transcript";

interface Recordings {
  recordings: Recording[];
}

interface Props {
  session: Session;
  /** Where its transcript is: the session's, or the call's part of it. */
  path: string;
}

export function Conversation({ session, path }: Props) {
  const id = session.sessionId;
  const recordingsPath = `/sessions/${encodeURIComponent(id)}/recordings`;
  const recordings = useFollowed<Recordings>(recordingsPath, about([id], ["recording.ready"]));
  const playback = useMemo(() => new Playback(), [id]);
  const [chosenId, choose] = useState<string | null>(null);
  const all = recordings.value?.recordings ?? [];
  const playable = all.filter((each) => each.status === "available" && each.missingAt === null);
  const chosen = playable.find((each) => each.recordingId === chosenId) ?? playable[0] ?? null;
  return (
    <>
      <h2>Recording</h2>
      {recordings.error !== null && (
        <Failed error={recordings.error} retry={() => void recordings.reload()} />
      )}
      {recordings.value === null && recordings.error === null && <Loading what="recordings" />}
      {recordings.value !== null && (
        <RecordingPanel
          session={session}
          all={all}
          playable={playable}
          chosen={chosen}
          choose={choose}
          playback={playback}
          captions={`${path}.vtt`}
        />
      )}
      {may("calls:read") && (
        <Said
          path={path}
          concerns={about([id], CHANGES)}
          origin={chosen?.startedAt ?? session.createdAt}
          playback={playback}
        />
      )}
    </>
  );
}

const CHANGES = ["transcript.ready", "session.ended", "session.corrected"];

interface SaidProps {
  path: string;
  concerns: Concerns;
  origin: string;
  playback: Playback;
}

function Said({ path, concerns, origin, playback }: SaidProps) {
  const { value, error, reload } = useFollowed<Transcript>(path, concerns);
  const items = value?.items;
  const turns = useMemo(() => turnsOf(items ?? [], origin), [items, origin]);
  useEffect(() => {
    playback.turns.value = turns;
  }, [playback, turns]);
  return (
    <>
      <h2>Transcript</h2>
      {error !== null && <Failed error={error} retry={() => void reload()} />}
      {value === null && error === null && <Loading what="the transcript" />}
      {value !== null && (
        <>
          <Latencies turns={turns} playback={playback} />
          <TranscriptPanel turns={turns} transcript={value} path={path} playback={playback} />
        </>
      )}
    </>
  );
}

/** How long the user waited for each answer, turn by turn. */

import type { Playback } from "../state/playback";
import { median } from "../state/per_minute";
import type { Turn } from "../state/turns";
import { clock, seconds } from "./format";

/** From then on a user notices the wait. */
const SLOW = 2;
const MOST_BARS = 500;

export function Latencies({ turns, playback }: { turns: readonly Turn[]; playback: Playback }) {
  const answered = turns.filter((turn) => turn.latency !== null);
  if (answered.length === 0) return null;
  const values = answered.map((turn) => turn.latency ?? 0);
  const most = values.reduce((longest, value) => Math.max(longest, value), 0);
  return (
    <figure class="latencies">
      <figcaption>
        <strong>Turn latency</strong>{" "}
        <span class="dim">
          median {seconds(median(values))}, longest {seconds(most)} of {values.length.toLocaleString()}
          {values.length > MOST_BARS && `; the first ${MOST_BARS.toString()} are drawn`}
        </span>
      </figcaption>
      <div class="bars">
        {answered.slice(0, MOST_BARS).map(({ item, latency, from }) => (
          <button
            key={item.id}
            type="button"
            class={(latency ?? 0) > SLOW ? "slow" : ""}
            aria-label={`${from === null ? "Answer" : `Answer at ${clock(from)}`} after ${seconds(latency)}`}
            title={seconds(latency)}
            style={{ height: `${(4 + (56 * (latency ?? 0)) / Math.max(most, 1)).toString()}px` }}
            onClick={() => {
              if (from !== null) playback.seek(from);
            }}
          />
        ))}
      </div>
    </figure>
  );
}

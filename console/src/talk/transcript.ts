/** What is said, put together from LiveKit's text streams of the topic `lk.transcription`. */

export interface Line {
  key: string;
  /** Whose speech it is: the person at this browser's, or the agent's. */
  who: "user" | "agent";
  text: string;
  /** Whether it may still change. */
  final: boolean;
  /** When its newest stream began, by the sender's clock. */
  stream: number;
}

/** All of a segment that one stream has brought so far. */
export interface Piece {
  segment: string;
  who: Line["who"];
  text: string;
  final: boolean;
  stream: number;
}

export const MOST_LINES = 500;
const LONGEST = 10_000;

/**
 * Return the lines with what a stream brought.
 *
 * An agent's segment comes as one stream that grows; a user's as one stream for each better guess,
 * under the same id. A stream that is older than the one that is shown changes nothing.
 */
export function heard(lines: readonly Line[], piece: Piece): readonly Line[] {
  const key = `${piece.who} ${piece.segment}`;
  const text = piece.text.slice(0, LONGEST);
  const line: Line = { key, who: piece.who, text, final: piece.final, stream: piece.stream };
  const at = lines.findIndex((each) => each.key === key);
  const known = lines[at];
  if (known === undefined) {
    return text.trim() === "" ? lines : [...lines, line].slice(-MOST_LINES);
  }
  if (piece.stream < known.stream || (known.final && !piece.final)) return lines;
  return lines.with(at, line);
}

/** Times and values as people read them. */

const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });

/** The local time, with the day unless that is today. */
export function timeOf(text: string | null, now = new Date()): string {
  if (text === null) return "–";
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) return text;
  const today = time.toDateString() === now.toDateString();
  return today ? TIME.format(time) : `${DAY.format(time)}, ${TIME.format(time)}`;
}

export function seconds(value: number | null): string {
  if (value === null) return "–";
  if (value < 10) return `${value.toFixed(1)} s`;
  const whole = Math.round(value);
  if (whole < 60) return `${whole.toString()} s`;
  const [minutes, rest] = [Math.floor(whole / 60), whole % 60];
  if (minutes < 60) return `${minutes.toString()} min ${rest.toString()} s`;
  return `${Math.floor(minutes / 60).toString()} h ${(minutes % 60).toString()} min`;
}

/** `0.01230000` → `0.0123`, `2.00000000` → `2.00`. */
export function money(amount: string): string {
  return amount.replace(/(\.\d\d\d*?)0+$/, "$1");
}

/** `83` → `1:23`. */
export function clock(value: number): string {
  const whole = Math.max(0, Math.floor(value));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const rest = (whole % 60).toString().padStart(2, "0");
  if (hours === 0) return `${minutes.toString()}:${rest}`;
  return `${hours.toString()}:${minutes.toString().padStart(2, "0")}:${rest}`;
}

/** `agent_dispatched` → `agent dispatched`. */
export function words(name: string): string {
  return name.replaceAll("_", " ").toLowerCase();
}

const SOURCES: Record<string, string> = {
  webhook: "LiveKit's webhook",
  reconciler: "the reconciler, which compared with LiveKit",
  api: "a request to the API",
  worker: "the agent's worker",
  livekit: "LiveKit, which was asked",
  ledger: "the ledger",
};

export function sourceOf(source: string): string {
  return SOURCES[source] ?? source;
}

/** A recording's loudness over time, decoded in the browser. */

export const MOST_BYTES = 30 * 1024 * 1024;
/** A browser decodes at the audio's own rate: a minute of stereo takes 23 MB meanwhile. */
export const MOST_SECONDS = 20 * 60;
export const BUCKETS = 2000;
/** The lowest rate that every browser decodes to. */
const RATE = 8000;

/** The loudest sample of each part of the audio, as a fraction of the loudest of all. */
export function peaks(channels: readonly Float32Array[], buckets = BUCKETS): Float32Array {
  const found = new Float32Array(buckets);
  for (const samples of channels) {
    const each = samples.length / buckets;
    samples.forEach((sample, index) => {
      const bucket = Math.min(buckets - 1, Math.floor(index / each));
      found[bucket] = Math.max(found[bucket] ?? 0, Math.abs(sample));
    });
  }
  const most = found.reduce((loudest, peak) => Math.max(loudest, peak), 0);
  return most > 0 ? found.map((peak) => peak / most) : found;
}

/** Fetch and decode the audio at `url`; null if it is longer than is decoded. */
export async function loadPeaks(url: string, signal: AbortSignal): Promise<Float32Array | null> {
  const answer = await fetch(url, { credentials: "same-origin", signal });
  const length = Number(answer.headers.get("content-length") ?? "0");
  if (!answer.ok || length > MOST_BYTES) {
    await answer.body?.cancel();
    if (answer.ok) return null;
    throw new Error(`The service answered ${answer.status.toString()}.`);
  }
  const context = new OfflineAudioContext(1, 1, RATE);
  const audio = await context.decodeAudioData(await answer.arrayBuffer());
  const channels = Array.from({ length: audio.numberOfChannels }, (_, channel) =>
    audio.getChannelData(channel),
  );
  return peaks(channels);
}

/** The browser's microphone, or a sentence that says why there is none. */

export class NoMicrophone extends Error {}

const REASONS: Record<string, string> = {
  NotAllowedError:
    "This page may not use the microphone. Permit it in the browser's settings for this site, then try again.",
  NotFoundError: "There is no microphone. Connect one, then try again.",
  NotReadableError: "Another program uses the microphone. Close it, then try again.",
};

export async function openMicrophone(): Promise<MediaStreamTrack> {
  // Older browsers, and pages without TLS that are not on this machine, have no such object.
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (devices === undefined) {
    throw new NoMicrophone(
      "Browsers give the microphone only to pages with https:// and to those of this machine (http://localhost).",
    );
  }
  try {
    const stream = await devices.getUserMedia({
      audio: { autoGainControl: true, echoCancellation: true, noiseSuppression: true },
    });
    const [track] = stream.getAudioTracks();
    if (track !== undefined) return track;
  } catch (error) {
    const { name, message } = error as DOMException;
    throw new NoMicrophone(REASONS[name] ?? `The microphone cannot be used: ${message}`);
  }
  throw new NoMicrophone("The microphone gives no audio.");
}

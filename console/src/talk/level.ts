/** How loud a track of audio is. */

/** Samples that are looked at: 85 ms at 48 kHz. */
const WINDOW = 4096;

export class Level {
  private readonly analyser: AnalyserNode;
  private readonly source: MediaStreamAudioSourceNode;
  private readonly samples = new Float32Array(WINDOW);

  constructor(context: AudioContext, track: MediaStreamTrack) {
    this.analyser = context.createAnalyser();
    this.analyser.fftSize = WINDOW;
    this.source = context.createMediaStreamSource(new MediaStream([track]));
    this.source.connect(this.analyser);
  }

  /** The root mean square of the newest samples, 0 to 1. */
  read(): number {
    this.analyser.getFloatTimeDomainData(this.samples);
    let sum = 0;
    for (const sample of this.samples) sum += sample * sample;
    return Math.sqrt(sum / this.samples.length);
  }

  stop(): void {
    this.source.disconnect();
  }
}

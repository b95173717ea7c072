// What a job has printed, put together from `hoist/jobOutput` as it comes and `hoist/output` for what came before. Each byte once, in order. Pure: the request is handed in.
import type { JobOutput, OutputAnswer, Stream } from "./protocol.ts";

export interface Piece {
  stream: Stream;
  text: string;
}

/** Asks the server for a stream's bytes from `offset`. */
export type Fetch = (stream: Stream, offset: number) => Promise<OutputAnswer>;

/** At most this many UTF-16 units are kept of one job; the log on disk has all of it. */
export const keep = 16 * 1024 * 1024;

export class Output {
  readonly #fetch: Fetch;
  readonly #keep: number;
  readonly #pieces: Piece[] = [];
  #length = 0;
  /** UTF-16 units that were dropped at the front to stay below the limit. */
  #dropped = 0;
  readonly #wasFetched: Record<Stream, boolean> = { stdout: false, stderr: false };
  readonly #next: Record<Stream, number> = { stdout: 0, stderr: 0 };
  #listener: ((piece: Piece) => void) | undefined;
  /** Everything that adds text goes through this chain, one after the other, so that pieces never overtake each other. */
  #work: Promise<void> = Promise.resolve();

  constructor(fetch: Fetch, limit = keep) {
    this.#fetch = fetch;
    this.#keep = limit;
  }

  /** What is kept now, in the order in which it came, and whether something before it was dropped. */
  get pieces(): readonly Piece[] {
    return this.#pieces;
  }
  get dropped(): number {
    return this.#dropped;
  }

  /** Whether text of both streams was fetched: then their lines stand one stream after the other, as nobody knows in which order they came. */
  get isApart(): boolean {
    return this.#wasFetched.stdout && this.#wasFetched.stderr;
  }

  /** Calls back with every piece that is added from now on. One listener at a time: the panel. */
  listen(listener: ((piece: Piece) => void) | undefined): void {
    this.#listener = listener;
  }

  /** Takes one notification. Bytes that are known already are left out; a gap before it is fetched first. */
  take(note: JobOutput): Promise<void> {
    return this.#then(async () => {
      if (note.next <= this.#next[note.stream]) return;
      if (note.offset === this.#next[note.stream]) this.#add(note.stream, note.text, note.next);
      else await this.#catchUp(note.stream, note.next);
    });
  }

  /** Fetches what the server has of both streams by now. */
  load(): Promise<void> {
    return this.#then(async () => {
      await this.#catchUp("stdout", undefined);
      await this.#catchUp("stderr", undefined);
    });
  }

  #then(step: () => Promise<void>): Promise<void> {
    const done = this.#work.then(step);
    this.#work = done.catch(() => undefined);
    return done;
  }

  /** Fetches until the stream is known up to `goal`, or, without one, up to its present size. */
  async #catchUp(stream: Stream, goal: number | undefined): Promise<void> {
    for (;;) {
      const answer = await this.#fetch(stream, this.#next[stream]);
      if (answer.next > this.#next[stream]) {
        // Of a very long log only the end is worth the way.
        const skip = answer.size - this.#keep;
        if (skip > answer.next) {
          this.#dropped += skip - this.#next[stream];
          this.#next[stream] = skip;
          continue;
        }
        this.#wasFetched[stream] = true;
        this.#add(stream, answer.text, answer.next);
      } else if (answer.next <= this.#next[stream]) return;
      if (this.#next[stream] >= (goal ?? answer.size)) return;
    }
  }

  #add(stream: Stream, text: string, next: number): void {
    this.#next[stream] = next;
    if (text === "") return;
    const last = this.#pieces.at(-1);
    // Joined up to a size that is cheap to copy: many small pieces would be dear to send to the panel again.
    if (last && last.stream === stream && last.text.length < 16_384) last.text += text;
    else this.#pieces.push({ stream, text });
    this.#length += text.length;
    while (this.#length > this.#keep && this.#pieces.length > 1) {
      const old = this.#pieces.shift();
      this.#length -= old?.text.length ?? 0;
      this.#dropped += old?.text.length ?? 0;
    }
    this.#listener?.({ stream, text });
  }
}

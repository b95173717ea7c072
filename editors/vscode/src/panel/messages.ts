// What the extension and the script of its output panel say to each other.
import type { Piece } from "../output.ts";

/** A job as the panel shows it. Everything is text already; the panel knows nothing of jobs. */
export interface Head {
  job: string;
  title: string;
  target: string;
  /** "running", "succeeded", ... : chooses icon and colour. */
  state: string;
  active: boolean;
  /** The state in words, without the time. */
  words: string;
  /** Milliseconds since 1970 when the entry started, while it runs: the panel counts on from there. */
  since: number | undefined;
  /** Why it waits or what goes on right now. */
  note: string;
  result: string | undefined;
  error: { line: string; frames: { text: string; link: Link | undefined }[] } | undefined;
}

export interface Link {
  uri: string;
  /** Counts from 1. */
  line: number;
}

export type ToPanel =
  | { type: "show"; head: Head | undefined; pieces: readonly Piece[] }
  | { type: "note"; job: string; text: string }
  | { type: "head"; head: Head }
  | { type: "append"; job: string; pieces: Piece[] };

export type FromPanel = { type: "ready" } | { type: "open"; link: Link } | { type: "openText"; file: string; line: number } | { type: "copy"; text: string };

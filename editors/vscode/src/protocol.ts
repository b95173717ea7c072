// What goes over the wire beyond LSP, as editors/PROTOCOL.md writes it down. Types only, and the methods' names.

export type JobState = "preparing" | "uploading" | "queued" | "running" | "succeeded" | "failed" | "cancelled" | "timed_out" | "lost";
export type Stream = "stdout" | "stderr";

/** One level of a Python traceback, outermost first. `line` counts from 1; `uri` stands where the file is one of the user's here. */
export interface Frame {
  file: string;
  line: number;
  function?: string;
  uri?: string;
}

export interface JobError {
  type: string;
  message: string;
  frames?: Frame[];
  traceback?: string;
}

/** `hoist/jobChanged`, and the elements of the answer to `hoist/jobs`. Times in milliseconds since 1970, `line` 0-based. */
export interface Job {
  job: string;
  state: JobState;
  name: string;
  entry: string;
  uri: string;
  line?: number | null;
  target: string;
  args?: string | null;
  sweep?: { sweep: string; index: number; of: number } | null;
  suggests?: Record<string, string> | null;
  created: number;
  started?: number | null;
  ended?: number | null;
  wallSeconds?: number | null;
  usage?: { text: string } | null;
  advice?: string[] | null;
  reason?: string | null;
  message?: string | null;
  result?: { repr: string; json?: unknown; previews?: Preview[] | null } | null;
  error?: JobError | null;
  figures?: LeftFile[] | null;
  files?: LeftFile[] | null;
  moreFiles?: number | null;
}

/** What there is to see of an array, a frame, a series or a figure; `about` is what it is, in a line. */
export interface Preview {
  at?: string;
  kind: string;
  about: string;
  text?: string;
  cut?: boolean;
}

/** A file that a job left, below its folder; `uri` once it is on this machine. */
export interface LeftFile {
  path: string;
  bytes: number;
  uri?: string;
}

/** `hoist/jobOutput`. `offset` and `next` count bytes of the stream. */
export interface JobOutput {
  job: string;
  stream: Stream;
  offset: number;
  next: number;
  text: string;
}

/** The answer to `hoist/output`: the bytes from `offset` up to `next`; `size` is how many there are by now. */
export interface OutputAnswer {
  offset: number;
  next: number;
  size: number;
  text: string;
}

/** `hoist/ask`, from the server. */
export interface Question {
  kind: "text" | "secret" | "choice" | "confirm";
  title: string;
  detail?: string | null;
  default?: string | boolean | null;
  choices?: string[] | null;
}

/** `hoist/showText`, from the server: a document that cannot be changed. */
export interface ShowText {
  title: string;
  language: string;
  text: string;
}

/** `hoist/showFile`, from the server: any file of this machine, a picture for instance. */
export interface ShowFile {
  job: string;
  uri: string;
  takeFocus: boolean;
}

export interface RunArguments {
  uri: string;
  entry: string;
  target?: string;
  args?: string;
  force?: boolean;
}

export const method = {
  jobChanged: "hoist/jobChanged",
  jobOutput: "hoist/jobOutput",
  showOutput: "hoist/showOutput",
  showText: "hoist/showText",
  showFile: "hoist/showFile",
  jobs: "hoist/jobs",
  output: "hoist/output",
  ask: "hoist/ask",
} as const;

/** Commands of the server. vscode-languageclient registers them in VS Code by these very ids; the extension's own have other ids. */
export const serverCommand = {
  run: "hoist.run",
  runWith: "hoist.runWith",
  runOn: "hoist.runOn",
  runSweep: "hoist.runSweep",
  runMap: "hoist.runMap",
  rerun: "hoist.rerun",
  cancel: "hoist.cancel",
  showPackage: "hoist.showPackage",
  showScript: "hoist.showScript",
  showResult: "hoist.showResult",
  openFiles: "hoist.openFiles",
  connect: "hoist.connect",
} as const;

/** The code of a refused command's error. The server has shown its sentence to the user by then. */
export const refused = 4001;

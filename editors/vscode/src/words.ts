// Jobs in words, the same ones in the tree, the panel, the status bar and messages. Pure, so that tests read them.
import type { Job, JobState, Preview } from "./protocol.ts";

const active: ReadonlySet<JobState> = new Set<JobState>(["preparing", "uploading", "queued", "running"]);

/** Whether the job has not come to its end. */
export function isActive(job: Pick<Job, "state">): boolean {
  return active.has(job.state);
}

/** "0.2 s", "3 s" (counted in whole seconds), "12 s", "3 min 5 s", "2 h 10 min", "3 d 4 h". */
export function duration(seconds: number): string {
  if (!(seconds > 0)) return "0 s";
  if (seconds < 9.95) return Number.isInteger(seconds) ? `${seconds} s` : `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const pair = (big: number, bigUnit: string, small: number, smallUnit: string) => (small > 0 ? `${big} ${bigUnit} ${small} ${smallUnit}` : `${big} ${bigUnit}`);
  if (whole < 3600) return pair(Math.floor(whole / 60), "min", whole % 60, "s");
  const minutes = Math.round(whole / 60);
  if (minutes < 24 * 60) return pair(Math.floor(minutes / 60), "h", minutes % 60, "min");
  const hours = Math.round(minutes / 60);
  return pair(Math.floor(hours / 24), "d", hours % 24, "h");
}

/** How long the entry itself has run, in seconds; nothing while it has not started. */
export function ran(job: Job, now: number): number | undefined {
  if (typeof job.wallSeconds === "number") return job.wallSeconds;
  if (typeof job.started !== "number") return undefined;
  if (isActive(job)) return job.state === "running" ? Math.max(0, (now - job.started) / 1000) : undefined;
  return typeof job.ended === "number" ? Math.max(0, (job.ended - job.started) / 1000) : undefined;
}

const stateWord: Record<JobState, string> = {
  preparing: "preparing",
  uploading: "uploading",
  queued: "queued",
  running: "running",
  succeeded: "ok",
  failed: "failed",
  cancelled: "cancelled",
  timed_out: "out of time",
  lost: "lost",
};

/** "running 12 s", "ok 3.2 s", "queued". */
export function stateWords(job: Job, now: number): string {
  const seconds = ran(job, now);
  if (seconds === undefined) return stateWord[job.state];
  return `${stateWord[job.state]} ${duration(isActive(job) ? Math.floor(seconds) : seconds)}`;
}

/** "train(lr=0.1)"; lines of a file keep their own name: "lines 3-9 of train.py". */
export function title(job: Pick<Job, "name" | "entry" | "uri" | "args">): string {
  const lines = /^\d+(-\d+)?$/.test(job.entry);
  if (lines) return `${job.entry.includes("-") ? "lines" : "line"} ${job.entry} of ${fileName(job.uri)}`;
  return `${job.entry.replaceAll(".<locals>.", ".")}(${oneLine(job.args ?? "", 60)})`;
}

/** The error in one line: "ValueError: the learning rate is too large". */
export function errorLine(job: Job): string | undefined {
  const error = job.error;
  if (!error) return undefined;
  return error.message ? `${error.type}: ${oneLine(error.message, 300)}` : error.type;
}

/** What there is to say beside the title, shortest first things first: the tree's description. */
export function description(job: Job, now: number): string {
  const words = [job.target, stateWords(job, now)];
  if (job.state === "succeeded") {
    if (job.result && job.result.repr !== "None") words.push(oneLine(job.result.repr, 80));
  } else if (isActive(job)) {
    const what = job.message ?? job.reason;
    if (what) words.push(oneLine(what, 80));
  } else {
    const why = errorLine(job) ?? job.reason;
    if (why) words.push(oneLine(why, 80));
  }
  return words.join(" · ");
}

/** The sentence of a message at the job's end. */
export function endSentence(job: Job, now: number): string {
  const seconds = ran(job, now);
  const time = seconds === undefined ? "" : ` after ${duration(seconds)}`;
  const where = `${title(job)} on ${job.target}`;
  const why = errorLine(job) ?? job.reason;
  switch (job.state) {
    case "succeeded":
      return job.result && job.result.repr !== "None" ? `${where} is done${time}: ${oneLine(job.result.repr, 120)}` : `${where} is done${time}.`;
    case "cancelled":
      return `${where} was cancelled${time}.`;
    case "timed_out":
      return `${where} ran out of time${time}.`;
    case "lost":
      return `${where} was lost${why ? `: ${oneLine(why, 200)}` : "."}`;
    default:
      return `${where} failed${time}${why ? `: ${oneLine(why, 200)}` : "."}`;
  }
}

/** A preview as a few lines: where it is in the value, what it is, its head. */
export function previewWords(preview: Preview): string {
  const head = [preview.at ? `${preview.at}: ${preview.about}` : preview.about];
  if (preview.text) head.push(preview.text);
  if (preview.cut) head.push("...");
  return head.join("\n");
}

/** Text in one line of at most `limit` characters, cut with an ellipsis. Never cuts a character in two. */
export function oneLine(text: string, limit: number): string {
  const flat = text.replace(/\s+/gu, " ").trim();
  const characters = Array.from(flat.slice(0, limit * 2 + 2));
  return characters.length <= limit ? flat : `${characters.slice(0, limit - 1).join("")}…`;
}

/** The last part of a URI's path, readable. */
export function fileName(uri: string): string {
  const last = uri.split("/").pop() ?? uri;
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

// The jobs this window knows of: what `hoist/jobs` answered at the start, kept up to date by `hoist/jobChanged`. Pure.
import type { Job } from "./protocol.ts";
import { isActive } from "./words.ts";

/** What a change meant, for those who show jobs. */
export interface Change {
  job: Job;
  /** This window heard of the job for the first time. */
  isNew: boolean;
  /** The job was active before and is at its end now. */
  hasEnded: boolean;
}

export class Jobs {
  readonly #byId = new Map<string, Job>();
  readonly #listeners = new Set<(change: Change | undefined) => void>();

  /** Calls back after every change; with `undefined` when the whole list was replaced. */
  onChange(listener: (change: Change | undefined) => void): { dispose(): void } {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  }

  /** Takes the answer of `hoist/jobs`. A job that has ended here stays so: the list may have been made before its end was told. */
  replace(jobs: readonly Job[]): void {
    const before = new Map(this.#byId);
    this.#byId.clear();
    for (const job of jobs) {
      const known = before.get(job.job);
      this.#byId.set(job.job, known && !isActive(known) && isActive(job) ? known : job);
    }
    for (const listener of this.#listeners) listener(undefined);
  }

  /** Takes one `hoist/jobChanged`. */
  change(job: Job): void {
    const known = this.#byId.get(job.job);
    this.#byId.set(job.job, job);
    const change = { job, isNew: !known, hasEnded: !!known && isActive(known) && !isActive(job) };
    for (const listener of this.#listeners) listener(change);
  }

  get(id: string): Job | undefined {
    return this.#byId.get(id);
  }

  /** Newest first. The names of jobs sort by time of creation. */
  newestFirst(): Job[] {
    return [...this.#byId.values()].sort((a, b) => (a.job < b.job ? 1 : a.job > b.job ? -1 : 0));
  }

  active(): Job[] {
    return this.newestFirst().filter(isActive);
  }
}

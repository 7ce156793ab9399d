import { dirname, join, resolve } from 'node:path';
import { watch, type FSWatcher } from 'chokidar';

/** What a folder that Kubernetes mounts swaps to replace all of its files at once. */
const KUBERNETES_DATA_LINK = '..data';
/** A change is looked at after so many quiet periods at the latest, however busy the files are. */
const QUIET_PERIODS_MAX = 10;

/** How a watch goes on. */
export interface WatchOptions {
  /** A change is looked at when nothing has happened for so long, milliseconds. */
  readonly quietMs: number;
  /** Called after a change of any of the files, also when it turns out to be none. */
  readonly onChange: () => void;
  /** Called when the system cannot watch, such as without free inotify watches. */
  readonly onError: (error: unknown) => void;
}

/** Notices that files are written, replaced, or swapped with the folder that they are links into. */
export class FileWatch {
  readonly #options: WatchOptions;
  readonly #watcher: FSWatcher;
  readonly #folders: ReadonlySet<string>;
  readonly #wanted: ReadonlySet<string>;
  #timer: NodeJS.Timeout | undefined;
  #firstEventAt = 0;

  /** @param paths - files; others in their folders are not looked at. */
  constructor(paths: readonly string[], options: WatchOptions) {
    this.#options = options;
    const files = paths.map((path) => resolve(path));
    // A file's own watch ends with the file; that of its folder sees what takes its place.
    this.#folders = new Set(files.map((path) => dirname(path)));
    this.#wanted = new Set([
      ...files,
      ...this.#folders,
      ...[...this.#folders].map((folder) => join(folder, KUBERNETES_DATA_LINK)),
    ]);
    this.#watcher = watch([...files, ...this.#folders], {
      depth: 0,
      ignored: (path) => !this.#wanted.has(resolve(path)),
      ignoreInitial: true,
      persistent: false,
    });
    this.#watcher.on('raw', (_event, name, details) => this.#onRawEvent(name, details));
    this.#watcher.on('all', () => this.#touch());
    this.#watcher.on('error', (error) => options.onError(error));
  }

  /** Resolves once every change from now on is noticed, or once it is known that this is impossible. */
  async ready(): Promise<void> {
    await new Promise<void>((done) => {
      this.#watcher.once('ready', done);
      this.#watcher.once('error', () => done());
    });
  }

  /** Stops watching; nothing is called any more. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#watcher.close();
    clearTimeout(this.#timer);
  }

  /** What the system says itself: nothing is lost to comparisons of what was there before. */
  #onRawEvent(name: string | null, details: unknown): void {
    const watched = resolve((details as { readonly watchedPath: string }).watchedPath);
    const isOfOther =
      this.#folders.has(watched) && name !== null && !this.#wanted.has(join(watched, name));
    if (!isOfOther) this.#touch();
  }

  #touch(): void {
    const { quietMs } = this.#options;
    const now = performance.now();
    if (this.#timer === undefined) this.#firstEventAt = now;
    else if (now - this.#firstEventAt > quietMs * QUIET_PERIODS_MAX) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#options.onChange();
    }, quietMs);
    this.#timer.unref();
  }
}

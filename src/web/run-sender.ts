/**
 * A run on its way to one client, as server-sent events.
 *
 * Promises: history, then what comes, without a gap and without a repeat, from the cursor that the page gives; one that does not
 * fit is a `reset`. Each client is sent what it has not got at its own pace: what all of them have lately been sent is kept once, and
 * whoever is further back reads the log. So a slow client costs no memory, and holds up nobody.
 */
import { EventLogError, messageOf } from '../errors.js';
import { monotonicMs, nowMs } from '../real-time.js';
import type { RunHead, StreamMessages } from './api.js';
import { formatStreamId, type RunCursor } from './cursors.js';
import type { MessageStream } from './message-stream.js';
import type { OutputFeed } from './output-feed.js';
import { placed } from './placed.js';
import type { Frame, RunHub } from './run-hub.js';
import type { RunServerSource } from './source.js';

type Reset = StreamMessages['reset'];

/** How long to wait for a change at most. */
const REST_MS = 60_000;
const BETWEEN_STATES_MS = 20;
const CATCH_UP_EVENTS = 256;
/** Output may still be on its way when its run ends. */
const AFTER_END_MS = 1000;

/** A run on its way to one client. */
export class RunSender {
  readonly #source: RunServerSource;
  readonly #hub: RunHub;
  readonly #stream: MessageStream;
  readonly #feed: OutputFeed | undefined;
  #position = 0;
  #count = 0;
  /** The position that the client knows the state of, and its head. */
  #stateAt = 0;
  #headSent: RunHead | undefined;
  #stateSentAt = Number.NEGATIVE_INFINITY;
  #quietSince: number | undefined;

  constructor(source: RunServerSource, hub: RunHub, stream: MessageStream, feed: OutputFeed | undefined) {
    this.#source = source;
    this.#hub = hub;
    this.#stream = stream;
    this.#feed = feed;
  }

  /** Sends until the run ends or the client goes. */
  async run(cursor: RunCursor | undefined): Promise<void> {
    const { view } = this.#hub;
    if (cursor !== undefined && !this.#fits(cursor)) return this.#reset('cursor', 'the log is another one');
    this.#position = this.#stateAt = cursor?.position ?? view.position;
    this.#count = cursor?.count ?? view.count;
    if (cursor === undefined) await this.#sendState(true);
    const { changed } = this.#hub;
    while (!this.#stream.gone.aborted) {
      const { count } = changed;
      try {
        if ((await this.#sendEvents()) || (await this.#sendOutput())) continue;
      } catch (error) {
        return this.#failed(error);
      }
      const { failure, ended } = this.#hub;
      if (failure !== undefined) return this.#failed(failure);
      if (ended && this.#isQuiet()) {
        await this.#stream.send('end', { status: this.#hub.head.status }, this.#id);
        return;
      }
      if (changed.count === count) await changed.wait(this.#restMs, this.#stream.gone);
    }
  }

  /** How long to wait when there is nothing to send. */
  get #restMs(): number {
    const { head, view } = this.#hub;
    const owed = this.#stateAt !== view.position || this.#headSent !== head;
    return Math.min(
      owed ? Math.max(1, this.#stateDue) : REST_MS,
      this.#quietSince === undefined ? REST_MS : Math.max(1, this.#quietSince + AFTER_END_MS - monotonicMs()),
    );
  }

  /** In how many milliseconds the next state may be sent: under a steady flow of events it would be most of what is sent. */
  get #stateDue(): number {
    return this.#stateSentAt + BETWEEN_STATES_MS - monotonicMs();
  }

  get #id(): string {
    const run = { epoch: this.#hub.view.epoch, position: this.#position, count: this.#count };
    return formatStreamId(run, this.#feed?.cursor);
  }

  #fits({ epoch, position, count }: RunCursor): boolean {
    const { view } = this.#hub;
    return (
      (count === 0 && position === 0) ||
      (epoch === view.epoch && position <= view.position && count <= view.count)
    );
  }

  /** Sends the events that the client has not got, some at a time, then what they changed; whether there were any. */
  async #sendEvents(): Promise<boolean> {
    const { view } = this.#hub;
    if (this.#count < view.count) {
      for (const frame of this.#hub.after(this.#count) ?? (await this.#readFrames())) {
        this.#position = frame.position;
        this.#count = frame.number + 1;
        if (!(await this.#stream.send('event', frame, this.#id))) return true;
      }
      return true;
    }
    if (this.#stateAt === view.position && this.#headSent === this.#hub.head) return false;
    if (this.#stateDue > 0 && !this.#hub.ended) return false;
    await this.#sendState(false);
    return true;
  }

  async #sendState(whole: boolean): Promise<void> {
    const { head: run, view } = this.#hub;
    const nodes = whole ? view.nodes() : view.nodes(this.#stateAt);
    this.#stateAt = view.position;
    this.#headSent = run;
    this.#stateSentAt = monotonicMs();
    await this.#stream.send('state', { run, nodes, whole, now: nowMs() }, this.#id);
  }

  /** The next events from the log, for a client that is further back than what is kept. */
  async #readFrames(): Promise<Frame[]> {
    const options = {
      events: this.#hub.view.vocabulary,
      from: this.#position,
      limit: CATCH_UP_EVENTS,
      onMalformed: () => undefined,
      signal: this.#stream.gone,
    };
    const reader = this.#source.read(this.#hub.view.runId, options);
    const frames: Frame[] = [];
    for await (const event of reader) {
      frames.push({ number: this.#count + frames.length, ...placed(event, reader.position) });
      if (reader.position >= this.#hub.view.position) break;
    }
    if (frames.length > 0) return frames;
    throw new EventLogError('ERR_LOG_TRUNCATED', 'the log is shorter than it was');
  }

  async #sendOutput(): Promise<boolean> {
    const output = await this.#feed?.next();
    if (output === undefined) return false;
    this.#quietSince = undefined;
    await this.#stream.send('output', output, this.#id);
    return true;
  }

  /** Whether nothing has come for so long that after the end of the run nothing more is to be expected. */
  #isQuiet(): boolean {
    if (this.#feed === undefined) return true;
    this.#quietSince ??= monotonicMs();
    return monotonicMs() - this.#quietSince >= AFTER_END_MS;
  }

  async #failed(error: unknown): Promise<void> {
    if (this.#stream.gone.aborted) return;
    const code = error instanceof EventLogError ? error.code : undefined;
    const gone = code === 'ERR_RUN_NOT_FOUND' || (code === 'ERR_LOG_REPLACED' && (await this.#isGone()));
    const reason = gone ? 'gone' : code === 'ERR_LOG_TRUNCATED' ? 'truncated' : 'replaced';
    await this.#reset(reason, messageOf(error));
  }

  async #isGone(): Promise<boolean> {
    const { runId } = this.#hub.view;
    const first = await this.#source
      .read(runId, { events: this.#hub.view.vocabulary, limit: 1 })
      .toArray()
      .catch((error: unknown) => error);
    return first instanceof EventLogError && first.code === 'ERR_RUN_NOT_FOUND';
  }

  async #reset(reason: Reset['reason'], message: string): Promise<void> {
    await this.#stream.send('reset', { reason, message });
  }
}

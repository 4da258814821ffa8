/** A publisher as simple as can be, for the tests of the readers: segments of a log to the subject of a run, as a mirror sends them. */
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, headers, type NatsConnection } from '@nats-io/transport-node';
import { onTestFinished } from 'vitest';
import { omneEvents } from '../../src/format/events.js';
import { headersOf } from '../../src/jetstream/segment.js';
import { eventsIn } from '../../src/jetstream/ship/segment-events.js';
import { DEFAULT_STREAM, subjectOf } from '../../src/jetstream/subjects.js';
import type { NatsServer } from '../jetstream/nats-server.js';

/** So often the server is asked whether it has a segment, and so all before it: a question takes longer than to send ten. */
const ASKED_EVERY = 256;
/** How large segments are, in turn: one line, some, many. */
const SEGMENT_BYTES = [1, 700, 5000];

/** A connection that is closed when the test ends. */
export async function connectTo(server: NatsServer): Promise<NatsConnection> {
  const connection = await connect({ servers: server.url, reconnectTimeWait: 50, maxReconnectAttempts: -1 });
  onTestFinished(() => connection.close());
  return connection;
}

interface Place {
  readonly sequence: number;
  readonly end: number;
  readonly total: number;
  readonly ended: boolean;
}

/** The only one who publishes to its stream. */
export class RawPublisher {
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly stream: string;
  readonly #client: JetStreamClient;
  readonly #ends = new Map<string, Place>();
  #sequence: number;

  private constructor(
    connection: NatsConnection,
    manager: JetStreamManager,
    stream: string,
    sequence: number,
  ) {
    this.connection = connection;
    this.manager = manager;
    this.stream = stream;
    this.#client = jetstream(connection);
    this.#sequence = sequence;
  }

  /** Makes the stream where it is missing. */
  static async to(connection: NatsConnection, stream: string = DEFAULT_STREAM): Promise<RawPublisher> {
    const manager = await jetstreamManager(connection);
    const { state } = await manager.streams.add({
      name: stream,
      subjects: ['omne.runs.>'],
      allow_direct: true,
    });
    return new RawPublisher(connection, manager, stream, state.last_seq);
  }

  /** Publishes whole lines, each ended by a newline, in segments of about so many bytes; resolves when the server has them all. */
  async publish(
    runId: string,
    text: string | Uint8Array,
    sizes: readonly number[] = SEGMENT_BYTES,
  ): Promise<void> {
    const bytes = Buffer.from(text);
    for (let start = 0, turn = 1; start < bytes.length; turn++) {
      const size = sizes[(turn - 1) % sizes.length] ?? 1;
      const end = bytes.indexOf(0x0a, Math.min(start + size, bytes.length) - 1) + 1;
      const asked = turn % ASKED_EVERY === 0 || end === bytes.length;
      await this.#send(runId, bytes.subarray(start, end), asked);
      start = end;
    }
  }

  /** Publishes one message of any kind. */
  async publishRaw(runId: string, body: string | Uint8Array, head: Record<string, string>): Promise<void> {
    const all = headers();
    for (const [name, value] of Object.entries(head)) all.set(name, value);
    await this.#client.publish(subjectOf(runId), body, { headers: all });
    this.#sequence++;
  }

  /** The names of the consumers that the stream has. */
  async consumers(): Promise<string[]> {
    const names: string[] = [];
    for await (const { name } of this.manager.consumers.list(this.stream)) names.push(name);
    return names;
  }

  async #send(runId: string, body: Buffer, asked: boolean): Promise<void> {
    const before = this.#ends.get(runId) ?? { sequence: 0, end: 0, total: 0, ended: false };
    const { events, ended } = eventsIn(body, omneEvents);
    const place = {
      sequence: ++this.#sequence,
      end: before.end + body.length,
      total: before.total + events,
      ended: before.ended || ended,
    };
    this.#ends.set(runId, place);
    const fields = headersOf({ ...place, events });
    if (asked) {
      const expect = { streamName: this.stream, lastSubjectSequence: before.sequence };
      await this.#client.publish(subjectOf(runId), body, { headers: fields, expect });
    } else {
      this.connection.publish(subjectOf(runId), body, { headers: fields });
    }
  }
}

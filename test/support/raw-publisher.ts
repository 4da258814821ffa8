/** A publisher as simple as can be, for the tests of the readers: lines of a log to the subject of a run, as a mirror sends them. */
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, headers, type NatsConnection } from '@nats-io/transport-node';
import { onTestFinished } from 'vitest';
import { DEFAULT_STREAM, POSITION_HEADER, subjectOf } from '../../src/jetstream/message.js';
import type { NatsServer } from '../jetstream/nats-server.js';

const IN_FLIGHT = 256;

/** A connection that is closed when the test ends. */
export async function connectTo(server: NatsServer): Promise<NatsConnection> {
  const connection = await connect({ servers: server.url, reconnectTimeWait: 50, maxReconnectAttempts: -1 });
  onTestFinished(() => connection.close());
  return connection;
}

/** The only one who publishes to its stream. */
export class RawPublisher {
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly stream: string;
  readonly #client: JetStreamClient;
  readonly #ends = new Map<string, { sequence: number; position: number }>();
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

  /** Publishes whole lines, each ended by a newline; resolves when the server has them all. */
  async publish(runId: string, text: string | Uint8Array): Promise<void> {
    const bytes = Buffer.from(text);
    const underway: Promise<unknown>[] = [];
    for (let start = 0; start < bytes.length; ) {
      const end = bytes.indexOf(0x0a, start) + 1;
      underway.push(this.#send(runId, bytes.subarray(start, end - 1)));
      if (underway.length >= IN_FLIGHT) await underway.shift();
      start = end;
    }
    await Promise.all(underway);
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

  async #send(runId: string, body: Buffer): Promise<void> {
    const { sequence, position } = this.#ends.get(runId) ?? { sequence: 0, position: 0 };
    const end = { sequence: ++this.#sequence, position: position + body.length + 1 };
    this.#ends.set(runId, end);
    const head = headers();
    head.set(POSITION_HEADER, String(end.position));
    await this.#client.publish(subjectOf(runId), body, {
      headers: head,
      expect: { streamName: this.stream, lastSubjectSequence: sequence },
    });
  }
}

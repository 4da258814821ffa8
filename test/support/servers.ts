/** Programs that tests ask again and again: a process that has started is kept for the next one who asks. */
import { type ChildProcess, type ForkOptions, fork } from 'node:child_process';
import { once } from 'node:events';

/** Processes of one program, which says that it is ready and then answers one message after the other. */
export class Servers {
  readonly #program: string;
  readonly #options: ForkOptions;
  readonly #idle: ChildProcess[] = [];

  constructor(program: string, options: ForkOptions = {}) {
    this.#program = program;
    this.#options = options;
  }

  /** Does something with a process that nobody else uses meanwhile; where that fails the process is not used again. */
  async use<T>(work: (server: ChildProcess) => Promise<T>): Promise<T> {
    const server = this.#idle.pop() ?? (await this.#start());
    const done = await work(server);
    this.#idle.push(server);
    return done;
  }

  async #start(): Promise<ChildProcess> {
    const server = fork(this.#program, { ...this.#options, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    server.once('exit', () => {
      if (!this.#idle.includes(server)) server.emit('error', new Error(`${this.#program} crashed`));
    });
    server.unref();
    server.channel?.unref(); // the test that asks waits itself
    await once(server, 'message'); // rejects when there is an 'error' first
    return server;
  }
}

/** What a process of a server answers to a message. */
export async function answerOf<Answer>(server: ChildProcess, message: object): Promise<Answer | undefined> {
  server.send(message);
  const [answer]: Answer[] = await once(server, 'message'); // rejects when there is an 'error' first
  return answer;
}

/**
 * NATS servers with JetStream for tests: each on a free port of 127.0.0.1, with a folder of its own, and ended with the tests
 * that it is for, whatever happens. Where the program is missing, the tests say so and are skipped; under CI it must be there.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cp, rm } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, onTestFinished } from 'vitest';

const PROGRAM = ['nats-server', '/usr/sbin/nats-server'].find(
  program => spawnSync(program, ['--version']).status === 0,
);
const START_TIMEOUT_MS = 20_000;

if (PROGRAM === undefined) {
  if (process.env['CI'] === 'true') throw new Error('nats-server is not installed');
  console.warn('nats-server is not installed: the tests with a NATS server are skipped');
}

/** Whether there is no `nats-server` here: `describe.skipIf(noServer)`. */
export const noServer: boolean = PROGRAM === undefined;

const running = new Set<NatsServer>();
process.once('exit', () => {
  for (const server of running) void server.kill();
});

/** A port of 127.0.0.1 on which nothing listens. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** A server process that can be stopped, killed, frozen and started again on the same port and folder. */
export class NatsServer {
  port = 0;
  folder = '';
  #process: ChildProcess | undefined;

  private constructor() {}

  /**
   * A server for all tests of the file, or of the `describe`, that has this in it: it runs, and has a port and a folder, from
   * before the first of them to after the last. For `config` see `start`.
   */
  static forAll(config = ''): NatsServer {
    const server = new NatsServer();
    if (noServer) return server;
    beforeAll(() => server.#begin(config, ''));
    afterAll(() => server.remove());
    return server;
  }

  /**
   * Starts a server for the test that calls this; `config` is added to its configuration file, e.g. `max_payload: 65536`, and
   * `limits` to its part on JetStream.
   */
  static async start(config = '', limits = ''): Promise<NatsServer> {
    const server = new NatsServer();
    onTestFinished(() => server.remove());
    await server.#begin(config, limits);
    return server;
  }

  async #begin(config: string, limits: string): Promise<void> {
    this.folder = mkdtempSync(join(tmpdir(), 'omne-nats-'));
    this.port = await freePort();
    const store = JSON.stringify(join(this.folder, 'store'));
    const text = `listen: "127.0.0.1:${this.port}"\njetstream { store_dir: ${store}\n${limits} }\n${config}\n`;
    writeFileSync(join(this.folder, 'server.conf'), text);
    running.add(this);
    await this.restart();
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Starts the server again, after `stop` or `kill`; resolves when it takes connections. */
  async restart(): Promise<void> {
    if (PROGRAM === undefined) throw new Error('nats-server is not installed');
    const [config, log] = ['server.conf', 'server.log'].map(name => join(this.folder, name));
    const child = spawn(PROGRAM, ['-c', config ?? '', '-l', log ?? ''], { stdio: 'ignore' });
    this.#process = child;
    const end = performance.now() + START_TIMEOUT_MS;
    while (!(await answers(this.port))) {
      if (child.exitCode !== null) throw new Error(`nats-server ended: see ${this.folder}/server.log`);
      if (performance.now() > end) throw new Error('nats-server does not answer');
      await sleep(10);
    }
  }

  /** Asks the server to end, and waits until it has. */
  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  /** Ends the server as a crash would. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** Freezes the server: connections stay, nothing is answered from now on. */
  pause(): void {
    const child = this.#process;
    if (child?.pid === undefined) return;
    child.kill('SIGSTOP');
    // The signal is only on its way: a thread that still runs on the other core would answer once more.
    const end = performance.now() + START_TIMEOUT_MS;
    while (!isStopped(child.pid)) {
      if (performance.now() > end) throw new Error('nats-server does not stop');
    }
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }

  /** Keeps a copy of what the server has on its disk; it must be stopped. */
  async keepStore(): Promise<void> {
    await cp(join(this.folder, 'store'), join(this.folder, 'kept'), { recursive: true });
  }

  /** Puts the copy back in its place; the server must be stopped. */
  async restoreStore(): Promise<void> {
    await rm(join(this.folder, 'store'), { recursive: true });
    await cp(join(this.folder, 'kept'), join(this.folder, 'store'), { recursive: true });
  }

  /** Kills the server and removes its folder. */
  async remove(): Promise<void> {
    running.delete(this);
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    this.#process = undefined;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }
}

/** Whether all threads of a process are stopped, as far as that can be seen: in /proc. */
function isStopped(pid: number): boolean {
  const tasks = `/proc/${pid}/task`;
  if (!existsSync(tasks)) return true;
  return readdirSync(tasks).every(task =>
    /^State:\tT/m.test(readFileSync(`${tasks}/${task}/status`, 'utf8')),
  );
}

/** Whether a server greets on a port: a NATS server speaks first. */
function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = createConnection(port, '127.0.0.1');
    const finish = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('data', () => finish(true));
    socket.once('error', () => finish(false));
    socket.once('close', () => finish(false));
  });
}

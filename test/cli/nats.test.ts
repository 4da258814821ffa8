/** The command with a NATS server: what it reads from there, what it copies there, and what it keeps to itself. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { beforeAll, describe, expect, test, vi } from 'vitest';
import { EventLog } from '../../src/index.js';
import { readRemote } from '../../src/jetstream.js';
import { freePort, NatsServer, noServer } from '../jetstream/nats-server.js';
import { ABORTED, COMPLETED, UNFINISHED, type WrittenRun, writeRun } from '../support/cli-runs.js';
import { COMMAND, omneLog, plainEnvironment, runToEnd } from '../support/command.js';
import { copyBuild } from '../support/packages.js';
import { connectTo } from '../support/raw-publisher.js';
import { onTerminal, screenOf } from '../support/screen.js';
import { testWith } from '../support/tools.js';
import { temporaryVolume } from '../support/volume.js';

const PASSWORD = 'hunter2-tr0ub4dor';
const LOGIN = `authorization { user: alice, password: "${PASSWORD}" }`;

const server = NatsServer.forAll();
const guarded = NatsServer.forAll(LOGIN);
/** A line that no message of a server holds, unless it is told otherwise. */
const TOO_LONG = `${'x'.repeat(1_100_000)}\n`;

let root: string;
let runs: { completed: WrittenRun; aborted: WrittenRun; unfinished: WrittenRun };

/** `omne-log` with a server; what a person would see of it. */
const remote = (...args: string[]) => omneLog([...args, '--nats', server.url]);
const mirrorAll = () => local('mirror', '--all', '--once', '--nats', server.url);
const local = (...args: string[]) => omneLog([...args, '--root', root]);

/** A volume with three runs, copied to the server; both go when the server does. */
async function copied(): Promise<void> {
  root = join(server.folder, 'volume');
  const hours = (count: number) => ({ start: Date.now() - count * 3_600_000 });
  runs = {
    completed: writeRun(root, 'nightly', COMPLETED, hours(3)),
    aborted: writeRun(root, 'dotted..name', ABORTED, hours(2)),
    unfinished: writeRun(root, 'feature', UNFINISHED, hours(1)),
  };
  const { code, stdout, stderr } = await mirrorAll();
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^3 runs, \d+ events sent$/m);
}

describe.skipIf(noServer)('omne-log with --nats', () => {
  beforeAll(copied);
  test.for([
    ['--max-age', '99999999d'],
    ['--max-bytes', '0'],
    ['--replicas', '0'],
  ])('a limit that no stream can have is a mistake in the command: %s %s', async limit => {
    const { code, stderr } = await remote('mirror', '--all', '--once', '--root', root, ...limit);
    expect(code).toBe(2);
    expect(stderr).toContain(limit[0]);
  });

  test.for([
    ['cat', 'dotted'],
    ['cat', 'nightly', '--json'],
    ['cat', 'nightly', '--json', '--reverse'],
    ['cat', 'nightly', '--reverse', '-n', '3', '--node', 'fix-loop'],
    ['cat', 'nightly', '-n', '4', '--type', 'node.started', '--type', 'node.completed'],
    ['show', 'nightly'],
    ['show', 'dotted', '--json'],
    ['tail', 'nightly'],
    ['tail', 'dotted', '--json', '--exit-status'],
  ])('%s %s … prints of a copy what it prints of the log', async call => {
    const [here, there] = await Promise.all([local(...call), remote(...call)]);
    expect(there).toEqual(here);
    expect(there.stdout).not.toBe('');
  });

  test('show of a run that has not ended says that a copy may lack what is not mirrored yet', async () => {
    const { stdout } = await remote('show', runs.unfinished.runId);
    expect(stdout).toContain('as far as it is mirrored');
  });

  test('a run is named by the beginning of its id or as the last one, and a missing one is reported', async () => {
    const { stdout } = await remote('show', 'last', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ runId: runs.unfinished.runId });
    expect((await remote('cat', 'nightly-', '-n', '1')).stdout).toContain('pipe.started');
    const missing = await remote('cat', 'nobody-');
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain("ERR_RUN_NOT_FOUND: no run begins with 'nobody-' (nats://omne-runs)");
    expect(missing.stderr).toContain('run `omne-log ls --nats URL` to see the runs there are');
    const gone = await remote('show', 'nightly-01kp8g6dg0zg6axb6gqz17wf7m');
    expect([gone.code, gone.stdout]).toEqual([1, '']);
    expect(gone.stderr).toContain('ERR_RUN_NOT_FOUND');
    const stream = await remote('ls', '--stream', 'elsewhere');
    expect(stream.stderr).toContain('ERR_STREAM_NOT_FOUND: the server has no stream elsewhere');
    expect(stream.stderr).toContain('--stream');
  });

  test('ls lists the runs of the server, newest first, in rows and as JSON', async () => {
    const rows = (await remote('ls', '-n', '3')).stdout.trimEnd().split('\n');
    expect(rows[0]).toMatch(/^▸ {2}feature-\S+ +1 h ago +- {2}13 events$/);
    expect(rows[1]).toMatch(/^✗ {2}dotted\.\.name-\S+ .*15 events {2}node publish failed$/);
    expect(rows[2]).toMatch(/^✓ {2}nightly-\S+ .*4 m 00 s {2}15 events$/);
    const { stdout } = await remote('ls', '--json', '--status', 'aborted', '-n', '1');
    expect(JSON.parse(stdout)).toMatchObject({
      runId: runs.aborted.runId,
      reason: 'node publish failed',
      bytes: readFileSync(runs.aborted.path).length,
    });
    expect((await remote('ls', '--pipe', 'nobody')).stdout).toBe('');
  });

  test('tail follows a run that is written and mirrored meanwhile', async () => {
    const volume = temporaryVolume();
    await using log = await EventLog.create(volume, 'live');
    await log.append({ type: 'pipe.started', pipe: 'live' });
    const mirroring = omneLog(['mirror', log.runId, '--root', volume, '--nats', server.url]);
    const following = remote('tail', log.runId, '--exit-status', '--json');
    const connection = await connectTo(server);
    await vi.waitFor(
      async () => expect(await readRemote(connection, log.runId).toArray()).toHaveLength(1),
      10_000,
    );
    await log.append({ type: 'node.started', node_id: 'n', kind: 'bash' });
    await log.append({ type: 'pipe.aborted', reason: 'no more' });
    const { code, stdout, stderr } = await following;
    expect([code, stderr, stdout]).toEqual([1, '', readFileSync(log.path, 'utf8')]);
    const mirrored = await mirroring;
    expect([mirrored.code, mirrored.stderr]).toEqual([0, '']);
    expect(mirrored.stdout).toBe(`✓ ${log.runId}  3 events sent, ${stdout.length} B in all\n`);
  });
});

const lastLine = (output: string): string => screenOf(output).at(-1) ?? '';

describe.skipIf(noServer)('omne-log mirror', () => {
  test('copies all runs until it is interrupted, and makes the stream as asked', async () => {
    root = temporaryVolume();
    const { runId } = writeRun(root, 'first', COMPLETED);
    const options = ['--stream', 'kept', '--max-age', '36h', '--max-bytes', '1000000000', '--replicas', '1'];
    const other = await NatsServer.start();
    const args = ['mirror', '--all', '--root', root, '--nats', other.url, ...options];
    const child = spawn(process.execPath, [COMMAND, ...args], {
      env: plainEnvironment(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    let output = '';
    child.stdout.setEncoding('utf8').on('data', text => {
      output += text;
    });
    await vi.waitFor(() => expect(output).toContain(`✓ ${runId}  15 events sent`), 10_000);
    const later = writeRun(root, 'later', ABORTED);
    await vi.waitFor(() => expect(output).toContain(`✓ ${later.runId}`), 10_000);
    child.kill('SIGINT');
    expect((await exited)[0]).toBe(130);
    const listed = await omneLog(['ls', '--json', '--nats', other.url, '--stream', 'kept']);
    expect(listed.stdout.trimEnd().split('\n')).toHaveLength(2);
    const connection = await connectTo(other);
    const { jetstreamManager } = await import('@nats-io/jetstream');
    const { config } = await (await jetstreamManager(connection)).streams.info('kept');
    expect(config).toMatchObject({
      max_age: 36 * 3_600_000 * 1e6,
      max_bytes: 1e9,
      num_replicas: 1,
      retention: 'limits',
    });
  });

  test('reports a run that cannot be copied, copies the others, and exits with 1', async () => {
    root = temporaryVolume();
    const damaged = writeRun(root, 'damaged', COMPLETED.slice(0, 3), { rest: TOO_LONG });
    const { runId } = writeRun(root, 'whole', COMPLETED);
    const { code, stdout, stderr } = await mirrorAll();
    expect([code, stderr]).toEqual([1, '']);
    expect(stdout).toContain(`! ${damaged.runId}  ERR_MESSAGE_TOO_LARGE: `);
    expect(stdout).toContain(`✓ ${runId}  15 events sent`);
  });

  test('reports how many runs the stream had dropped before', async () => {
    root = temporaryVolume();
    const { path } = writeRun(root, 'old', COMPLETED);
    const before = new Date(Date.now() - 48 * 3_600_000);
    utimesSync(path, before, before);
    const other = await NatsServer.start();
    const args = ['mirror', '--all', '--once', '--root', root, '--nats', other.url, '--max-age', '1d'];
    const { code, stdout, stderr } = await omneLog(args);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toBe('1 run, 0 events sent; 1 run dropped by the stream before, not sent again\n');
  });

  testWith(['script'], 'counts ends and failures in a status line on a terminal', async () => {
    root = temporaryVolume();
    const damaged = writeRun(root, 'damaged', COMPLETED.slice(0, 3), { rest: TOO_LONG });
    const { runId } = writeRun(root, 'whole', COMPLETED);
    let interrupted = false;
    const { code, output } = await onTerminal(['mirror', '--all', '--root', root, '--nats', server.url], {
      onOutput: (soFar, { pid }) => {
        if (interrupted || !/^. copying all runs: 1 to their end, 1 failure$/u.test(lastLine(soFar))) return;
        interrupted = true;
        const under = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'); // script(1) is of Linux
        process.kill(Number(under), 'SIGINT');
      },
    });
    expect([interrupted, code]).toEqual([true, 130]);
    const screen = screenOf(output).join('\n');
    expect(screen).toContain(`! ${damaged.runId}  ERR_MESSAGE_TOO_LARGE: `);
    expect(screen).toContain(`✓ ${runId}  15 events sent`);
    expect(lastLine(output)).toBe('');
  });

  test('prints its usage when the arguments do not go together', async () => {
    const usage = async (...args: string[]) => {
      const { code, stderr } = await omneLog(args);
      expect([code, stderr.split('\n')[1]]).toEqual([2, 'See omne-log --help.']);
      return stderr;
    };
    expect(await usage('mirror', '--nats', server.url)).toContain('either RUN or --all must be given');
    expect(await usage('mirror', 'last', '--all', '--nats', server.url)).toContain('either RUN or --all');
    expect(await usage('mirror', 'last', '--once', '--nats', server.url)).toContain('--once goes with --all');
    expect(await usage('mirror', '--all')).toContain('--nats URL is missing');
    expect(await usage('mirror', '--all', '--nats', server.url, '--max-age', 'long')).toContain(
      '--max-age takes',
    );
    expect(await usage('ls', '--nats', server.url, '--stream', 'a.b')).toContain(
      '--stream must be the name of a',
    );
    for (const what of ['last', '--all']) {
      const { url } = server;
      const said = await usage('mirror', what, '--root', root, '--nats', url, '--stream', 'a.b');
      expect(said).toContain('--stream must be the name of a');
    }
    expect(await usage('cat', 'last', '--stream', 's')).toContain('--creds and --stream go with --nats');
    expect(await usage('cat', 'last', '--nats', server.url, '--root', '.')).toContain(
      'either --root or --nats',
    );
  });
});

describe.skipIf(noServer)('secrets', () => {
  test('that cannot be read are reported with the option that names their file', async () => {
    const missing = join(temporaryVolume(), 'missing.creds');
    const { url } = server;
    for (const args of [['ls'], ['mirror', '--all', '--root', root]]) {
      const given = await omneLog([...args, '--nats', url, '--creds', missing]);
      expect([given.code, given.stdout]).toEqual([1, '']);
      expect(given.stderr).toContain('ERR_SYSTEM: the credentials of --creds could not be read');
      expect(given.stderr).toContain(missing);
      const set = await omneLog([...args, '--nats', url], { env: { NATS_CREDS: missing } });
      expect([set.code, set.stderr]).toEqual([1, given.stderr.replace('--creds', 'NATS_CREDS')]);
    }
  });

  test('log in, by the URL or by the environment, and are printed nowhere', async () => {
    root = temporaryVolume();
    const { runId } = writeRun(root, 'secret', COMPLETED);
    const host = guarded.url.slice('nats://'.length);
    const url = `nats://alice:${PASSWORD}@${host}`;
    const env = { NATS_USER: 'alice', NATS_PASSWORD: PASSWORD };
    const outcomes = [
      await omneLog(['mirror', '--all', '--once', '--root', root, '--nats', url]),
      await omneLog(['ls', '--json', '--nats', url]),
      await omneLog(['show', runId, '--nats', guarded.url], { env }),
      await omneLog(['tail', runId, '--json', '--nats', host], { env }),
    ];
    for (const { code, stdout, stderr } of outcomes) {
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toContain(runId);
      expect(stdout).not.toContain(PASSWORD);
    }
  });

  test('are in no error, whatever went wrong', async () => {
    const host = guarded.url.slice('nats://'.length);
    const closed = `127.0.0.1:${await freePort()}`;
    const creds = join(temporaryVolume(), 'user.creds');
    writeFileSync(creds, `-----BEGIN NATS USER JWT-----\n${PASSWORD}\n`);
    const calls: [args: string[], code: number, says: string][] = [
      [['--nats', `nats://alice:${PASSWORD}x@${host}`], 1, 'ERR_REMOTE_FAILED'],
      [['--nats', `nats://${PASSWORD}@${host}`], 1, 'ERR_REMOTE_FAILED'],
      [['--nats', `nats://alice:${PASSWORD}@${closed}`], 1, 'ERR_REMOTE_FAILED'],
      [
        ['--nats', `nats://alice:${PASSWORD}@${host}`, '--stream', 'a b'],
        2,
        '--stream must be the name of a',
      ],
      [['--nats', `http://alice:${PASSWORD}@${host}`], 2, '--nats takes a URL'],
      [['--nats', `nats://alice:${PASSWORD}@`], 2, '--nats takes a URL'],
      [['--nats', `nats://alice:${PASSWORD}%zz@${host}`], 2, '--nats takes a URL'],
      [['--nats', `nats://alice:${PASSWORD}@${host}`, '--creds', creds], 1, 'ERR_REMOTE_FAILED'],
      [[`nats://alice:${PASSWORD}@${host}`], 2, 'unexpected argument'],
    ];
    for (const [args, code, says] of calls) {
      const outcome = await omneLog(['ls', ...args]);
      expect([args, outcome.code, outcome.stdout]).toEqual([args, code, '']);
      expect(outcome.stderr).toContain(says);
      expect(outcome.stdout + outcome.stderr).not.toContain(PASSWORD);
    }
  });

  test('travel encrypted where the URL says tls', async () => {
    const folder = temporaryVolume();
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    const made = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
    ];
    execFileSync('openssl', [...made, '-keyout', key, '-out', certificate, ...subject], { stdio: 'ignore' });
    const secure = await NatsServer.start(
      `${LOGIN}\ntls { cert_file: "${certificate}", key_file: "${key}" }`,
    );
    root = temporaryVolume();
    const { runId } = writeRun(root, 'tls', COMPLETED);
    const url = `tls://alice:${PASSWORD}@127.0.0.1:${secure.port}`;
    const refused = await omneLog(['mirror', runId, '--root', root, '--nats', url]);
    expect([refused.code, refused.stdout]).toEqual([1, '']);
    expect(refused.stderr).toMatch(/ERR_REMOTE_FAILED: .*certificate/);
    const trusted = await omneLog(['mirror', runId, '--root', root, '--nats', url], {
      env: { NODE_EXTRA_CA_CERTS: certificate },
    });
    expect([trusted.code, trusted.stderr]).toEqual([0, '']);
    expect(trusted.stdout).toContain('15 events sent');
  });
});

test('without the clients there is a clear error with the command that installs them', async () => {
  const folder = temporaryVolume();
  const project = fileURLToPath(new URL('../..', import.meta.url));
  copyBuild(folder);
  cpSync(join(project, 'package.json'), join(folder, 'package.json'));
  mkdirSync(join(folder, 'node_modules'));
  for (const name of ['fs-extra', 'graceful-fs', 'jsonfile', 'universalify', 'koffi', 'split2', 'ulid']) {
    symlinkSync(join(project, 'node_modules', name), join(folder, 'node_modules', name));
  }
  const command = [process.execPath, join(folder, 'dist', 'cli.cjs')] as const;
  const { code, stderr } = await runToEnd([...command, 'ls', '--nats', 'nats://127.0.0.1:1']);
  expect(code).toBe(1);
  expect(stderr).toContain('npm install @nats-io/transport-node @nats-io/jetstream');
  expect((await runToEnd([...command, 'ls', '--root', folder])).code).toBe(0);
});

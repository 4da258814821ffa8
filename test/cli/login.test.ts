/** Every way the command can log in, each with a server that lets nobody else in. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { NatsServer, noServer } from '../jetstream/nats-server.js';
import { COMPLETED, writeRun } from '../support/cli-runs.js';
import { type Outcome, omneLog } from '../support/command.js';
import { newOperator } from '../support/jetstream/operator.js';
import { temporaryVolume } from '../support/volume.js';

const TOKEN = 't0ken-of-the-volume';

type Environment = Readonly<Record<string, string>>;

/** Copies a run to the server with this in the command line and in the environment. */
async function copiedWith(args: string[], env: Environment = {}): Promise<Outcome> {
  const root = temporaryVolume();
  writeRun(root, 'guarded', COMPLETED);
  return omneLog(['mirror', 'last', '--root', root, ...args], { env: { ...env } });
}

async function listedWith(args: string[], env: Environment = {}): Promise<Outcome> {
  return omneLog(['ls', ...args], { env: { ...env } });
}

function expectLogin({ code, stdout, stderr }: Outcome): void {
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/✓ +guarded-/);
}

function expectRefusal({ code, stdout, stderr }: Outcome): void {
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/ERR_REMOTE_FAILED: .*authorization/i);
}

describe.skipIf(noServer)('omne-log logs in', () => {
  test('with a token, in the URL or in the environment', async () => {
    const server = await NatsServer.start(`authorization { token: "${TOKEN}" }`);
    const host = `127.0.0.1:${server.port}`;
    expectRefusal(await listedWith(['--nats', host]));
    expectRefusal(await listedWith(['--nats', host], { NATS_TOKEN: 'another' }));
    expectLogin(await copiedWith(['--nats', `nats://${TOKEN}@${host}`]));
    expectLogin(await listedWith(['--nats', host], { NATS_TOKEN: TOKEN }));
    // What the command line says goes first.
    const others = { NATS_TOKEN: 'another', NATS_USER: 'nobody' };
    expectLogin(await listedWith(['--nats', `nats://${TOKEN}@${host}`], others));
  });

  test('with a file of credentials, in the command line or in the environment', async () => {
    const { config, credentials } = newOperator();
    const file = join(temporaryVolume(), 'user.creds');
    writeFileSync(file, credentials);
    const stranger = join(temporaryVolume(), 'stranger.creds');
    writeFileSync(stranger, newOperator().credentials);
    const { url } = await NatsServer.start(config);
    expectRefusal(await copiedWith(['--nats', url]));
    expectRefusal(await listedWith(['--nats', url, '--creds', stranger]));
    expectLogin(await copiedWith(['--nats', url, '--creds', file]));
    expectLogin(await listedWith(['--nats', url], { NATS_CREDS: file, NATS_TOKEN: 'not asked for' }));
    expectLogin(await listedWith(['--nats', url, '--creds', file], { NATS_CREDS: stranger }));
  });

  test('with a user whose name and password a URL cannot hold as they are', async () => {
    const server = await NatsServer.start('authorization { user: "a@b", password: "p/w:%" }');
    expectLogin(await copiedWith(['--nats', `nats://a%40b:p%2Fw%3A%25@127.0.0.1:${server.port}`]));
    expectLogin(await listedWith(['--nats', server.url], { NATS_USER: 'a@b', NATS_PASSWORD: 'p/w:%' }));
  });
});

/** Attackers: other sites, other users of the machine, other names, and what is in logs and outputs. */
import {
  appendFileSync,
  mkdirSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { ulid } from 'ulid';
import { describe, expect, test, vi } from 'vitest';
import { ABORTED, UNFINISHED, writeCapture, writeRun } from '../support/cli-runs.js';
import { quickVolume } from '../support/quick-volume.js';
import { fullStrength, rounds } from '../support/rounds.js';
import { ask, askJson, StreamClient, serverOf } from '../support/web-client.js';

const ROUTES = (runId: string) => [
  '/',
  `/runs/${runId}`,
  '/nothing.js',
  '/api/v1/runs',
  `/api/v1/runs/${runId}`,
  `/api/v1/runs/${runId}/events`,
  `/api/v1/runs/${runId}/nodes/plan/output`,
  `/api/v1/runs/${runId}/nodes/plan/output/raw`,
  `/api/v1/runs/${runId}/nodes/plan/output/search?q=a`,
  '/api/v1/stream',
  `/api/v1/stream?run=${runId}`,
];

async function served(options = {}, steps = ABORTED) {
  const root = quickVolume();
  const run = writeRun(root, 'feature', steps);
  writeCapture(run, 'plan', 'planned\n');
  return { root, run, server: await serverOf(root, { token: false, ...options }) };
}

/** The name and value of the cookie that a token was exchanged for. */
async function logIn(url: string, port: number): Promise<string> {
  const { status, headers } = await ask(port, url.slice(url.indexOf('/', 8)));
  expect(status).toBe(303);
  return (headers['set-cookie']?.[0] ?? '').split(';')[0] ?? '';
}

describe('a name that is not this server', () => {
  test('is refused on every route, also with the right token', async () => {
    const { run, server } = await served({ token: 'a-known-token' });
    for (const path of ROUTES(run.runId))
      for (const Host of [
        'evil.example',
        `evil.example:${server.port}`,
        `localhost:${server.port + 1}`,
        '127.0.0.1',
        'localhost.evil.example',
        `127.0.0.1:${server.port}.evil.example`,
      ]) {
        const answer = await ask(server.port, path, { Host, Authorization: 'Bearer a-known-token' });
        expect([path, Host, answer.status]).toEqual([path, Host, 403]);
        expect(answer.text).not.toContain('feature');
      }
  });

  test('is let in when it was allowed, and the loopback always is', async () => {
    const { server } = await served({ allowHosts: ['Proxy.Example', 'other.example:443'] });
    const hosts = [
      `proxy.example:${server.port}`,
      'other.example:443',
      `localhost:${server.port}`,
      `[::1]:${server.port}`,
    ];
    for (const Host of hosts) expect((await ask(server.port, '/api/v1/runs', { Host })).status).toBe(200);
    expect((await ask(server.port, '/api/v1/runs', { Host: 'other.example' })).status).toBe(403);
  });
});

describe('the token', () => {
  test('is exchanged for a cookie that scripts and other sites do not get, and is not left in the address', async () => {
    const { server } = await served({ token: undefined });
    const { headers } = await ask(server.port, server.url.slice(server.url.indexOf('/', 8)));
    expect(headers.location).toBe('/');
    const cookie = headers['set-cookie']?.[0] ?? '';
    expect(cookie).toMatch(
      new RegExp(`^omne-log-${server.port}=[\\w-]{32}; Path=/; HttpOnly; SameSite=Strict$`),
    );
  });

  test('without it nobody gets anything, with the cookie everything', async () => {
    const { run, server } = await served({ token: undefined });
    const cookie = await logIn(server.url, server.port);
    for (const path of ROUTES(run.runId).filter(path => !path.includes('stream'))) {
      const refused = await ask(server.port, path);
      expect([path, refused.status]).toEqual([path, 401]);
      expect(refused.text).not.toContain(run.runId);
      expect((await ask(server.port, path, { Cookie: `x=1; ${cookie}` })).status).not.toBe(401);
    }
    expect((await ask(server.port, '/api/v1/stream')).status).toBe(401);
  });

  test('of another server, a wrong one, and one in the address of the API are refused', async () => {
    const { server } = await served({ token: 'right-token' });
    const wrong = [
      { Cookie: `omne-log-${server.port}=wrong` },
      { Cookie: 'omne-log-1=right-token' },
      { Authorization: 'Bearer wrong' },
    ];
    for (const headers of wrong) expect((await ask(server.port, '/api/v1/runs', headers)).status).toBe(401);
    expect((await ask(server.port, '/?token=wrong')).status).toBe(401);
    expect((await ask(server.port, '/api/v1/runs?token=right-token')).status).toBe(401);
    expect((await ask(server.port, '/api/v1/runs', { Authorization: 'Bearer right-token' })).status).toBe(
      200,
    );
  });

  test('the exchange leads nowhere else', async () => {
    const { server } = await served({ token: 'right-token' });
    const { headers } = await ask(server.port, '//evil.example/a?token=right-token&b=1');
    expect(headers.location).toBe('/evil.example/a?b=1');
  });
});

test('only GET and HEAD are answered, and a HEAD has no body', async () => {
  const { server } = await served();
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    const answer = await ask(server.port, '/api/v1/runs', {}, method);
    expect([method, answer.status, answer.headers.allow]).toEqual([method, 405, 'GET, HEAD']);
  }
  const head = await ask(server.port, '/api/v1/runs', {}, 'HEAD');
  expect([head.status, head.text]).toEqual([200, '']);
  expect(Number(head.headers['content-length'])).toBeGreaterThan(100);
});

test('other sites get nothing, also without a token, and no answer lets them read it', async () => {
  const { run, server } = await served();
  const cross = await ask(server.port, '/api/v1/runs', { 'Sec-Fetch-Site': 'cross-site' });
  expect(cross.status).toBe(403);
  for (const path of ROUTES(run.runId).filter(path => !path.includes('stream'))) {
    const { headers } = await ask(server.port, path, { Origin: 'http://evil.example' });
    expect(Object.keys(headers).filter(name => name.startsWith('access-control'))).toEqual([]);
    expect(headers['content-security-policy']).toMatch(
      /^default-src 'none'; script-src 'self'; style-src 'self'; /,
    );
    expect(headers['content-security-policy']).not.toContain('unsafe');
    expect(headers['x-content-type-options']).toBe('nosniff');
  }
});

describe('a path that leads elsewhere', () => {
  test.each([
    '..%2f..%2fsecret',
    '%2e%2e%2fsecret',
    '..%5csecret',
    'a%00b',
    '%00',
    '..%2f..%2f..%2f..%2f..%2fetc%2fpasswd',
    '%',
    '%ff',
    '..%252fsecret',
    'n'.repeat(252),
  ])('as a node, %s, is refused or not there', async node => {
    const { root, run, server } = await served();
    writeFileSync(join(run.folder, 'secret.out'), 'secret');
    writeFileSync(join(root, 'secret.out'), 'secret');
    for (const part of ['', '/raw', '/search?q=secret']) {
      const answer = await ask(server.port, `/api/v1/runs/${run.runId}/nodes/${node}/output${part}`);
      expect([400, 404]).toContain(answer.status);
      expect(answer.text).not.toContain('root:');
    }
  });

  test.each([
    '/../package.json',
    '/%2e%2e/package.json',
    '/..%2fpackage.json',
    '/runs/../../x',
    '/api/v1/runs/..%2f..%2f',
    '/api/v1/runs/../../../etc/passwd',
    '//etc/passwd',
    '/\0',
  ])('as an address, %s, is refused or not there', async path => {
    const { server } = await served();
    const answer = await ask(server.port, encodeURI(path).replaceAll('%25', '%'));
    expect([400, 404]).toContain(answer.status);
    expect(answer.text).not.toContain('omne-event-log');
  });

  test('a link in the place of an output, of its folder or of a run is not followed', async () => {
    const { root, run, server } = await served();
    const secret = join(root, 'secret');
    writeFileSync(secret, 'secret');
    const nodes = join(run.folder, 'nodes');
    symlinkSync(secret, join(nodes, 'linked.out'));
    const ofNode = (runId: string, node: string) => `/api/v1/runs/${runId}/nodes/${node}/output`;
    const other = writeRun(root, 'other', ABORTED);
    writeCapture(other, 'plan', 'secret');
    renameSync(join(other.folder, 'nodes'), join(root, 'nodes'));
    symlinkSync(join(root, 'nodes'), join(other.folder, 'nodes'));
    const linked = `linked-${run.runId.slice(-26)}`;
    symlinkSync(run.folder, join(dirname(run.folder), linked));
    for (const path of [
      ofNode(run.runId, 'linked'),
      ofNode(other.runId, 'plan'),
      ofNode(linked, 'plan'),
      `/api/v1/runs/${linked}`,
    ])
      for (const part of path.endsWith('output') ? ['', '/raw', '/search?q=secret'] : ['']) {
        const answer = await ask(server.port, path + part);
        expect([path, answer.status]).toEqual([path, 400]);
        expect(answer.text).toContain('ERR_UNSAFE_PATH');
      }
    const { runs } = await askJson<{ runs: { runId: string }[] }>(server.port, '/api/v1/runs');
    expect(runs.map(({ runId }) => runId)).not.toContain(linked);
  });

  test('the output path in a log is not followed', async () => {
    const root = quickVolume();
    writeFileSync(join(root, 'secret'), 'secret');
    const run = writeRun(root, 'p', [[0, { type: 'node.completed', node_id: 'n', output_path: 'secret' }]]);
    const server = await serverOf(root);
    const answer = await ask(server.port, `/api/v1/runs/${run.runId}/nodes/n/output`);
    expect(answer.status).toBe(404);
    expect(answer.text).toContain('ERR_CAPTURE_NOT_FOUND');
  });
});

test('what logs and outputs hold is JSON text in an answer, never markup', async () => {
  const hostile = '</script><img src=x onerror=alert(1)>\x1b]8;;javascript:alert(1)\x07\u202e\0';
  const root = quickVolume();
  const run = writeRun(root, 'p', [
    [0, { type: 'node.failed', node_id: hostile, error: { kind: 'crash' }, message: hostile }],
  ]);
  writeCapture(run, 'n', hostile);
  const server = await serverOf(root);
  for (const path of [`/api/v1/runs/${run.runId}`, `/api/v1/runs/${run.runId}/nodes/n/output`]) {
    const { headers, text } = await ask(server.port, path);
    expect(headers['content-type']).toBe('application/json; charset=utf-8');
    expect(text).not.toMatch(/[\0\x1b\x07]/);
    expect(JSON.stringify(JSON.parse(text))).toContain('onerror');
  }
  const raw = await ask(server.port, `/api/v1/runs/${run.runId}/nodes/n/output/raw`);
  expect(raw.headers['content-type']).toBe('text/plain; charset=utf-8');
  expect(raw.headers['content-disposition']).toBe("attachment; filename*=UTF-8''n.out");
  expect(raw.text).toBe(hostile);
});

test('connections that never finish their request do not keep others out, and are closed', async () => {
  const { server } = await served();
  const slow = Array.from({ length: 200 }, () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.resume();
    socket.write('GET /api/v1/runs HTTP/1.1\r\nHost: loc');
    return socket;
  });
  expect((await ask(server.port, '/api/v1/runs')).status).toBe(200);
  await vi.waitFor(() => expect(slow.every(socket => socket.destroyed)).toBe(true), {
    timeout: 25_000,
    interval: 200,
  });
}, 40_000);

const STREAMS = Math.min(rounds(1000), 1000); // as many as are allowed by default

test(`${STREAMS} streams are open, others are answered meanwhile, one more than allowed is turned away, and closing ends all at once`, async () => {
  const { run, server } = await served(fullStrength ? {} : { maxStreams: STREAMS }, UNFINISHED);
  const clients = Array.from(
    { length: STREAMS },
    (_, index) =>
      new StreamClient(
        server.port,
        index % 2 === 0 ? '/api/v1/stream' : `/api/v1/stream?run=${run.runId}&node=publish`,
      ),
  );
  await vi.waitFor(() => expect(clients.every(({ status }) => status === 200)).toBe(true), 40_000);
  expect((await ask(server.port, '/api/v1/stream')).status).toBe(503);
  expect((await ask(server.port, '/api/v1/runs')).status).toBe(200);
  expect((await ask(server.port, `/api/v1/runs/${run.runId}`)).status).toBe(200);
  const facts = { id: ulid().toLowerCase(), ts: new Date().toISOString(), run_id: run.runId };
  appendFileSync(run.path, `${JSON.stringify({ type: 'pipe.aborted', ...facts, reason: 'enough' })}\n`);
  const followers = clients.filter((_, index) => index % 2 === 1);
  await vi.waitFor(() => expect(followers.every(({ eventIds }) => eventIds.length === 1)).toBe(true), 20_000);
  const began = performance.now();
  await server.close();
  expect(performance.now() - began).toBeLessThan(3000);
  await vi.waitFor(() => expect(clients.every(({ ended }) => ended)).toBe(true), 10_000);
}, 90_000);

const HUGE = fullStrength ? 2 ** 30 : 2 ** 28;

test(`an output of ${HUGE / 2 ** 20} MiB is read and sent in part, in little memory`, async () => {
  const { run, server } = await served();
  mkdirSync(join(run.folder, 'nodes'), { recursive: true });
  const path = join(run.folder, 'nodes', 'huge.out');
  writeFileSync(path, 'first\n');
  truncateSync(path, HUGE); // a hole: one line of NUL
  const of = `/api/v1/runs/${run.runId}/nodes/huge/output`;
  const before = process.memoryUsage().rss;
  const window = await askJson<{ totalLines: number; lines: { bytes: number; text: string }[] }>(
    server.port,
    `${of}?line=1`,
  );
  expect(window.totalLines).toBe(2);
  expect(window.lines[1]?.bytes).toBe(HUGE - 6);
  expect(window.lines[1]?.text.length).toBe(8192);
  const part = await ask(server.port, `${of}/raw`, { Range: 'bytes=1-3' });
  expect([part.status, part.text, part.headers['content-range']]).toEqual([206, 'irs', `bytes 1-3/${HUGE}`]);
  expect((await ask(server.port, `${of}/raw`, { Range: `bytes=${HUGE}-` })).status).toBe(416);
  expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024);
  expect(statSync(path).size).toBe(HUGE);
}, 60_000);

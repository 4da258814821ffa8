/**
 * The live page in a real browser: what a person sees, does, and must never have to suffer. The page of `omne-log timeline` as well:
 * a browser takes long to start, and one is enough.
 */
import { appendFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { Page } from 'playwright-core';
import { describe, expect, onTestFinished } from 'vitest';
import { EventLog } from '../../src/index.js';
import type { EventsAnswer } from '../../src/web.js';
import { brokenRules } from '../support/axe.js';
import { closeBrowserAfterAll, openPage, type PageOptions } from '../support/browser.js';
import { ABORTED, COMPLETED, writeCapture, writeRun } from '../support/cli-runs.js';
import { coloursOf } from '../support/png.js';
import { quickVolume } from '../support/quick-volume.js';
import { fullStrength, rounds, spread } from '../support/rounds.js';
import { drawTimeline, HOSTILE } from '../support/timeline.js';
import { testWith } from '../support/tools.js';
import { temporaryVolume } from '../support/volume.js';
import { askJson } from '../support/web-client.js';

// The built one: it has the built page beside it.
const web: typeof import('../../src/web.js') = await import(
  new URL('../../dist/web.js', import.meta.url).href
);

closeBrowserAfterAll();

/** How long to ask again and again; the policy of the page lets nothing be evaluated in it. */
const WAIT = { timeout: 20_000 };

const inBrowser = (name: string, body: () => Promise<void>) => testWith(['chromium'], name, body, 60_000);

/** A server of a volume; closed when the test ends. */
async function served(
  root: string,
  port = 0,
): Promise<{ url: string; port: number; close(): Promise<void> }> {
  const server = await web.createRunServer(root, { port, token: false });
  onTestFinished(() => server.close());
  return { url: server.url, port: server.port, close: () => server.close() };
}

/** A page on one run. */
async function onRun(root: string, runId: string, rest = '', options: PageOptions = {}): Promise<Page> {
  const { url } = await served(root);
  return openPage(`${url}runs/${runId}${rest}`, options);
}

const lines = (page: Page) => page.locator('.lines .line');
const badge = (page: Page) => page.locator('h1 .badge');

/** A live run with one running node and its output. */
async function liveRun(root: string): Promise<{ log: EventLog; write(text: string): void }> {
  const log = await EventLog.create(root, 'agent');
  onTestFinished(() => log.close());
  await log.append({ type: 'pipe.started', pipe: 'agent' });
  await log.append({ type: 'node.started', node_id: 'work', kind: 'bash' });
  const capture = await log.capture('work');
  return { log, write: text => appendFileSync(capture.path, text) };
}

const numbered = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => `line ${from + index}\n`).join('');

describe('a live run', () => {
  inBrowser(
    'appears in the list, grows, fails, and is found, also when the server was away meanwhile',
    async () => {
      const root = temporaryVolume();
      writeRun(root, 'old', COMPLETED);
      const server = await served(root);
      const page = await openPage(server.url);
      await page.locator('a.run').first().waitFor();
      const { log, write } = await liveRun(root);
      write(numbered(1, 50));
      const row = page.locator('a.run', { hasText: log.runId });
      await row.waitFor();
      expect(await row.locator('.mark').innerText()).not.toContain('damaged'); // whatever there was of it when it was first seen
      await row.locator('.mark', { hasText: 'live' }).waitFor();
      expect(await page.locator('a.run').first().locator('.id').innerText()).toBe(log.runId);
      await row.click();
      await badge(page).filter({ hasText: 'live' }).waitFor();
      await lines(page).filter({ hasText: 'line 50' }).waitFor();

      await server.close();
      await page.locator('.connection.waiting').waitFor();
      write(numbered(51, 60));
      await log.append({ type: 'node.failed', node_id: 'work', error: { kind: 'crash' }, message: 'exit 7' });
      await served(root, server.port);
      await page.locator('.node.failed').waitFor();
      await lines(page).filter({ hasText: 'line 60' }).waitFor();

      await log.append({ type: 'node.started', node_id: 'cleanup', kind: 'bash' });
      await page.locator('.node', { hasText: 'cleanup' }).locator('.pick').click();
      await page.keyboard.press('e');
      await page.locator('h2', { hasText: 'work' }).waitFor();
      expect(await page.locator('.node-facts .reason').innerText()).toBe('crash exit 7');
      await log.append({ type: 'pipe.aborted', reason: 'work failed' });
      await badge(page).filter({ hasText: 'aborted' }).waitFor();
      await page.locator('.connection.ended').waitFor();
      expect(await page.title()).toContain('✗');
      expect(await page.locator('link[rel=icon]').getAttribute('href')).toBe('/icon-failed.svg');
    },
  );

  inBrowser(
    'opened late has the lines from before and those that follow, each once and in order',
    async () => {
      const root = temporaryVolume();
      const { log, write } = await liveRun(root);
      write(numbered(1, 1000));
      const page = await onRun(root, log.runId);
      await lines(page).filter({ hasText: 'line 1000' }).waitFor();
      for (let next = 1001; next <= 1100; next += 10) write(numbered(next, next + 9));
      await lines(page).filter({ hasText: 'line 1100' }).waitFor();
      await page.keyboard.press('g');
      await lines(page)
        .filter({ hasText: /^1\s*line 1$/ })
        .waitFor();
      for (const number of spread([1, 500, 1001, 995, 1100], 2)) {
        await page.goto(`${page.url().split('#')[0]}#L${number}`);
        await page.reload();
        const line = page.locator('.line.chosen');
        await line.waitFor();
        await line.filter({ hasText: `line ${number}` }).waitFor();
        expect(await line.locator('.number').innerText()).toBe(String(number));
      }
    },
  );

  inBrowser('has a bar that grows while its node runs', async () => {
    const root = temporaryVolume();
    const { log } = await liveRun(root);
    const page = await onRun(root, log.runId);
    const time = page.locator('.node .time');
    await time.first().waitFor();
    const before = await time.first().innerText();
    await expect.poll(() => time.first().innerText(), WAIT).not.toBe(before);
    await expect
      .poll(async () => (await page.locator('.bar.running').boundingBox())?.width, WAIT)
      .toBeGreaterThan(50);
  });

  inBrowser(
    'is followed until the reader moves, which the page says, and again when he asks for it',
    async () => {
      const root = temporaryVolume();
      const { log, write } = await liveRun(root);
      write(numbered(1, 300));
      const page = await onRun(root, log.runId);
      await lines(page).filter({ hasText: 'line 300' }).waitFor();
      await page.locator('.lines').hover();
      await page.mouse.wheel(0, -400);
      await page.locator('.paused').waitFor();
      const top = () => page.locator('.lines').evaluate(element => element.scrollTop);
      const still = await top();
      write(numbered(301, 340));
      await page.locator('.paused', { hasText: '40 new lines' }).waitFor();
      expect(await top()).toBe(still);
      await page.keyboard.press('f');
      await lines(page).filter({ hasText: 'line 340' }).waitFor();
      expect(await page.locator('.paused').count()).toBe(0);
    },
  );

  inBrowser(
    'is not followed by a hidden tab, whose stream is closed, and goes on without a gap when it is seen again',
    async () => {
      const root = temporaryVolume();
      const { log, write } = await liveRun(root);
      write(numbered(1, 5));
      const page = await onRun(root, log.runId);
      await lines(page).filter({ hasText: 'line 5' }).waitFor();
      const streams: string[] = [];
      page.on('request', request => {
        if (request.url().includes('/stream')) streams.push(request.url());
      });
      const show = (hidden: boolean) =>
        page.evaluate(`Object.defineProperty(document, 'hidden', { configurable: true, get: () => ${hidden} });
        document.dispatchEvent(new Event('visibilitychange'));`);
      await show(true);
      write(numbered(6, 9));
      await log.append({ type: 'node.completed', node_id: 'work', output_path: 'x' });
      expect(await lines(page).count()).toBe(5);
      expect(streams).toEqual([]);
      await show(false);
      await lines(page).filter({ hasText: 'line 9' }).waitFor();
      await page.locator('.node.completed').waitFor();
      expect(await lines(page).count()).toBe(9);
      expect(streams).toHaveLength(1);
    },
  );
});

describe('an output', () => {
  inBrowser('is searched as a whole, with exact counts, and each hit can be gone to', async () => {
    const root = temporaryVolume();
    const run = writeRun(root, 'p', COMPLETED);
    const text = Array.from(
      { length: 5000 },
      (_, index) => `${index % 100 === 7 ? 'a needle and a needle' : 'hay'}\n`,
    );
    writeCapture(run, 'plan', text.join(''));
    const page = await onRun(root, run.runId, '?node=plan');
    await lines(page).first().waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('NEEDLE');
    await page.locator('.found', { hasText: '1 of 50 lines, 100 in all' }).waitFor();
    await page.locator('.line.hit', { hasText: 'needle' }).waitFor();
    expect(await page.locator('.line.hit .number').innerText()).toBe('8');
    expect(await page.locator('.line.hit mark').count()).toBe(2);
    await page.keyboard.press('Shift+Enter');
    await page.locator('.line.hit .number', { hasText: '4908' }).waitFor();
    await page.locator('input[type=search]').fill('not there');
    await page.locator('.found', { hasText: 'not found' }).waitFor();
  });

  inBrowser(
    'has colours as classes, links only where they are safe, and carriage returns that overwrite',
    async () => {
      const root = temporaryVolume();
      const run = writeRun(root, 'p', COMPLETED);
      const link = (target: string) => `\u001b]8;;${target}\u0007here\u001b]8;;\u0007`;
      writeCapture(
        run,
        'plan',
        `\u001b[1;31mred\u001b[0m plain\n${link('javascript:alert(1)')}\n${link('https://example.org/')}\n10%\r55%\r100%\n`,
      );
      const page = await onRun(root, run.runId, '?node=plan');
      await lines(page).nth(3).waitFor();
      expect(await lines(page).nth(0).locator('.fg1.bold').innerText()).toBe('red');
      expect(await lines(page).nth(1).locator('code a').count()).toBe(0);
      expect(await lines(page).nth(2).locator('code a').getAttribute('href')).toBe('https://example.org/');
      expect(await lines(page).nth(3).locator('code').innerText()).toBe('100%');
    },
  );

  inBrowser('with a line of a megabyte is shown at once, cut, and the rest on request', async () => {
    const root = temporaryVolume();
    const run = writeRun(root, 'p', COMPLETED);
    writeCapture(run, 'plan', `first\n${'x'.repeat(1_000_000)}END\nlast\n`);
    const page = await onRun(root, run.runId, '?node=plan');
    await lines(page).filter({ hasText: 'last' }).waitFor();
    expect((await lines(page).nth(1).locator('code').innerText()).length).toBeLessThan(9000);
    await page.locator('.more').dispatchEvent('click');
    const whole = page.locator('.whole-line textarea');
    await whole.waitFor();
    expect(await whole.inputValue()).toMatch(/xEND$/);
  });

  inBrowser('is there as raw text too, for the find of the browser', async () => {
    const root = temporaryVolume();
    const run = writeRun(root, 'p', COMPLETED);
    writeCapture(run, 'plan', 'one\n\u001b[31mtwo\u001b[0m\n');
    const page = await onRun(root, run.runId, '?node=plan&tab=raw');
    await page.locator('.raw pre', { hasText: 'two' }).waitFor();
    expect(await page.locator('.raw pre').innerText()).toContain('one\n\u241b[31mtwo\u241b[0m');
    expect(await page.locator('.raw .faint').innerText()).toContain('All ');
  });
});

describe('what is chosen', () => {
  inBrowser('is in the address, and there again after a reload and by the back button', async () => {
    const root = temporaryVolume();
    const run = writeRun(root, 'p', COMPLETED);
    writeCapture(run, 'fix-loop', 'm1\nfirst\nm2\nsecond\n');
    const page = await onRun(root, run.runId);
    await page.locator('.node', { hasText: 'fix-loop' }).locator('.pick').click();
    await page.locator('.node-facts select').selectOption('2');
    await page.locator('[role=tab]', { hasText: 'events' }).click();
    expect(page.url()).toMatch(/\?node=fix-loop&iteration=2&tab=events$/);
    await page.reload();
    await page.locator('[role=tab][aria-selected=true]', { hasText: 'events' }).waitFor();
    expect(await page.locator('.node-facts select').inputValue()).toBe('2');
    await page.goBack();
    await page.locator('[role=tab][aria-selected=true]', { hasText: 'output' }).waitFor();
    await lines(page).first().waitFor();
    await lines(page).nth(0).locator('.number').click();
    expect(page.url()).toMatch(/#L\d+$/);
  });

  inBrowser('filters the list, in the address as well', async () => {
    const root = temporaryVolume();
    writeRun(root, 'good', COMPLETED);
    const bad = writeRun(root, 'bad', ABORTED);
    const { url } = await served(root);
    const page = await openPage(url);
    await page.locator('a.run').nth(1).waitFor();
    await page.locator('select').nth(1).selectOption('aborted');
    await page.locator('output', { hasText: '1 run' }).waitFor();
    expect(await page.locator('a.run .id').innerText()).toBe(bad.runId);
    await page.reload();
    await page.locator('output', { hasText: '1 run' }).waitFor();
    await page.locator('input[type=search]').fill('publish');
    await page.locator('a.run', { hasText: 'node publish failed' }).waitFor();
    await page.locator('input[type=search]').fill('nothing like it');
    await page.locator('.empty').waitFor();
  });
});

describe('many', () => {
  inBrowser('nodes are rows in view only: 2,000 are there, and their end can be reached', async () => {
    const root = temporaryVolume();
    const log = await EventLog.create(root, 'p');
    const nodes = Array.from({ length: 2000 }, (_, index) => `node-${index}`);
    await log.appendAll(
      nodes.flatMap(node_id => [
        { type: 'node.started', node_id, kind: 'bash' } as const,
        { type: 'node.completed', node_id, output_path: 'o' } as const,
      ]),
    );
    await log.append({ type: 'pipe.completed' });
    await log.close();
    const page = await onRun(root, log.runId);
    await page.locator('.facts', { hasText: '2000 of 2,000 nodes completed' }).waitFor();
    expect(await page.locator('.node').count()).toBeLessThan(60);
    await page.locator('.node.chosen', { hasText: 'node-1999' }).waitFor();
    await page.keyboard.press('k');
    await page.locator('.node.chosen', { hasText: 'node-1998' }).waitFor();
    await page.locator('[role=tab]', { hasText: 'events' }).click();
    await page.locator('.event', { hasText: 'pipe.completed' }).waitFor();
    await page.keyboard.press('g');
    await page.locator('.event', { hasText: 'node-0' }).first().waitFor();
  });

  const RUNS = rounds(3000);
  const howMany = RUNS.toLocaleString('en');

  inBrowser(`runs scroll: the list holds all of ${howMany} and draws few`, async () => {
    const root = quickVolume();
    for (let index = 0; index < RUNS; index++)
      writeRun(root, 'p', COMPLETED.slice(-1), { start: Date.now() - index * 1000 });
    const { url } = await served(root);
    const page = await openPage(url);
    await page.locator('output', { hasText: `${howMany} runs` }).waitFor();
    expect(await page.locator('a.run').count()).toBeLessThan(60);
    const first = await page.locator('a.run .id').first().innerText();
    await page.locator('.virtual').evaluate(element => element.scrollTo(0, element.scrollHeight));
    await expect.poll(() => page.locator('a.run .id').first().innerText(), WAIT).not.toBe(first);
  });
});

describe('hostile text', () => {
  const EVIL = `</script><img src=x onerror=alert(1)>\u001b]8;;javascript:alert(1)\u0007x\u202egnp\u0000\u001b[2J"'&lt;`;

  inBrowser('stays text, in every field and in an output', async () => {
    const root = temporaryVolume();
    const log = await EventLog.create(root, 'p');
    await log.append({
      type: 'pipe.started',
      pipe: EVIL,
      inputs: [{ key: EVIL, value: EVIL }],
      distro_version: EVIL,
    });
    await log.append({ type: 'node.started', node_id: EVIL, kind: 'bash', name: EVIL, model: EVIL });
    await log.append({ type: 'gate.passed', node_id: EVIL, gate: EVIL, method: 'hook', stdout: EVIL });
    await log.append({ type: 'node.failed', node_id: EVIL, error: { kind: 'crash' }, message: EVIL });
    await log.append({ type: 'node.started', node_id: 'out', kind: 'bash' });
    writeFileSync((await log.capture('out')).path, `${EVIL}\n`);
    await log.append({ type: 'node.failed', node_id: 'out', error: { kind: 'crash' } });
    await log.append({ type: 'pipe.aborted', reason: EVIL });
    await log.close();
    const { url } = await served(root);
    const page = await openPage(url);
    await page.locator('a.run .why', { hasText: 'onerror' }).waitFor();
    await page.locator('a.run').click();
    for (const tab of ['events', 'raw', 'output']) {
      await page.locator('[role=tab]', { hasText: tab }).click();
      await page.locator('.node', { hasText: 'out' }).last().locator('.pick').click();
    }
    await lines(page).first().waitFor();
    expect(await page.locator('img, script:not([src])').count()).toBe(0);
    expect(await page.locator('a[href^="javascript"]').count()).toBe(0);
    const seen = await page.locator('body').innerText();
    expect(seen).toContain('<img src=x onerror=alert(1)>');
    expect(seen).not.toMatch(/[\u202e\u0000\u001b]/);
  });
});

describe('for people', () => {
  inBrowser('axe finds nothing wrong with either page, light or dark', async () => {
    const root = temporaryVolume();
    const run = writeRun(root, 'p', ABORTED);
    writeCapture(
      run,
      'publish',
      '\u001b[31mred\u001b[32mgreen\u001b[33myellow\u001b[35mmagenta\u001b[36mcyan\u001b[0m\n',
    );
    const { log, write } = await liveRun(root);
    write('working\n');
    const { url } = await served(root);
    const page = await openPage(url);
    const broken = async () => {
      await page.emulateMedia({ colorScheme: 'light' });
      const light = await brokenRules(page);
      await page.emulateMedia({ colorScheme: 'dark' });
      // By default it is asked about its colours only: nothing else of it is another.
      const dark = await brokenRules(page, fullStrength ? undefined : ['color-contrast']);
      return { light, dark };
    };
    const none = { light: [], dark: [] };
    await page.locator('a.run').nth(1).waitFor();
    expect(await broken()).toEqual(none);
    for (const [runId, tabs] of [
      [run.runId, ['output', 'events', 'raw']],
      [log.runId, ['output']],
    ] as const) {
      await page.goto(`${url}runs/${runId}`);
      for (const tab of tabs) {
        await page.locator('[role=tab]', { hasText: tab }).click();
        await page.locator('.panel .virtual, .panel .text').first().waitFor();
        expect([tab, await broken()]).toEqual([tab, none]);
      }
    }
    await page.keyboard.press('?');
    await page.locator('dialog.help').waitFor();
    expect(await broken()).toEqual(none);
  });

  inBrowser('times have their offset, in local time or UTC', async () => {
    const root = temporaryVolume();
    const run = writeRun(root, 'p', COMPLETED, { start: Date.UTC(2026, 0, 15, 12, 0, 0) });
    const page = await onRun(root, run.runId);
    await page.locator('.facts', { hasText: '2026-01-15 13:00:00.000 +01:00' }).waitFor();
    await page.keyboard.press('t');
    await page.locator('.facts', { hasText: '2026-01-15 12:00:00.000 UTC' }).waitFor();
    await page.reload();
    await page.locator('.facts', { hasText: 'UTC' }).waitFor();
  });

  inBrowser('single keys can be switched off, and do nothing while something is typed', async () => {
    const root = temporaryVolume();
    const run = writeRun(root, 'p', COMPLETED);
    const page = await onRun(root, run.runId);
    await page.locator('.node').first().waitFor();
    await page
      .locator('input[type=search]')
      .waitFor({ state: 'attached' })
      .catch(() => undefined);
    await page.keyboard.press('?');
    await page.locator('.help input[type=checkbox]').uncheck();
    await page.keyboard.press('Escape');
    await page.locator('.help').waitFor({ state: 'detached' });
    await page.keyboard.press('?');
    await page.keyboard.press('u');
    expect(await page.locator('.help').count()).toBe(0);
    expect(page.url()).toContain('/runs/');
  });

  inBrowser('the picture zooms, moves and folds gaps, and both its ends can be reached', async () => {
    const root = temporaryVolume();
    const run = writeRun(root, 'p', COMPLETED);
    const page = await onRun(root, run.runId);
    const ticks = page.locator('.axis .tick');
    await ticks.first().waitFor();
    const before = await ticks.allInnerTexts();
    await page.keyboard.press('+');
    await page.keyboard.press('+');
    for (let count = 0; count < 20; count++) await page.keyboard.press('[');
    expect((await ticks.allInnerTexts())[0]).toBe('0');
    expect(await ticks.allInnerTexts()).not.toEqual(before);
    for (let count = 0; count < 20; count++) await page.keyboard.press(']');
    expect((await ticks.allInnerTexts()).at(-1)).toBe('4:00 min');
    await page.keyboard.press('0');
    expect(await ticks.allInnerTexts()).toEqual(before);
    await page.keyboard.press('i');
    await page.locator('[aria-pressed=true]', { hasText: 'Fold gaps' }).waitFor();
  });

  inBrowser('nothing is wider than a narrow screen', async () => {
    const root = temporaryVolume();
    const run = writeRun(root, `p${'-long'.repeat(15)}`, ABORTED);
    const { url } = await served(root);
    const page = await openPage(url, { width: 390, height: 800 });
    for (const address of [url, `${url}runs/${run.runId}`, `${url}runs/${run.runId}?tab=events`]) {
      await page.goto(address);
      await page.locator('.virtual').first().waitFor();
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
    }
  });

  inBrowser('on paper all nodes are there, not only those in view', async () => {
    const root = temporaryVolume();
    const log = await EventLog.create(root, 'p');
    const nodes = Array.from(
      { length: 120 },
      (_, index) => ({ type: 'node.started', node_id: `n${index}`, kind: 'bash' }) as const,
    );
    await log.appendAll(nodes);
    await log.close();
    const page = await onRun(root, log.runId);
    await page.locator('.node').first().waitFor();
    await page.emulateMedia({ media: 'print' });
    await page.evaluate("dispatchEvent(new Event('beforeprint'))");
    await page.locator('.node', { hasText: 'n119' }).waitFor();
    expect(await page.locator('.node').count()).toBe(120);
    expect(await page.locator('.detail').isVisible()).toBe(false);
  });

  inBrowser('a failure is copied as Markdown, with the end of the output', async () => {
    const root = temporaryVolume();
    const run = writeRun(root, 'p', ABORTED);
    writeCapture(run, 'publish', `${numbered(1, 100)}\u001b[31mremote rejected\u001b[0m \`\`\`\n`);
    const page = await onRun(root, run.runId);
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.locator('button', { hasText: 'Copy the failure' }).click();
    await page.locator('.actions', { hasText: 'Copied' }).waitFor();
    const copied = await page.evaluate('navigator.clipboard.readText()');
    expect(copied).toContain(`## Run \`${run.runId}\` aborted: node publish failed`);
    expect(copied).toContain('### Node `publish` failed (crash)');
    expect(copied).toContain('line 100\nremote rejected ```\n````');
    expect(copied).not.toContain('line 40\n');
  });
});

const gate = (name: string, stdout: string) =>
  ({ type: 'gate.passed', node_id: 'n', gate: name, method: 'hook', stdout }) as const;

inBrowser(
  'an event that was shortened is marked in the list and where it is opened, and the whole one is a link away; others are not',
  async () => {
    const root = quickVolume();
    const { runId } = writeRun(root, 'giants', [
      [0, { type: 'pipe.started', pipe: 'giants' }],
      [1, { type: 'node.started', node_id: 'n', kind: 'bash' }],
      [2, gate('short', 'a few words')],
      [3, gate('long', 'x'.repeat(100_000))],
      [4, { type: 'pipe.completed' }],
    ]);
    const { url, port } = await served(root);
    const page = await openPage(`${url}runs/${runId}?tab=events`);
    const event = (text: string) => page.locator('button.event', { hasText: text });
    const details = page.locator('.details');

    await event('gate=long').waitFor();
    expect(await event('gate=long').innerText()).toContain('shortened');
    expect(await page.locator('button.event .shortened').count()).toBe(1);

    await event('gate=short').click();
    await details.filter({ hasText: 'a few words' }).waitFor();
    expect(await details.innerText()).not.toContain('shortened');
    await event('gate=long').click();
    await details.filter({ hasText: '(96000 characters left out)' }).waitFor();
    expect(await details.innerText()).toContain('shortened');
    expect(await brokenRules(page)).toEqual([]);

    const address = await details.getByRole('link', { name: 'Whole event' }).getAttribute('href');
    const whole = await askJson<EventsAnswer>(port, address ?? '');
    expect(whole.events).toMatchObject([{ number: 3, event: { stdout: 'x'.repeat(100_000) } }]);
    await page.locator('label', { hasText: 'only of n' }).locator('input').check();
    await expect.poll(() => page.locator('button.event').count(), WAIT).toBe(3);
    expect(await event('gate=long').innerText()).toContain('shortened');
    if (process.env['OMNE_SHOT'] !== undefined) await page.screenshot({ path: process.env['OMNE_SHOT'] });
  },
);

describe('the page of omne-log timeline', () => {
  const SIZE = { width: 1000, height: 700, silent: true };

  inBrowser('is drawn without an error: bars, marks and failures are visible, light and dark', async () => {
    const { file } = await drawTimeline(ABORTED);
    for (const [colorScheme, done, failed] of [
      ['light', '#0072b2', '#d55e00'],
      ['dark', '#3d9fd8', '#ff8a3d'],
    ] as const) {
      const page = await openPage(pathToFileURL(file).href, { ...SIZE, colorScheme });
      const colours = coloursOf(await page.screenshot());
      expect(colours.get(done)).toBeGreaterThan(5000); // the bars
      expect(colours.get(failed)).toBeGreaterThan(300); // hatched bars, crosses, messages
      expect(colours.get(done)).toBeLessThan(100_000);
    }
  });

  inBrowser('stays harmless, whatever the events hold', async () => {
    const { file } = await drawTimeline(HOSTILE);
    const page = await openPage(pathToFileURL(file).href, SIZE);
    const html = await page.content();
    expect(html).toMatch(/<title>feature-\S+: timeline<\/title>/);
    expect(html).not.toMatch(/<script|<img/);
    expect(html.match(/<tr class="node /g)).toHaveLength(1);
  });
});

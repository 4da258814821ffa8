/** Events whose long texts the server has shortened, on the live page: it says so, in words, and leads to the whole event. */
import { AxeBuilder } from '@axe-core/playwright';
import { expect, onTestFinished } from 'vitest';
import type { EventsAnswer } from '../../src/web.js';
import { closeBrowserAfterAll, openPage } from '../support/browser.js';
import { writeRun } from '../support/cli-runs.js';
import { quickVolume } from '../support/quick-volume.js';
import { testWith } from '../support/tools.js';
import { askJson } from '../support/web-client.js';

// The built one: it has the built page beside it.
const web: typeof import('../../src/web.js') = await import(
  new URL('../../dist/web.js', import.meta.url).href
);

closeBrowserAfterAll();

const gate = (name: string, stdout: string) =>
  ({ type: 'gate.passed', node_id: 'n', gate: name, method: 'hook', stdout }) as const;

testWith(
  ['chromium'],
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
    const server = await web.createRunServer(root, { token: false });
    onTestFinished(() => server.close());
    const page = await openPage(`${server.url}runs/${runId}?tab=events`);
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
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);

    const address = await details.getByRole('link', { name: 'Whole event' }).getAttribute('href');
    const whole = await askJson<EventsAnswer>(server.port, address ?? '');
    expect(whole.events).toMatchObject([{ number: 3, event: { stdout: 'x'.repeat(100_000) } }]);
    await page.locator('label', { hasText: 'only of n' }).locator('input').check();
    await expect.poll(() => page.locator('button.event').count(), { timeout: 20_000 }).toBe(3);
    expect(await event('gate=long').innerText()).toContain('shortened');
    if (process.env['OMNE_SHOT'] !== undefined) await page.screenshot({ path: process.env['OMNE_SHOT'] });
  },
  60_000,
);

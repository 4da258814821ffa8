/** A real browser for the tests of the live page: Chromium, headless, one for a whole file. */
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, onTestFinished } from 'vitest';
import { CHROMIUM } from './chromium.js';
import { fullStrength } from './rounds.js';

const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-software-rasterizer',
  '--disable-extensions',
  '--renderer-process-limit=1',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let browser: Promise<Browser> | undefined;

/** How a page is opened. */
export interface PageOptions {
  readonly width?: number;
  readonly height?: number;
  readonly colorScheme?: 'light' | 'dark';
  /** Whether a word on its console is wrong, too: Chromium complains there of what a policy forbids. */
  readonly silent?: boolean;
}

/** The page that the last test left, for the next one: a new one costs as much as most tests do with it. */
let left: Page | undefined;

/** A page for one test; what goes wrong in it fails the test. Where all counts it is a new one. */
export async function openPage(url: string, options: PageOptions = {}): Promise<Page> {
  const { width = 1280, height = 800, colorScheme = 'light', silent = false } = options;
  const page = left ?? (await newPage());
  left = undefined;
  await page.setViewportSize({ width, height });
  await page.emulateMedia({ colorScheme, media: null });
  const complaints: string[] = [];
  page.on('pageerror', error => complaints.push(String(error)));
  if (silent) page.on('console', message => complaints.push(`on the console: ${message.text()}`));
  page.on('dialog', dialog => complaints.push(`a dialog: ${dialog.message()}`));
  onTestFinished(async ({ task }) => {
    if (fullStrength || task.result?.state === 'fail') await page.context().close();
    else await leave(page);
    if (complaints.length > 0) throw new Error(complaints.join('\n'));
  });
  await page.goto(url);
  return page;
}

async function newPage(): Promise<Page> {
  browser ??= chromium.launch({ executablePath: CHROMIUM, args: QUIET });
  const context = await (await browser).newContext({ timezoneId: 'Europe/Berlin' });
  return context.newPage();
}

/** Takes away all that a test may have set. */
async function leave(page: Page): Promise<void> {
  await page.evaluate('localStorage.clear()');
  await page.context().clearPermissions();
  await page.goto('about:blank');
  page.removeAllListeners();
  left = page;
}

/** To be called once by each file that opens pages: closes the browser at its end. */
export function closeBrowserAfterAll(): void {
  afterAll(async () => {
    await (await browser)?.close();
  });
}

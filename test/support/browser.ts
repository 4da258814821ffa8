/** A real browser for the tests of the live page: Chromium, headless, one for a whole file. */
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, onTestFinished } from 'vitest';
import { CHROMIUM } from './chromium.js';

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

/** A page, closed when the test ends; what goes wrong in it fails the test. */
export async function openPage(url: string, options: PageOptions = {}): Promise<Page> {
  browser ??= chromium.launch({ executablePath: CHROMIUM, args: QUIET });
  const { width = 1280, height = 800, colorScheme = 'light', silent = false } = options;
  const context = await (await browser).newContext({
    viewport: { width, height },
    colorScheme,
    timezoneId: 'Europe/Berlin',
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', error => complaints.push(String(error)));
  if (silent) page.on('console', message => complaints.push(`on the console: ${message.text()}`));
  page.on('dialog', dialog => complaints.push(`a dialog: ${dialog.message()}`));
  onTestFinished(async () => {
    await context.close();
    if (complaints.length > 0) throw new Error(complaints.join('\n'));
  });
  await page.goto(url);
  return page;
}

/** To be called once by each file that opens pages: closes the browser at its end. */
export function closeBrowserAfterAll(): void {
  afterAll(async () => {
    await (await browser)?.close();
  });
}

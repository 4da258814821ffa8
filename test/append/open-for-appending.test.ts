/** Opening a log: what is made durable before it is handed out. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { EventLog } from '../../src/index.js';
import { files } from '../../src/volume/file-calls.js';
import { logPath, RUN_ID } from '../support/logs.js';
import { temporaryVolume } from '../support/volume.js';

afterEach(() => {
  vi.restoreAllMocks();
});

/** A log as a creator leaves it that is killed once the file is there, before anything was synced. */
function unsyncedLog(root: string): void {
  mkdirSync(dirname(logPath(root)), { recursive: true });
  writeFileSync(logPath(root), '');
}

test('an empty log is synced with every folder of the volume above it, whoever made it', async () => {
  const root = temporaryVolume();
  unsyncedLog(root);
  const [file, folders] = [vi.spyOn(files, 'fdatasync'), vi.spyOn(files, 'fsync')];
  await (await EventLog.open(root, RUN_ID)).close();
  expect(file).toHaveBeenCalledTimes(1);
  expect(folders).toHaveBeenCalledTimes(5); // the run, `runs`, `var`, `.omne`, the root
});

test('a log with an event was synced with its folders before it had one', async () => {
  const root = temporaryVolume();
  unsyncedLog(root);
  const log = await EventLog.open(root, RUN_ID);
  await log.append({ type: 'pipe.started', pipe: 'feature' });
  await log.close();
  const folders = vi.spyOn(files, 'fsync');
  await (await EventLog.open(root, RUN_ID)).close();
  expect(folders).not.toHaveBeenCalled();
});

test('a log whose folders cannot be synced is not handed out', async () => {
  const root = temporaryVolume();
  unsyncedLog(root);
  const failing = vi.spyOn(files, 'fsync').mockImplementation(async () => {
    throw Object.assign(new Error('EIO: made up, fsync'), { code: 'EIO', syscall: 'fsync' });
  });
  await expect(EventLog.open(root, RUN_ID)).rejects.toMatchObject({ code: 'ERR_SYSTEM' });
  expect(failing).toHaveBeenCalledTimes(1);
});

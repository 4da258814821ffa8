import { describe, expect, test } from 'vitest';
import { type ListingOptions, listing } from '../../src/run/listing.js';

const RUN_IDS = ['a', 'b', 'c', 'd', 'e', 'f'];

/** Looks that end when they are asked to, and what is under way. */
function looks() {
  const ends = new Map<string, PromiseWithResolvers>();
  return {
    underway: () => [...ends.keys()].join(''),
    look: async (runId: string) => {
      const end = withResolvers();
      ends.set(runId, end);
      await end.promise.finally(() => ends.delete(runId));
      return { runId, status: 'ace'.includes(runId) ? 'completed' : 'aborted' };
    },
    end: (runId: string) => ends.get(runId)?.resolve(),
    fail: (runId: string) => ends.get(runId)?.reject(new Error(`${runId} failed`)),
  };
}

interface PromiseWithResolvers {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

function withResolvers(): PromiseWithResolvers {
  let resolvers: Omit<PromiseWithResolvers, 'promise'> | undefined;
  const promise = new Promise<void>((resolve, reject) => {
    resolvers = { resolve, reject };
  });
  return { promise, resolve: () => resolvers?.resolve(), reject: error => resolvers?.reject(error) };
}

/** The rows of looks that end at once; every second run is none. */
async function rowsOf(options: ListingOptions): Promise<string> {
  let rows = '';
  const look = async (runId: string) =>
    runId === 'c' ? undefined : { runId, status: 'ab'.includes(runId) ? 'completed' : 'aborted' };
  for await (const { runId } of listing(RUN_IDS, options, 2, look)) rows += runId;
  return rows;
}

describe('rows', () => {
  test('are given without those that are none, of one status or of any, and no more than wanted', async () => {
    expect(await rowsOf({})).toBe('abdef');
    expect(await rowsOf({ status: 'aborted' })).toBe('def');
    expect(await rowsOf({ status: 'aborted', limit: 2 })).toBe('de');
    expect(await rowsOf({ limit: 0 })).toBe('');
  });

  test('come in the order of the ids, so many looked at at a time, whichever look ends first', async () => {
    const { look, end, underway } = looks();
    const rows = listing(RUN_IDS, {}, 3, look);
    const first = rows.next();
    await expect.poll(underway).toBe('abc');
    end('c');
    end('b');
    await expect.poll(underway).toBe('a');
    end('a');
    expect((await first).value).toMatchObject({ runId: 'a' });
    expect((await rows.next()).value).toMatchObject({ runId: 'b' });
    expect(underway()).toBe('d');
    end('d');
    end('e');
    await rows.return(undefined);
  });
});

describe('a listing ends', () => {
  test('with the failure of a look when its turn comes, and once the others have ended', async () => {
    const { look, end, fail, underway } = looks();
    const rows = listing(RUN_IDS, {}, 2, look);
    const first = rows.next();
    await expect.poll(underway).toBe('ab');
    fail('b');
    await expect.poll(underway).toBe('a');
    end('a');
    expect((await first).value).toMatchObject({ runId: 'a' });
    const second = expect(rows.next()).rejects.toThrow('b failed');
    await expect.poll(underway).toBe('c');
    end('c');
    await second;
    expect(underway()).toBe('');
  });

  test('with the reason of its signal, before the first look and between two', async () => {
    const aborter = new AbortController();
    const look = async (runId: string) => ({ runId, status: 'completed' });
    const rows = listing(RUN_IDS, { signal: aborter.signal }, 2, look);
    expect((await rows.next()).value).toMatchObject({ runId: 'a' });
    aborter.abort(new Error('enough'));
    await expect(rows.next()).rejects.toThrow('enough');
    const never = listing(RUN_IDS, { signal: aborter.signal }, 2, () => expect.unreachable());
    await expect(never.next()).rejects.toThrow('enough');
  });
});

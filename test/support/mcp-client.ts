/** A client of the server for agents, in the same process; and the text of its answers. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { onTestFinished } from 'vitest';
import { whichRun } from '../../src/cli/pick-run.js';
import { createMcpServer } from '../../src/mcp/server.js';

/** What a call answered. */
export interface ToolAnswer {
  readonly text: string;
  readonly isError: boolean;
}

/** Calls tools. */
export type CallTool = (name: string, values?: Record<string, unknown>) => Promise<ToolAnswer>;

/** A connected client of a volume. */
export async function toolsOf(root: string): Promise<CallTool> {
  const server = createMcpServer({ root, which: given => whichRun(root, given) }, '0.0.0');
  const client = new Client({ name: 'test', version: '0.0.0' });
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  await Promise.all([server.connect(theirs), client.connect(ours)]);
  onTestFinished(() => client.close());
  return callerOf(client);
}

/** Calls tools by a client that is connected. */
export function callerOf(client: Client): CallTool {
  return async (name, values = {}) => {
    const { content, isError } = await client.callTool({ name, arguments: values });
    const [only, ...more] = Array.isArray(content) ? content : [];
    if (only?.type !== 'text' || more.length > 0) throw new Error('an answer is one text');
    return { text: only.text, isError: isError === true };
  };
}

/** The call an answer names as the next one: `Next: tool {...}`. */
export function nextCall(text: string): [name: string, values: Record<string, unknown>] {
  const [, name = '', json = ''] = /Next: (\w+) (\{.*\})$/m.exec(text) ?? [];
  if (name === '') throw new Error(`no next call is named in: ${text.slice(-300)}`);
  return [name, JSON.parse(json)];
}

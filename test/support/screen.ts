/** What a person sees: a command on a pseudo-terminal, and the screen its output leaves. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { COMMAND, plainEnvironment } from './command.js';

/** What a terminal session left. */
export interface Session {
  readonly code: number | null;
  /** Every byte that reached the terminal. */
  readonly output: string;
}

/** Runs `omne-log` on a pseudo-terminal of `columns` columns, with util-linux's script(1). */
export async function onTerminal(
  args: readonly string[],
  {
    columns = 80,
    env = {},
    onOutput,
  }: {
    columns?: number;
    env?: NodeJS.ProcessEnv;
    onOutput?: (output: string, child: ChildProcess) => void;
  } = {},
): Promise<Session> {
  const quoted = [process.execPath, COMMAND, ...args].map(part => `'${part.replaceAll("'", "'\\''")}'`);
  const command = `stty cols ${columns} rows 24; exec ${quoted.join(' ')}`;
  const { CI, ...person } = plainEnvironment(); // Node shows no colours in CI, also on a terminal
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    env: { ...person, TERM: 'xterm', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let seen = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    seen += chunk;
    onOutput?.(seen, child);
  });
  const [[code]] = await Promise.all([once(child, 'close'), text(child.stdout)]);
  child.stdin.destroy();
  return { code, output: seen };
}

/** The lines on the screen: knows the carriage return, the newline, erasing to the end of the line, and colours. */
export function screenOf(output: string): string[] {
  const lines = [''];
  let column = 0;
  for (const [token] of output.matchAll(/\u001b\[[0-9;]*[A-Za-z]|[\s\S]/gu)) {
    const row = lines.length - 1;
    const line = lines[row] ?? '';
    if (token === '\r') column = 0;
    else if (token === '\n') lines.push('');
    else if (token === '\u001b[K') lines[row] = [...line].slice(0, column).join('');
    else if (!token.startsWith('\u001b')) {
      const characters = [...line];
      characters[column++] = token;
      lines[row] = characters.join('');
    } else if (!token.endsWith('m')) throw new Error(`unexpected control ${JSON.stringify(token)}`);
  }
  return lines;
}

/**
 * The checks that every request passes first, and the headers that every answer has.
 *
 * Promises: a request that names a host which is not this server is refused, whatever it asks for: a page elsewhere that has
 * its own name point here (DNS rebinding) gets nothing. Without the token of this server, or the cookie it was exchanged for, nobody gets
 * anything but a word. Nothing can be changed: there is only reading.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { RequestError } from './request.js';

/** Headers of every answer. Scripts and styles are files of the page; nothing else is loaded from anywhere. */
const HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};

const LOOPBACK: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/** The checks of one server. */
export class Guard {
  readonly #hosts: ReadonlySet<string>;
  readonly #token: string | undefined;
  readonly #cookie: string;

  /** `hosts` are names besides those of this machine's loopback; without a port that of the server is meant. */
  constructor(port: number, hosts: readonly string[], token: string | undefined) {
    const names = [...LOOPBACK, ...hosts.map(host => host.toLowerCase())];
    this.#hosts = new Set(
      names.flatMap(name =>
        /[^:]:\d+$|\]:\d+$/.test(name) ? [name] : [`${name}:${port}`, ...(port === 80 ? [name] : [])],
      ),
    );
    this.#token = token;
    this.#cookie = `omne-log-${port}`; // cookies know no ports: two servers would take each other's
  }

  /** Puts the headers on an answer, and refuses what must be refused before anything is looked at. */
  admit(request: IncomingMessage, response: ServerResponse): void {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    const host = request.headers.host?.toLowerCase();
    if (host === undefined || !this.#hosts.has(host))
      throw new RequestError(403, 'host', 'this server does not answer to that name; --allow-host adds one');
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      response.setHeader('Connection', 'close'); // nobody reads its body
      throw new RequestError(405, 'method', 'only GET and HEAD');
    }
  }

  /**
   * Checks the token, in the address, the cookie or an `Authorization: Bearer`. One in an address of a page is exchanged for the cookie:
   * then the answer is the address without it, and true is returned.
   */
  logIn(request: IncomingMessage, url: URL, response: ServerResponse): boolean {
    const site = request.headers['sec-fetch-site'];
    const api = url.pathname.startsWith('/api/');
    if (api && site !== undefined && site !== 'same-origin' && site !== 'none')
      throw new RequestError(403, 'host', 'not for other sites');
    if (this.#token === undefined) return false;
    const given = url.searchParams.get('token');
    if (given !== null && !api && isSame(given, this.#token)) {
      url.searchParams.delete('token');
      response.writeHead(303, {
        Location: `${url.pathname.replace(/^\/+/, '/')}${url.search}`,
        'Set-Cookie': `${this.#cookie}=${this.#token}; Path=/; HttpOnly; SameSite=Strict`,
      });
      response.end();
      return true;
    }
    const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    for (const candidate of [bearer, ...cookiesOf(request, this.#cookie)])
      if (candidate !== undefined && isSame(candidate, this.#token)) return false;
    throw new RequestError(401, 'token', 'open the address that the server printed: it holds the token');
  }
}

/** A token that nobody guesses. */
export function newToken(): string {
  return randomBytes(24).toString('base64url');
}

/** All cookies of a name: a browser may hold one of another path or a server before. */
function cookiesOf(request: IncomingMessage, name: string): string[] {
  return (request.headers.cookie ?? '')
    .split(';')
    .map(cookie => cookie.trim())
    .filter(cookie => cookie.startsWith(`${name}=`))
    .map(cookie => cookie.slice(name.length + 1));
}

/** Compares in a time that does not depend on where the two differ. */
function isSame(given: string, token: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given), hash(token));
}

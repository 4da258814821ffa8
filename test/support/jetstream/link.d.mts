/** The types of `link.mjs`. */

/** A long link to a server. */
export interface Link {
  /** Of the server, by way of the link. */
  readonly url: string;
  /** Ends all connections, as the other end sees it. */
  drop(): void;
  close(): Promise<void>;
}

export function startLink(port: number, roundTripMs: number): Promise<Link>;

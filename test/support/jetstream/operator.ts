/** A NATS operator with one account and one user: what a server is told of them, and the user's file of credentials. */
import { createHash } from 'node:crypto';
import { nkeys } from '@nats-io/transport-node';

type Key = ReturnType<typeof nkeys.createUser>;

/** What a server trusts, as a part of its configuration, and who may log in. */
export interface Operator {
  readonly config: string;
  /** The content of the file. */
  readonly credentials: string;
}

/** Everything has new keys. */
export function newOperator(): Operator {
  const [operator, system, account, user] = [
    nkeys.createOperator(),
    nkeys.createAccount(),
    nkeys.createAccount(),
    nkeys.createUser(),
  ];
  const id = (key: Key) => key.getPublicKey();
  const unlimited = { subs: -1, data: -1, payload: -1 };
  const limits = { ...unlimited, conn: -1, leaf: -1, imports: -1, exports: -1, wildcards: true };
  const jetstream = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
  const operatorToken = token(operator, operator, { type: 'operator', system_account: id(system) });
  const systemToken = token(operator, system, { type: 'account', limits });
  const accountToken = token(operator, account, { type: 'account', limits: { ...limits, ...jetstream } });
  const userToken = token(account, user, { type: 'user', ...unlimited });
  return {
    config: [
      `operator: ${operatorToken}`,
      'resolver: MEMORY',
      `resolver_preload: { ${id(system)}: ${systemToken}, ${id(account)}: ${accountToken} }`,
    ].join('\n'),
    credentials: block('NATS USER JWT', userToken) + block('USER NKEY SEED', text(user.getSeed())),
  };
}

/** What `issuer` says of `subject`, signed. */
function token(
  issuer: Key,
  subject: Key,
  nats: { readonly type: string; readonly [name: string]: unknown },
): string {
  const claims = {
    iat: Math.floor(Date.now() / 1000),
    iss: issuer.getPublicKey(),
    sub: subject.getPublicKey(),
    nats: { version: 2, ...nats },
  };
  const jti = createHash('sha256').update(JSON.stringify(claims)).digest('hex');
  const header = encoded(JSON.stringify({ typ: 'JWT', alg: 'ed25519-nkey' }));
  const signed = `${header}.${encoded(JSON.stringify({ jti, ...claims }))}`;
  return `${signed}.${encoded(issuer.sign(Buffer.from(signed)))}`;
}

function encoded(content: string | Uint8Array): string {
  return Buffer.from(content).toString('base64url');
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('ascii');
}

function block(name: string, content: string): string {
  return `-----BEGIN ${name}-----\n${content}\n------END ${name}------\n\n`;
}

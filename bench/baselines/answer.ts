import { hash } from 'node:crypto';

/**
 * What every baseline serves and whom it lets through: the body of the service's token read, for one
 * client whose key is looked up by its SHA-256.
 */
export interface Client {
  readonly id: string;
  readonly scopes: ReadonlySet<string>;
}

export interface TokenBody {
  app_id: string;
  access_token: string;
  expires_in: number;
  expires_at: string;
  version: number;
  cache_for: number;
}

const APP_ID = variable('BENCH_APP_ID');
const LIFETIME_MS = 7_200_000;

export const PORT = Number(process.env.BENCH_PORT ?? 0);

export const clients: ReadonlyMap<string, Client> = new Map([
  [hashOf(variable('BENCH_KEY')), { id: 'default', scopes: new Set(['token:read']) }],
]);

const expiresAtMs = Date.now() + LIFETIME_MS;
const expiresAt = new Date(expiresAtMs).toISOString();
const token = `84_${'x'.repeat(133)}`;

export function hashOf(key: string): string {
  return hash('sha256', key, 'base64url');
}

/** The client of `Authorization: Bearer <key>`, if it may read. */
export function clientOf(authorization: string | undefined): Client | undefined {
  if (authorization?.startsWith('Bearer ') !== true) {
    return undefined;
  }
  const client = clients.get(hashOf(authorization.slice('Bearer '.length)));
  return client?.scopes.has('token:read') === true ? client : undefined;
}

/** Undefined for an account that there is not. */
export function tokenOf(appId: string): TokenBody | undefined {
  if (appId !== APP_ID) {
    return undefined;
  }
  return {
    app_id: APP_ID,
    access_token: token,
    expires_in: Math.floor((expiresAtMs - Date.now()) / 1_000),
    expires_at: expiresAt,
    version: 1,
    cache_for: 60,
  };
}

function variable(name: string): string {
  const value = process.env[name];
  if (value === undefined) {
    throw new Error(`${name} is not set: npm run bench starts the baselines`);
  }
  return value;
}

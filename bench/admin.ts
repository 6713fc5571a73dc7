import type { PinnedProcess } from './pinned-process.js';
import { ADMIN_KEY, bearer } from './world.js';

/** Clients that are made at the same time share the reading after it. */
const AT_ONCE = 32;

/** @returns the answer's body, empty where it has none. @throws Error when the answer is none of 2xx */
export async function admin(
  service: PinnedProcess,
  method: 'POST' | 'GET' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<Readonly<Record<string, unknown>>> {
  const answer = await fetch(`${service.url}/v1/admin${path}`, {
    method,
    headers: {
      ...bearer(ADMIN_KEY),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) {
    throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  }
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
}

/** `wx0000000000000001` and on: accounts that bring a live token along, so that WeChat is not asked. */
export async function addAccounts(service: PinnedProcess, count: number): Promise<string[]> {
  const appIds = Array.from({ length: count }, (_, index) => appIdOf(index + 1));
  await inTurns(appIds, (appId) =>
    admin(service, 'POST', '/accounts', {
      app_id: appId,
      app_secret: `bench-app-secret-of-${appId}`,
      access_token: `84_${appId.repeat(7)}`,
      expires_in: 7_200,
    }),
  );
  return appIds;
}

export async function removeAccounts(
  service: PinnedProcess,
  appIds: readonly string[],
): Promise<void> {
  await inTurns(appIds, (appId) => admin(service, 'DELETE', `/accounts/${appId}`));
}

/** @returns their keys */
export async function addClients(service: PinnedProcess, count: number): Promise<string[]> {
  const names = Array.from({ length: count }, (_, index) => `bench-${index + 1}`);
  const answers = await inTurns(names, (name) =>
    admin(service, 'POST', '/clients', { id: name, name, scopes: ['token:read'] }),
  );
  return answers.map(({ key }) => String(key));
}

function appIdOf(number: number): string {
  return `wx${number.toString(16).padStart(16, '0')}`;
}

async function inTurns<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let start = 0; start < items.length; start += AT_ONCE) {
    results.push(...(await Promise.all(items.slice(start, start + AT_ONCE).map(work))));
  }
  return results;
}

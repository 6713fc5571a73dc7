import type { Scope } from '../../src/access/scope.js';
import { ADMIN_KEY, APP_ID, type Answer, type ProblemBody, type Service } from './service.js';

export const CLIENTS = '/v1/admin/clients';

export interface KeyBody {
  readonly id: string;
  readonly name: string | null;
  readonly created_at: string;
  readonly last_used_at: string | null;
  readonly expires_at: string | null;
  /** In the answer that made it, and in no other. */
  readonly key: string;
}

export interface ClientBody {
  readonly id: string;
  readonly name: string;
  readonly scopes: Scope[];
  readonly accounts: 'all' | string[];
  readonly gateway: { readonly allow: string[]; readonly per_minute: number };
  readonly expires_at: string | null;
  readonly created_at: string;
  readonly keys: Omit<KeyBody, 'key'>[];
  readonly key: string;
}

/** A call of the admin API. */
export function admin<Body = ProblemBody>(
  service: Service,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer<Body>> {
  return service.call<Body>(method, path, { key: ADMIN_KEY, body });
}

/** A client that may read tokens, or what `fields` say. @throws Error where it was refused */
export async function makeClient(
  service: Service,
  fields: Partial<Omit<ClientBody, 'keys' | 'key' | 'gateway'>> & {
    readonly gateway?: Partial<ClientBody['gateway']>;
  } = {},
): Promise<ClientBody> {
  const body = { name: 'A server', scopes: ['token:read'], ...fields };
  const answer = await admin<ClientBody>(service, 'POST', CLIENTS, body);
  if (answer.status !== 201) {
    throw new Error(`no client: ${JSON.stringify(answer.body)}`);
  }
  return answer.body;
}

/** Another key of a client. @throws Error where it was refused */
export async function makeKey(
  service: Service,
  clientId: string,
  fields: object = {},
): Promise<KeyBody> {
  const answer = await admin<KeyBody>(service, 'POST', `${CLIENTS}/${clientId}/keys`, fields);
  if (answer.status !== 201) {
    throw new Error(`no key: ${JSON.stringify(answer.body)}`);
  }
  return answer.body;
}

/** One call through the gateway that is allowed, and one that is not: for who looks at what they leave behind. */
export async function callThroughGateway(service: Service): Promise<void> {
  const gateway = { allow: ['POST /cgi-bin/draft/count'] };
  const { key } = await makeClient(service, { scopes: ['gateway'], gateway });
  for (const path of ['/cgi-bin/draft/count', '/cgi-bin/draft/add']) {
    await service.call('POST', `/v1/accounts/${APP_ID}/gateway${path}`, { key, body: {} });
  }
}

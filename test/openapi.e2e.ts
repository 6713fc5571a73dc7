import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { admin, CLIENTS, makeClient, makeKey } from './support/clients.js';
import { routesOf } from './support/routes.js';
import { APP_ID, APP_SECRET, CLIENT_KEY, startService, type Service } from './support/service.js';
import { startSimulator, type Simulator } from './support/simulator.js';

/* The documents that the running service serves about itself, held against its routes and the contract. */

/** Endpoint → the scope that it wants, `admin` or `anyone` (contract: Client endpoints, Admin endpoints). */
const ENDPOINTS: Readonly<Record<string, string>> = {
  'GET /healthz': 'anyone',
  'GET /readyz': 'anyone',
  'GET /v1/accounts/{app_id}/access-token': 'token:read',
  'POST /v1/accounts/{app_id}/access-token/report': 'token:report',
  'GET /v1/accounts/{app_id}/ip-list': 'ip:read',
  'GET /v1/accounts/{app_id}/ip-list/contains': 'ip:read',
  'POST /v1/accounts/{app_id}/jssdk-signature': 'jssdk:sign',
  'GET /v1/accounts/{app_id}/tickets/{type}': 'ticket:read',
  'GET /cgi-bin/token': 'token:read',
  'POST /cgi-bin/stable_token': 'token:read',
  'GET /cgi-bin/getcallbackip': 'access_token',
  'GET /cgi-bin/get_api_domain_ip': 'access_token',
  'GET /cgi-bin/ticket/getticket': 'access_token',
  'GET /v1/admin/accounts': 'admin',
  'POST /v1/admin/accounts': 'admin',
  'GET /v1/admin/accounts/{app_id}': 'admin',
  'PATCH /v1/admin/accounts/{app_id}': 'admin',
  'DELETE /v1/admin/accounts/{app_id}': 'admin',
  'POST /v1/admin/accounts/{app_id}/access-token/refresh': 'admin',
  'GET /v1/admin/accounts/{app_id}/refreshes': 'admin',
  'GET /v1/admin/audit': 'admin',
  'GET /v1/admin/reads': 'admin',
  'GET /v1/admin/clients': 'admin',
  'POST /v1/admin/clients': 'admin',
  'GET /v1/admin/clients/{id}': 'admin',
  'PATCH /v1/admin/clients/{id}': 'admin',
  'DELETE /v1/admin/clients/{id}': 'admin',
  'POST /v1/admin/clients/{id}/keys': 'admin',
  'DELETE /v1/admin/clients/{id}/keys/{key_id}': 'admin',
  'GET /v1/admin/gateway/presets': 'admin',
  'POST /v1/admin/clients/{id}/gateway/check': 'admin',
};

/** Contract: Errors. */
const CODES: Readonly<Record<string, number>> = {
  validation_failed: 400,
  unauthenticated: 401,
  forbidden: 403,
  gateway_refused: 403,
  account_not_found: 404,
  not_found: 404,
  method_not_allowed: 405,
  account_exists: 409,
  length_required: 411,
  payload_too_large: 413,
  unsupported_media_type: 415,
  rate_limited: 429,
  force_refresh_limited: 429,
  internal_error: 500,
  wechat_error: 502,
  wechat_unreachable: 502,
  token_unavailable: 503,
  database_unavailable: 503,
  wechat_timeout: 504,
};

const SCOPES = [
  'token:read',
  'token:report',
  'ip:read',
  'ticket:read',
  'jssdk:sign',
  'gateway',
  'login',
  'metrics:read',
];

interface Operation {
  operationId: string;
  summary?: string;
  security?: Record<string, string[]>[];
  parameters?: { name: string; in: string; required: boolean; schema?: object }[];
  requestBody?: { required?: boolean };
  responses: Record<
    string,
    { description: string; content?: Record<string, { schema: object }>; headers?: object }
  >;
}

interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, { properties: Record<string, { enum?: string[] }> }> };
}

let wechat: Simulator;
let service: Service;
let document: Document;
/** By `GET /path/{parameter}`. */
let operations: Map<string, Operation>;

beforeAll(async () => {
  wechat = await startSimulator({ accounts: [{ appId: APP_ID, secret: APP_SECRET }] });
  service = await startService(wechat);
  await service.ready();
  document = (await service.call<Document>('GET', '/openapi.json')).body;
  operations = new Map(
    Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => [
        `${method.toUpperCase()} ${path}`,
        operation,
      ]),
    ),
  );
});
afterAll(async () => {
  await service.close();
  await wechat.close();
});

function whoMayCall({ security }: Operation): string {
  if (security === undefined) {
    return 'anyone';
  }
  const [scopes = []] = security.map((way) => Object.values(way).flat());
  return scopes.length === 0 ? 'admin' : scopes.join(' ');
}

/** Every value under a name, however deep. */
function valuesUnder(name: string, node: unknown): unknown[] {
  if (typeof node !== 'object' || node === null) {
    return [];
  }
  return Object.entries(node).flatMap(([key, value]: [string, unknown]) => [
    ...(key === name ? [value] : []),
    ...valuesUnder(name, value),
  ]);
}

describe('/openapi.json', () => {
  it('is OpenAPI 3.1', () => {
    expect(document.openapi).toMatch(/^3\.1\.\d+$/);
  });

  it('has every endpoint of the contract, with who may call it', () => {
    const documented = [...operations].map(([name, operation]) => [name, whoMayCall(operation)]);
    expect(Object.fromEntries(documented)).toMatchObject(ENDPOINTS);
  });

  it('has every route that answers, and no other', () => {
    const routes = routesOf(service.app);
    const pages = routes.filter((route) => /^GET \/(docs\b|openapi\.json$)/.test(route));
    expect(pages).toContain('GET /docs');
    // WeChat's own paths, by handle.
    const isAny = (route: string): boolean => route.endsWith(' /{path}');
    const others = routes.filter((route) => !pages.includes(route) && !isAny(route));
    expect([...operations.keys()].sort()).toEqual(others.sort());
  });

  it('gives each operation an id of its own, a summary, and every parameter of its path', () => {
    const ids = [...operations.values()].map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [name, { summary, parameters = [] }] of operations) {
      expect([name, summary]).toEqual([name, expect.stringMatching(/\w/)]);
      const inPath = parameters.filter((parameter) => parameter.in === 'path');
      expect([name, ...inPath.map((parameter) => parameter.name).sort()]).toEqual([
        name,
        ...[...name.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter).sort(),
      ]);
    }
  });

  it('asks for a key wherever one is wanted: a scope for clients, none for the admin', () => {
    for (const [name, operation] of operations) {
      const who = whoMayCall(operation);
      const keys = operation.security?.flatMap((way) => Object.keys(way));
      if (name.includes(' /v1/')) {
        expect([name, keys]).toEqual([name, ['bearer', 'api_key']]);
        expect(Object.keys(operation.responses)).toEqual(
          expect.arrayContaining(['401', '403', '429']),
        );
      }
      if (name.includes(' /v1/admin/')) {
        expect([name, who]).toEqual([name, 'admin']);
      } else if (name.includes(' /v1/')) {
        expect([name, SCOPES.includes(who)]).toEqual([name, true]);
      }
    }
  });

  it('describes every error as a problem, with codes of the contract that have that status', () => {
    expect(document.components.schemas.Problem?.properties.code?.enum?.sort()).toEqual(
      Object.keys(CODES).sort(),
    );
    for (const [name, { responses }] of operations) {
      const errors = Object.entries(responses).filter(([status]) => /^[45]/.test(status));
      for (const [status, { description, content }] of name === 'GET /readyz' ? [] : errors) {
        expect(content).toEqual({
          'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
        });
        const codes = [...description.matchAll(/`(\w+)`/g)].map(([, code = '']) => code);
        expect([name, codes.map((code) => CODES[code])]).toEqual([
          name,
          codes.map(() => Number(status)),
        ]);
        expect(codes).not.toEqual([]);
      }
    }
  });

  it.each([
    [
      'GET /v1/accounts/{app_id}/access-token',
      '503',
      ['database_unavailable', 'token_unavailable'],
    ],
    [
      'POST /v1/accounts/{app_id}/access-token/report',
      '503',
      ['database_unavailable', 'token_unavailable'],
    ],
    [
      'POST /v1/admin/accounts/{app_id}/access-token/refresh',
      '502',
      ['wechat_error', 'wechat_unreachable'],
    ],
    ['POST /v1/admin/accounts/{app_id}/access-token/refresh', '504', ['wechat_timeout']],
    ['GET /v1/admin/accounts/{app_id}', '404', ['account_not_found']],
    ['DELETE /v1/admin/clients/{id}/keys/{key_id}', '404', ['not_found']],
  ])('%s may answer %s with %j', (name, status, codes) => {
    const description = operations.get(name)?.responses[status]?.description ?? '';
    expect([...description.matchAll(/`(\w+)`/g)].map(([, code]) => code).sort()).toEqual(codes);
  });

  it('says of everything that is made where it is', () => {
    const makers = [...operations].filter(([, { responses }]) => responses['201'] !== undefined);
    expect(makers.map(([name]) => name).sort()).toEqual([
      'POST /v1/admin/accounts',
      'POST /v1/admin/clients',
      'POST /v1/admin/clients/{id}/keys',
    ]);
    for (const [name, { responses }] of makers) {
      expect([name, responses['201']?.headers]).toEqual([
        name,
        {
          Location: {
            description: expect.any(String),
            schema: { type: 'string', format: 'uri-reference' },
          },
        },
      ]);
    }
  });

  it('lets a body be left out where the service does', () => {
    const required = [...operations].flatMap(([name, { requestBody }]) =>
      requestBody === undefined ? [] : [[name, requestBody.required]],
    );
    expect(Object.fromEntries(required)).toMatchObject({
      'POST /v1/accounts/{app_id}/access-token/report': true,
      'POST /v1/admin/accounts/{app_id}/access-token/refresh': false,
      'POST /v1/admin/clients': true,
      'PATCH /v1/admin/clients/{id}': true,
      'POST /v1/admin/clients/{id}/keys': false,
    });
  });

  it('says of every parameter what it may hold', () => {
    for (const [name, { parameters = [] }] of operations) {
      for (const { name: parameter, schema } of parameters) {
        expect([name, parameter, Object.keys(schema ?? {}).length > 0]).toEqual([
          name,
          parameter,
          true,
        ]);
      }
    }
  });

  it('names the actions of the audit, which their features declare', () => {
    const { parameters = [] } = operations.get('GET /v1/admin/audit') ?? {};
    const action = parameters.find(({ name }) => name === 'action');
    expect(action).toMatchObject({ in: 'query', required: false });
    expect(action?.schema).toMatchObject({
      type: 'string',
      enum: expect.arrayContaining([
        ...['account.create', 'account.update', 'account.delete'],
        ...['client.create', 'client.update', 'client.delete', 'key.create', 'key.revoke'],
        ...['credential.refresh', 'gateway.check', 'token.refresh', 'token.report'],
      ]),
    });
    const outcome = parameters.find(({ name }) => name === 'outcome');
    expect(outcome?.schema).toMatchObject({ pattern: expect.stringContaining('fenced_off') });
  });

  it('refers to nothing that is not there', () => {
    const references = valuesUnder('$ref', document).map(String);
    expect(references.length).toBeGreaterThan(0);
    const known = Object.keys(document.components.schemas).map(
      (name) => `#/components/schemas/${name}`,
    );
    expect(references.filter((reference) => !known.includes(reference))).toEqual([]);
  });

  it('shows no token and no key as an example', () => {
    const examples = [
      ...valuesUnder('example', document),
      ...valuesUnder('examples', document),
      ...valuesUnder('default', document).filter((value) => typeof value === 'string'),
    ];
    expect(examples).toContain('wx0123456789abcdef');
    expect(JSON.stringify(examples)).not.toMatch(/\d+_[\w-]{10}|wtc_|Bearer/);
    expect(JSON.stringify(document)).not.toMatch(/\b\d{2}_[\w-]{20}/);
  });

  it('names the fields of the answers, neither more nor fewer', async () => {
    const ofClient = async (method: string, path: string, body?: object): Promise<object> =>
      (
        await service.call<object>(method, `/v1/accounts/${APP_ID}/${path}`, {
          key: CLIENT_KEY,
          body,
        })
      ).body;
    const read = await service.read();
    const { version } = read.body;
    const client = await makeClient(service, { id: 'documented' });
    const answers = {
      AccessToken: read.body,
      ReportAnswer: (await service.report({ version })).body,
      RefreshAnswer: (await service.adminRefresh()).body,
      Ticket: await ofClient('GET', 'tickets/jsapi'),
      JssdkSignature: await ofClient('POST', 'jssdk-signature', { url: 'https://a.cn' }),
      ClientWithKey: client,
      Client: (await admin<object>(service, 'GET', `${CLIENTS}/documented`)).body,
      ClientPage: (await admin<object>(service, 'GET', CLIENTS)).body,
      ClientKey: client.keys[0] ?? {},
      GatewayPresetList: (await admin<object>(service, 'GET', '/v1/admin/gateway/presets')).body,
      GatewayCheckAnswer: (
        await admin<object>(service, 'POST', `${CLIENTS}/documented/gateway/check`, {
          app_id: APP_ID,
          method: 'GET',
          path: '/a',
        })
      ).body,
      NewClientKey: await makeKey(service, 'documented'),
    };
    for (const [name, answer] of Object.entries(answers)) {
      const properties = document.components.schemas[name]?.properties ?? {};
      expect([name, ...Object.keys(answer).sort()]).toEqual([
        name,
        ...Object.keys(properties).sort(),
      ]);
    }
  });
});

describe('/docs', () => {
  it('and all that it loads come without a key, from here alone, under a strict policy', async () => {
    const page = await service.call<string>('GET', '/docs');
    const targets = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, target = '']) =>
      new URL(target, `${service.url}/docs`).href.replace(service.url, ''),
    );
    expect(targets.length).toBeGreaterThanOrEqual(3);
    for (const path of ['/docs', '/openapi.json', ...targets]) {
      const { status, headers } = await service.call('GET', path);
      expect([path, status]).toEqual([path, 200]);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe|https?:|\*/);
    }
    const types = await Promise.all(
      targets.map(async (path) => (await service.call('GET', path)).headers.get('content-type')),
    );
    expect(types.map((type) => type?.split(';')[0]).sort()).toEqual(
      targets
        .map(
          (path) => ({ js: 'text/javascript', css: 'text/css', png: 'image/png' })[extension(path)],
        )
        .sort(),
    );
  });

  it('loads the document of this service', async () => {
    const { body } = await service.call<string>('GET', '/docs/start.js');
    const [, target = ''] = /url: '([^']+)'/.exec(body) ?? [];
    expect(new URL(target, `${service.url}/docs`).pathname).toBe('/openapi.json');
  });
});

function extension(path: string): 'js' | 'css' | 'png' {
  const name = path.split('.').at(-1);
  if (name === 'js' || name === 'css' || name === 'png') {
    return name;
  }
  throw new Error(`${path} is of no kind that a page of ours loads`);
}

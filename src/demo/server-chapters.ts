import { expectEqual, expectThat, jsonOf } from './expectation.js';
import { bearer, type Chapter, type Scene, type Step } from './step.js';

/** What any server, firewall, load balancer or reader may ask for. */
export function serverChapters(scene: Scene): Chapter[] {
  return [
    {
      title: "The addresses of WeChat's servers",
      steps: [callbackList(scene), apiList(scene), textList(scene), containsAddress(scene)],
    },
    {
      title: 'Health and documents',
      steps: [
        healthStep(scene, 'healthz', 'Is the process alive?', 'ok'),
        healthStep(scene, 'readyz', 'Should it be sent requests?', 'ready'),
        openApi(scene),
        docsPage(scene),
      ],
    },
  ];
}

function callbackList(scene: Scene): Step {
  return {
    title: 'The addresses that WeChat calls from',
    note: 'For a firewall in front of your callback URL. Fetched once, then daily; each entry once, in order.',
    request: () => ({ method: 'GET', url: ipListUrl(scene), headers: bearer(scene.clientKey) }),
    check: (answer) => {
      const body = jsonOf(answer);
      expectEqual('kind', body.kind, 'callback');
      expectEqual('stale', body.stale, false);
      const list = body.ip_list;
      expectThat('ip_list has entries', Array.isArray(list) && list.length > 0);
      expectEqual('the number of different entries', new Set(list as []).size, (list as []).length);
    },
    success: 'a list, no entry twice',
  };
}

function apiList(scene: Scene): Step {
  return {
    title: "The addresses of WeChat's API",
    note: 'For a firewall that lets calls out.',
    request: () => ({
      method: 'GET',
      url: `${ipListUrl(scene)}?kind=api`,
      headers: bearer(scene.clientKey),
    }),
    check: (answer) => {
      expectEqual('kind', jsonOf(answer).kind, 'api');
    },
    success: 'the other list',
  };
}

function textList(scene: Scene): Step {
  return {
    title: 'One entry a line',
    note: 'For scripts: Accept: text/plain.',
    request: () => ({
      method: 'GET',
      url: ipListUrl(scene),
      headers: { ...bearer(scene.clientKey), Accept: 'text/plain' },
    }),
    check: (answer) => {
      expectEqual('the status', answer.status, 200);
      const type = answer.headers.get('content-type') ?? '';
      expectThat('it is plain text', type.startsWith('text/plain'));
      const lines = answer.text.trimEnd().split('\n');
      expectThat(
        'each line is an address or a CIDR',
        lines.every((line) => /^[0-9a-f.:]+(\/\d+)?$/i.test(line)),
      );
    },
    success: 'lines of addresses',
  };
}

function containsAddress(scene: Scene): Step {
  return {
    title: 'Is this address one of them?',
    note: 'Entries may be networks.',
    request: () => ({
      method: 'GET',
      url: `${ipListUrl(scene)}/contains?ip=101.226.103.7`,
      headers: bearer(scene.clientKey),
    }),
    check: (answer) => {
      const body = jsonOf(answer);
      expectEqual('contains', body.contains, true);
      expectEqual('matched', body.matched, '101.226.103.0/25');
    },
    success: 'yes, in that network',
  };
}

function healthStep({ serviceUrl }: Scene, path: string, title: string, status: string): Step {
  return {
    title,
    note: `For a load balancer or an orchestrator; no key.`,
    request: () => ({ method: 'GET', url: `${serviceUrl}/${path}` }),
    check: (answer) => {
      expectEqual('status', jsonOf(answer).status, status);
    },
    success: 'yes',
  };
}

function openApi({ serviceUrl }: Scene): Step {
  return {
    title: 'The interface as OpenAPI 3.1',
    note: 'For code generators; no key.',
    request: () => ({ method: 'GET', url: `${serviceUrl}/openapi.json` }),
    check: (answer) => {
      const { openapi, paths } = jsonOf(answer);
      expectThat('it is OpenAPI 3.1', typeof openapi === 'string' && openapi.startsWith('3.1'));
      const path = '/v1/accounts/{app_id}/access-token';
      expectThat(`it knows ${path}`, typeof paths === 'object' && path in (paths ?? {}));
    },
    success: 'OpenAPI 3.1',
  };
}

function docsPage({ serviceUrl }: Scene): Step {
  return {
    title: 'The same as a page for people',
    note: 'Open it in a browser; no key.',
    request: () => ({ method: 'GET', url: `${serviceUrl}/docs` }),
    check: (answer) => {
      expectEqual('the status', answer.status, 200);
      const type = answer.headers.get('content-type') ?? '';
      expectThat('it is an HTML page', type.startsWith('text/html'));
      expectThat('it loads Swagger UI', answer.text.includes('swagger-ui'));
    },
    success: 'a page',
  };
}

function ipListUrl({ serviceUrl, appId }: Scene): string {
  return `${serviceUrl}/v1/accounts/${appId}/ip-list`;
}

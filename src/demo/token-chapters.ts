import { expectEqual, expectThat, jsonOf, positiveField, textField } from './expectation.js';
import type { Answer } from './http-call.js';
import { bearer, type Chapter, type Memory, type Scene, type Step } from './step.js';

/** The client's side: read, keep, report. */
export function tokenChapters(scene: Scene): Chapter[] {
  return [
    {
      title: 'A business server reads the token',
      steps: [readToken(scene), readAgain(scene), useToken(scene)],
    },
    {
      title: 'The token dies, and is reported',
      steps: [
        killToken(scene),
        useDeadToken(scene),
        reportDeadToken(scene),
        useNewToken(scene),
        reportOnceMore(scene),
      ],
    },
  ];
}

export function readToken(scene: Scene): Step {
  return {
    title: 'Read the token',
    note: 'From memory: no read ever waits for WeChat while a token is live.',
    request: () => ({
      method: 'GET',
      url: tokenUrl(scene),
      headers: bearer(scene.clientKey),
    }),
    check: (answer, memory) => {
      expectEqual('Cache-Control', answer.headers.get('cache-control'), 'no-store');
      learnToken(answer, memory);
      memory.deadToken = memory.token;
      memory.etag = answer.headers.get('etag') ?? '';
      expectThat('there is an ETag', memory.etag !== '');
    },
    success: 'a live token, with the seconds that truly remain',
  };
}

function readAgain(scene: Scene): Step {
  return {
    title: 'Read it again, only if it has changed',
    note: 'If-None-Match with the ETag of the last answer.',
    request: ({ etag }) => ({
      method: 'GET',
      url: tokenUrl(scene),
      headers: { ...bearer(scene.clientKey), 'If-None-Match': etag },
      showHeaders: true,
    }),
    check: (answer) => {
      expectEqual('the status', answer.status, 304);
      expectEqual('the body', answer.text, '');
    },
    success: 'it has not',
  };
}

function useToken(scene: Scene): Step {
  return {
    title: 'Call WeChat with it',
    note: "An ordinary business call, straight to WeChat; here to the simulator, which stands in WeChat's place.",
    request: ({ token }) => businessCall(scene, token),
    check: (answer) => {
      expectEqual('errcode', jsonOf(answer).errcode, 0);
    },
    success: 'WeChat accepts the token',
  };
}

function killToken(scene: Scene): Step {
  return {
    title: 'Kill the token',
    note: "As if somebody else had fetched one. This is the simulator's control interface; WeChat has none.",
    request: ({ deadToken }) => ({
      method: 'POST',
      url: `${scene.simulatorUrl}/__simulator/tokens/kill`,
      body: { access_token: deadToken },
    }),
    check: (answer) => {
      expectEqual('alive', jsonOf(answer).alive, false);
    },
    success: 'WeChat will refuse it from now on',
  };
}

function useDeadToken(scene: Scene): Step {
  return {
    title: 'Call WeChat with the dead token',
    note: 'What a business server sees: HTTP 200 and errcode 40001.',
    request: ({ deadToken }) => businessCall(scene, deadToken),
    check: (answer) => {
      expectEqual('errcode', jsonOf(answer).errcode, 40001);
    },
    success: 'WeChat refuses it',
  };
}

function reportDeadToken(scene: Scene): Step {
  return {
    title: 'Report the token that WeChat refused',
    note: 'The service asks WeChat whether it is dead, and replaces it. Fetches are 2 s apart, so this may take that long.',
    request: ({ deadToken }) => report(scene, deadToken),
    check: (answer, memory) => {
      const before = memory.version;
      const body = learnToken(answer, memory);
      expectEqual('outcome', body.outcome, 'refreshed');
      expectThat('the token is another one', memory.token !== memory.deadToken);
      expectThat('the version grew', memory.version > before);
    },
    success: 'refreshed: another token, a greater version',
  };
}

function useNewToken(scene: Scene): Step {
  return {
    ...useToken(scene),
    title: 'Call WeChat with the new token',
    note: 'The business server repeats its call once.',
  };
}

function reportOnceMore(scene: Scene): Step {
  return {
    title: 'Report the old token once more',
    note: 'As another server would that still held it.',
    request: ({ deadToken }) => report(scene, deadToken),
    check: (answer, memory) => {
      const body = jsonOf(answer);
      expectEqual('outcome', body.outcome, 'superseded');
      expectEqual('access_token', body.access_token, memory.token);
    },
    success: 'superseded: it gets the current token, and WeChat is not asked',
  };
}

function tokenUrl({ serviceUrl, appId }: Scene): string {
  return `${serviceUrl}/v1/accounts/${appId}/access-token`;
}

function report(scene: Scene, token: string): ReturnType<Step['request']> {
  return {
    method: 'POST',
    url: `${tokenUrl(scene)}/report`,
    headers: bearer(scene.clientKey),
    body: { access_token: token, errcode: 40001 },
  };
}

function businessCall({ simulatorUrl }: Scene, token: string): ReturnType<Step['request']> {
  return {
    method: 'POST',
    url: `${simulatorUrl}/cgi-bin/message/custom/send?access_token=${token}`,
    body: { touser: 'OPENID', msgtype: 'text', text: { content: 'Hello' } },
  };
}

function learnToken(answer: Answer, memory: Memory): ReturnType<typeof jsonOf> {
  const body = jsonOf(answer);
  memory.token = textField(body, 'access_token');
  memory.version = positiveField(body, 'version');
  positiveField(body, 'expires_in');
  positiveField(body, 'cache_for');
  return body;
}

import { expectEqual, expectThat, jsonOf, positiveField } from './expectation.js';
import type { Answer } from './http-call.js';
import { bearer, type Chapter, type Memory, type Scene, type Step } from './step.js';

/** The admin's side. No answer here holds a token. */
export function operatorChapter(scene: Scene): Chapter {
  return {
    title: 'An operator looks and refreshes',
    steps: [refresh(scene), forceRefresh(scene), allStates(scene), oneState(scene)],
  };
}

function refresh(scene: Scene): Step {
  return {
    title: 'Ask WeChat now',
    note: 'A stable token stays the same until its last 5 minutes, so WeChat returns it again.',
    request: () => refreshRequest(scene, { reason: 'demonstration' }),
    check: (answer, memory) => {
      const body = jsonOf(answer);
      expectEqual('rotated', body.rotated, false);
      expectEqual('version', body.version, memory.version);
      expectNoToken(answer, memory);
    },
    success: 'asked; the token is the same',
  };
}

function forceRefresh(scene: Scene): Step {
  return {
    title: 'Force another token',
    note: 'For a token that leaked. WeChat allows 20 a day, 30 s apart.',
    request: () => refreshRequest(scene, { force: true, reason: 'demonstration' }),
    check: (answer, memory) => {
      const body = jsonOf(answer);
      expectEqual('rotated', body.rotated, true);
      expectThat('the version grew', positiveField(body, 'version') > memory.version);
      expectNoToken(answer, memory);
    },
    success: 'rotated',
  };
}

function allStates(scene: Scene): Step {
  return {
    title: 'The state of every account',
    note: 'When the token was fetched, when the next refresh is due, the last error, calls made today.',
    request: () => ({
      method: 'GET',
      url: accountsUrl(scene),
      headers: bearer(scene.adminKey),
    }),
    check: (answer, memory) => {
      const { items } = jsonOf(answer);
      expectThat('one account is listed', Array.isArray(items) && items.length === 1);
      expectNoToken(answer, memory);
    },
    success: 'one account, and no token in the answer',
  };
}

function oneState(scene: Scene): Step {
  return {
    title: 'The state of one account',
    note: 'What to look at first when something is wrong.',
    request: () => ({
      method: 'GET',
      url: `${accountsUrl(scene)}/${scene.appId}`,
      headers: bearer(scene.adminKey),
    }),
    check: (answer, memory) => {
      const body = jsonOf(answer);
      expectEqual('app_id', body.app_id, scene.appId);
      const token = body.access_token;
      const state =
        typeof token === 'object' && token !== null && 'state' in token ? token.state : undefined;
      expectEqual('the state', state, 'live');
      expectNoToken(answer, memory);
    },
    success: 'live',
  };
}

function refreshRequest(scene: Scene, body: object): ReturnType<Step['request']> {
  return {
    method: 'POST',
    url: `${accountsUrl(scene)}/${scene.appId}/access-token/refresh`,
    headers: bearer(scene.adminKey),
    body,
  };
}

function accountsUrl({ serviceUrl }: Scene): string {
  return `${serviceUrl}/v1/admin/accounts`;
}

function expectNoToken({ text }: Answer, { token }: Memory): void {
  expectThat('the answer holds no token', !text.includes(token));
}

import { z } from 'zod';
import type { Answer, HttpRequest } from './http-call.js';

/** Where the calls go, and with which keys. */
export interface Context {
  readonly serviceUrl: string;
  readonly simulatorUrl: string;
  readonly appId: string;
  readonly clientKey: string;
  readonly adminKey: string;
}

/** What earlier answers taught; later requests and expectations use it. */
export interface Known {
  token: string;
  version: number;
  etag: string;
  /** The first token, which the simulator is told to kill. */
  firstToken: string;
  /** Of a client that may call through the gateway, and never sees the token. */
  publisherKey: string;
  /** What it gets in the place of a token. */
  handle: string;
}

/** What the answer must be. `json` and `text` are about its body; the status is 200 unless named. */
export interface Expected {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, RegExp>>;
  readonly json?: z.ZodType;
  readonly text?: RegExp;
  /** The current token appears nowhere in the answer. */
  readonly hidesToken?: boolean;
}

/** One row of the demonstration. */
export interface Call {
  readonly title: string;
  /** Why it is worth a look. */
  readonly note: string;
  readonly request: () => HttpRequest;
  readonly expected: () => Expected;
  readonly learn?: (answer: Answer) => void;
  /** Printed when the answer is as expected. */
  readonly success: string;
}

export interface Section {
  readonly title: string;
  readonly calls: readonly Call[];
}

const text = z.string().min(1);
const positive = z.number().positive();
const tokenAnswer = { access_token: text, version: positive, expires_in: positive };

/** Every main endpoint, in an order in which each answer follows from those before. */
export function sections(context: Context, known: Known): Section[] {
  const { serviceUrl, simulatorUrl, appId } = context;
  const client = { Authorization: `Bearer ${context.clientKey}` };
  const admin = { Authorization: `Bearer ${context.adminKey}` };
  const account = `${serviceUrl}/v1/accounts/${appId}`;
  const accounts = `${serviceUrl}/v1/admin/accounts`;

  const read = (url: string, headers: Record<string, string> = client): HttpRequest => ({
    method: 'GET',
    url,
    headers,
  });
  const post = (url: string, body: object, headers?: Record<string, string>): HttpRequest => ({
    method: 'POST',
    url,
    body,
    ...(headers && { headers }),
  });
  const businessCall = (token: string): HttpRequest =>
    post(`${simulatorUrl}/cgi-bin/message/custom/send?access_token=${token}`, {
      touser: 'OPENID',
      msgtype: 'text',
      text: { content: 'Hello' },
    });
  const report = (): HttpRequest =>
    post(
      `${account}/access-token/report`,
      { access_token: known.firstToken, errcode: 40001 },
      client,
    );
  const refresh = (body: object): HttpRequest =>
    post(`${accounts}/${appId}/access-token/refresh`, body, admin);
  const learnToken = ({ text: body }: Answer): void => {
    const { access_token, version } = z.object(tokenAnswer).parse(JSON.parse(body));
    known.token = access_token;
    known.version = version;
  };

  return [
    {
      title: 'A business server reads the token',
      calls: [
        {
          title: 'Read the token',
          note: 'From memory: no read ever waits for WeChat while a token is live.',
          request: () => read(`${account}/access-token`),
          expected: () => ({
            headers: { 'cache-control': /^no-store$/, etag: /./ },
            json: z.object({ ...tokenAnswer, cache_for: positive }),
          }),
          learn: (answer) => {
            learnToken(answer);
            known.firstToken = known.token;
            known.etag = answer.headers.get('etag') ?? '';
          },
          success: 'a live token, with the seconds that truly remain',
        },
        {
          title: 'Read it again, only if it has changed',
          note: 'If-None-Match with the ETag of the last answer.',
          request: () => ({
            ...read(`${account}/access-token`, { ...client, 'If-None-Match': known.etag }),
            showHeaders: true,
          }),
          expected: () => ({ status: 304, text: /^$/ }),
          success: 'it has not',
        },
        {
          title: 'Call WeChat with it',
          note: "An ordinary business call, straight to WeChat; here to the simulator, which takes WeChat's place.",
          request: () => businessCall(known.token),
          expected: () => ({ json: z.object({ errcode: z.literal(0) }) }),
          success: 'WeChat accepts the token',
        },
      ],
    },
    {
      title: 'The token dies, and is reported',
      calls: [
        {
          title: 'Kill the token',
          note: "As if somebody else had fetched one. This is the simulator's control interface; WeChat has none.",
          request: () =>
            post(`${simulatorUrl}/__simulator/tokens/kill`, { access_token: known.firstToken }),
          expected: () => ({ json: z.object({ alive: z.literal(false) }) }),
          success: 'WeChat will refuse it from now on',
        },
        {
          title: 'Call WeChat with the dead token',
          note: 'What a business server sees: HTTP 200 and errcode 40001.',
          request: () => businessCall(known.firstToken),
          expected: () => ({ json: z.object({ errcode: z.literal(40001) }) }),
          success: 'WeChat refuses it',
        },
        {
          title: 'Report the token that WeChat refused',
          note: 'The service asks WeChat whether it is dead, and replaces it. Fetches are 2 s apart, so this may take that long.',
          request: report,
          expected: () => ({
            json: z.object({
              ...tokenAnswer,
              outcome: z.literal('refreshed'),
              access_token: anotherThan(known.firstToken),
              version: z.number().gt(known.version),
            }),
          }),
          learn: learnToken,
          success: 'refreshed: another token, a greater version',
        },
        {
          title: 'Call WeChat with the new token',
          note: 'The business server repeats its call once.',
          request: () => businessCall(known.token),
          expected: () => ({ json: z.object({ errcode: z.literal(0) }) }),
          success: 'WeChat accepts the token',
        },
        {
          title: 'Report the old token once more',
          note: 'As another server would that still held it.',
          request: report,
          expected: () => ({
            json: z.object({
              outcome: z.literal('superseded'),
              access_token: z.literal(known.token),
            }),
          }),
          success: 'superseded: it gets the current token, and WeChat is not asked',
        },
      ],
    },
    {
      title: 'A page uses the JS-SDK',
      calls: [
        {
          title: 'Read the jsapi_ticket',
          note: 'Fetched at first need, then kept alive like the token. For cards: tickets/wx_card.',
          request: () => read(`${account}/tickets/jsapi`),
          expected: () => ({
            json: z.object({ type: z.literal('jsapi'), ticket: text, expires_in: positive }),
          }),
          success: 'a live ticket',
        },
        {
          title: 'Have a page signed',
          note: 'The answer goes into wx.config as it is. The ticket stays on the server.',
          request: () =>
            post(
              `${account}/jssdk-signature`,
              { url: 'https://shop.example.com/goods?id=7' },
              client,
            ),
          expected: () => ({
            json: z.object({
              appId: z.literal(appId),
              timestamp: positive,
              nonceStr: text,
              signature: z.string().regex(/^[0-9a-f]{40}$/),
            }),
          }),
          success: 'appId, timestamp, nonceStr and signature',
        },
      ],
    },
    {
      title: 'A program calls WeChat through the gateway',
      calls: [
        {
          title: 'Add a draft, by key',
          note: 'With the key of the client "publisher", which may call what its rules list and never sees the token.',
          request: () =>
            post(
              `${account}/gateway/cgi-bin/draft/add`,
              {
                articles: [{ title: 'Hello', content: '<p>Hello</p>', thumb_media_id: 'MEDIA_ID' }],
              },
              { Authorization: `Bearer ${known.publisherKey}` },
            ),
          expected: () => ({ json: z.object({ media_id: text }), hidesToken: true }),
          success: "WeChat's answer, as it is",
        },
        {
          title: 'Send a message, by handle',
          note: 'What an SDK does that has this service as its address and the client key as its AppSecret: its token is a handle.',
          request: () =>
            post(`${serviceUrl}/cgi-bin/message/custom/send?access_token=${known.handle}`, {
              touser: 'OPENID',
              msgtype: 'text',
              text: { content: 'Hello' },
            }),
          expected: () => ({ json: z.object({ errcode: z.literal(0) }), hidesToken: true }),
          success: 'WeChat accepts the call',
        },
        {
          title: 'Log a user of a mini program in',
          note: 'The client key is in the place of the AppSecret, which stays in the service.',
          request: () =>
            read(
              `${serviceUrl}/sns/jscode2session?appid=${appId}&secret=${known.publisherKey}&js_code=CODE&grant_type=authorization_code`,
              {},
            ),
          expected: () => ({ json: z.object({ openid: text, session_key: text }) }),
          success: 'the session of the user',
        },
      ],
    },
    {
      title: 'An operator looks and refreshes',
      calls: [
        {
          title: 'Ask WeChat now',
          note: 'A stable token stays the same until its last 5 minutes, so WeChat returns it again.',
          request: () => refresh({ reason: 'demonstration' }),
          expected: () => ({
            json: z.object({ rotated: z.literal(false), version: z.literal(known.version) }),
            hidesToken: true,
          }),
          success: 'asked; the token is the same',
        },
        {
          title: 'Force another token',
          note: 'For a token that leaked. WeChat allows 20 a day, 30 s apart.',
          request: () => refresh({ force: true, reason: 'demonstration' }),
          expected: () => ({
            json: z.object({ rotated: z.literal(true), version: z.number().gt(known.version) }),
            hidesToken: true,
          }),
          success: 'rotated',
        },
        {
          title: 'The state of every account',
          note: 'When the token was fetched, when the next refresh is due, the last error, calls made today.',
          request: () => read(accounts, admin),
          expected: () => ({
            json: z.object({ items: z.array(z.object()).length(1) }),
            hidesToken: true,
          }),
          success: 'one account, and no token in the answer',
        },
        {
          title: 'The state of one account',
          note: 'What to look at first when something is wrong.',
          request: () => read(`${accounts}/${appId}`, admin),
          expected: () => ({
            json: z.object({
              app_id: z.literal(appId),
              access_token: z.object({ state: z.literal('live') }),
            }),
            hidesToken: true,
          }),
          success: 'live',
        },
      ],
    },
    {
      title: "The addresses of WeChat's servers",
      calls: [
        {
          title: 'The addresses that WeChat calls from',
          note: 'For a firewall in front of your callback URL. Fetched once, then daily; each entry once, in order.',
          request: () => read(`${account}/ip-list`),
          expected: () => ({
            json: z.object({
              kind: z.literal('callback'),
              stale: z.literal(false),
              ip_list: z
                .array(text)
                .min(1)
                .refine((list) => new Set(list).size === list.length, 'an entry appears twice'),
            }),
          }),
          success: 'a list, no entry twice',
        },
        {
          title: "The addresses of WeChat's API",
          note: 'For a firewall that lets calls out.',
          request: () => read(`${account}/ip-list?kind=api`),
          expected: () => ({ json: z.object({ kind: z.literal('api') }) }),
          success: 'the other list',
        },
        {
          title: 'One entry a line',
          note: 'For scripts: Accept: text/plain.',
          request: () => read(`${account}/ip-list`, { ...client, Accept: 'text/plain' }),
          expected: () => ({
            headers: { 'content-type': /^text\/plain/ },
            text: /^(?:[0-9a-f.:]+(?:\/\d+)?\n)+$/i,
          }),
          success: 'lines of addresses',
        },
        {
          title: 'Is this address one of them?',
          note: 'Entries may be networks.',
          request: () => read(`${account}/ip-list/contains?ip=101.226.103.7`),
          expected: () => ({
            json: z.object({ contains: z.literal(true), matched: z.literal('101.226.103.0/25') }),
          }),
          success: 'yes, in that network',
        },
      ],
    },
    {
      title: 'Health and documents',
      calls: [
        {
          title: 'Is the process alive?',
          note: 'For a load balancer or an orchestrator; no key.',
          request: () => read(`${serviceUrl}/healthz`, {}),
          expected: () => ({ json: z.object({ status: z.literal('ok') }) }),
          success: 'yes',
        },
        {
          title: 'Should it be sent requests?',
          note: 'For a load balancer or an orchestrator; no key.',
          request: () => read(`${serviceUrl}/readyz`, {}),
          expected: () => ({ json: z.object({ status: z.literal('ready') }) }),
          success: 'yes',
        },
        {
          title: 'The interface as OpenAPI 3.1',
          note: 'For code generators; no key.',
          request: () => read(`${serviceUrl}/openapi.json`, {}),
          expected: () => ({
            json: z.object({
              openapi: z.string().startsWith('3.1'),
              paths: z.object({ '/v1/accounts/{app_id}/access-token': z.object() }),
            }),
          }),
          success: 'OpenAPI 3.1',
        },
        {
          title: 'The same as a page for people',
          note: 'Open it in a browser; no key.',
          request: () => read(`${serviceUrl}/docs`, {}),
          expected: () => ({ headers: { 'content-type': /^text\/html/ }, text: /swagger-ui/ }),
          success: 'a page',
        },
      ],
    },
  ];
}

function anotherThan(token: string): z.ZodString {
  return text.refine((value) => value !== token, 'it is the reported token');
}

import { z } from 'zod';
import { RefusalError } from '../../access/refusals.js';
import { DropInError } from './drop-in.errors.js';

/** What a caller of a token endpoint sends, as WeChat names it; `secret` carries a client key of ours. */
export interface Grant {
  readonly appId: string;
  readonly secret: string;
  /** Stable only: the caller believes that its token is dead. */
  readonly forceRefresh: boolean;
}

/** The query as the router parses it: a parameter that was given twice is a list. */
type QueryParameters = Readonly<Record<string, unknown>>;

/** WeChat takes fields that it does not know. A field that is null is one left out. */
const StableTokenBody = z.object({
  grant_type: z.string().nullish(),
  appid: z.string().nullish(),
  secret: z.string().nullish(),
  force_refresh: z.unknown().optional(),
});

/** How languages without booleans in forms and templates write one; texts in any case. */
const FLAGS: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  [true, true],
  ['true', true],
  [1, true],
  ['1', true],
  [false, false],
  ['false', false],
  [0, false],
  ['0', false],
  ['', false],
  [null, false],
  [undefined, false],
]);

/** Without blanks at its ends. Of a parameter that was given twice, the first value counts, as at WeChat. */
export function parameter(query: unknown, name: string): string {
  const value = (query as QueryParameters)[name];
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === 'string' ? first.trim() : '';
}

/** @throws DropInError 41002, 40002; RefusalError without a key */
export function grantOfQuery(query: unknown): Grant {
  const given = (name: string): string => parameter(query, name);
  return complete({
    appId: given('appid'),
    grantType: given('grant_type'),
    secret: given('secret'),
    forceRefresh: false,
  });
}

/**
 * @param text the body as it came: WeChat reads it as JSON whatever its Content-Type says
 * @throws DropInError 44002, 41002 for what is no object at all (a form, say), 47001, and as for a query
 */
export function grantOfBody(text: unknown): Grant {
  if (typeof text !== 'string' || text === '') {
    throw new DropInError(44002, 'send the parameters as JSON in the body');
  }
  if (!text.trimStart().startsWith('{')) {
    throw new DropInError(41002, 'send the parameters as JSON in the body, not as a form');
  }
  const { data } = StableTokenBody.safeParse(parsed(text));
  const forceRefresh = flagOf(data?.force_refresh);
  if (data === undefined || forceRefresh === undefined) {
    throw new DropInError(47001, 'the body is no JSON, or a field is of the wrong type');
  }
  return complete({
    appId: data.appid?.trim() ?? '',
    grantType: data.grant_type?.trim() ?? '',
    secret: data.secret?.trim() ?? '',
    forceRefresh,
  });
}

function complete({ grantType, ...grant }: Grant & { readonly grantType: string }): Grant {
  if (grant.appId === '') {
    throw new DropInError(41002);
  }
  if (grantType !== 'client_credential') {
    throw new DropInError(40002, 'grant_type must be client_credential');
  }
  if (grant.secret === '') {
    throw new RefusalError(
      'unauthenticated',
      'no_key',
      'put a client key of this service into secret',
    );
  }
  return grant;
}

function flagOf(value: unknown): boolean | undefined {
  return FLAGS.get(typeof value === 'string' ? value.trim().toLowerCase() : value);
}

/** What is no JSON is undefined, which no schema takes. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

import { pathProblem } from '../../access/gateway-path.js';
import type { GatewayPreset } from '../../access/gateway-preset.js';
import { GATEWAY_METHODS, parseGatewayRule, type CallRule } from '../../access/gateway-rule.js';
import { scrubText } from '../../errors/redaction.js';

/** The texts of the rules of each preset. A preset holds no presets. */
export type PresetRules = Readonly<Record<GatewayPreset, readonly string[]>>;

/** What a client may call, made once from its `gateway.allow` and asked at each call. */
export interface GatewayRuleSet {
  /** The client's rule by `METHOD /path`. */
  readonly exact: ReadonlyMap<string, string>;
  /** Those with a wildcard in the path, in the order of the client's list. */
  readonly patterns: readonly Pattern[];
}

interface Pattern {
  readonly method: string;
  /** Without the wildcard at the end. */
  readonly segments: readonly string[];
  /** It ends with a wildcard: one or more segments follow. */
  readonly takesRest: boolean;
  /** The client's rule: of a preset its name. */
  readonly rule: string;
}

export type GatewayDecision =
  | { readonly allowed: true; readonly rule: string }
  | {
      readonly allowed: false;
      readonly reason: 'bad_path' | 'never_passed' | 'no_rule';
      /** Sentences: what is wrong and what to do. Without the path, which may be anything. */
      readonly detail: string;
      /** The rule that would allow this call and no other, where one could. */
      readonly wouldAllow?: string;
    };

/** Passed by the scope `login` and their own route, since they need the AppSecret; by no rule. */
export const LOGIN_PATHS = ['/sns/jscode2session', '/sns/oauth2/access_token'] as const;

const WILDCARD = '*';
const METHODS: ReadonlySet<string> = new Set(GATEWAY_METHODS);
/** A longer path is not quoted: none of WeChat's is, and it may hold what is not for others to see. */
const MOST_QUOTED = 200;

const GIVES_TOKEN =
  'WeChat answers it with the access token itself, which this service keeps. A client with the scope token:read reads it at /v1/accounts/{app_id}/access-token.';
const NEEDS_LOGIN =
  'It needs the AppSecret, so rules do not pass it. A client with the scope login may call it with GET.';
const CLEARS_QUOTA =
  'It uses up one of the few times that an account may clear its quotas, so it is for the operators of the account alone.';
const OF_PLATFORMS =
  'It belongs to third-party platforms, whose credentials this service does not keep.';

/** In lower case and without a slash at the end, as paths are compared with it. */
const NEVER_PASSED: ReadonlyMap<string, string> = new Map([
  ['/cgi-bin/token', GIVES_TOKEN],
  ['/cgi-bin/stable_token', GIVES_TOKEN],
  [
    '/cgi-bin/ticket/getticket',
    'WeChat answers it with a ticket, which this service keeps. A client with the scope ticket:read reads it at /v1/accounts/{app_id}/tickets/{type}.',
  ],
  [
    '/cgi-bin/openapi/rid/get',
    'Its answer can hold an access token, so it is for the operators of the account alone.',
  ],
  ...LOGIN_PATHS.map((path) => [path, NEEDS_LOGIN] as const),
]);
/** `clear_quota`, `clear_quota/v2` and whatever else begins so. */
const CLEAR_QUOTA = '/cgi-bin/clear_quota';
const COMPONENT = 'component';

/**
 * A text that is no rule (any more), or names a preset that there is not (any more), allows nothing: rules were checked
 * when they were given.
 * @param allow `gateway.allow` of a client
 */
export function compileGatewayRules(
  allow: readonly string[],
  presets: PresetRules,
): GatewayRuleSet {
  const exact = new Map<string, string>();
  const patterns: Pattern[] = [];
  for (const { rule, call } of allow.flatMap((text) => callsOf(text, presets))) {
    if (call.segments.includes(WILDCARD)) {
      patterns.push(patternOf(rule, call));
      continue;
    }
    for (const method of call.method === WILDCARD ? GATEWAY_METHODS : [call.method]) {
      const key = `${method} /${call.segments.join('/')}`;
      // The first in the list names the call.
      exact.set(key, exact.get(key) ?? rule);
    }
  }
  return { exact, patterns };
}

/**
 * @param method as it came
 * @param path as it came, beginning with `/`, without its query; it is not decoded, and matched as it is
 */
export function decideGatewayCall(
  rules: GatewayRuleSet,
  method: string,
  path: string,
): GatewayDecision {
  const problem = pathProblem(path);
  if (problem !== undefined) {
    return { allowed: false, reason: 'bad_path', detail: `The path ${problem}.` };
  }
  const neverPassed = whyNeverPassed(path);
  if (neverPassed !== undefined) {
    return { allowed: false, reason: 'never_passed', detail: neverPassed };
  }
  if (path.endsWith('/')) {
    return { allowed: false, reason: 'bad_path', detail: 'The path must not end with /.' };
  }
  if (!METHODS.has(method)) {
    const detail = `The method must be one of ${GATEWAY_METHODS.join(', ')}.`;
    return { allowed: false, reason: 'no_rule', detail };
  }
  const rule = rules.exact.get(`${method} ${path}`) ?? matching(rules.patterns, method, path);
  return rule === undefined ? noRule(method, path) : { allowed: true, rule };
}

function callsOf(text: string, presets: PresetRules): { rule: string; call: CallRule }[] {
  const rule = parseGatewayRule(text);
  if (rule?.kind !== 'preset') {
    return rule === undefined ? [] : [{ rule: text, call: rule }];
  }
  return presets[rule.preset].flatMap((line) => {
    const call = parseGatewayRule(line);
    return call?.kind === 'call' ? [{ rule: text, call }] : [];
  });
}

function patternOf(rule: string, { method, segments }: CallRule): Pattern {
  const takesRest = segments.at(-1) === WILDCARD;
  return { method, segments: takesRest ? segments.slice(0, -1) : segments, takesRest, rule };
}

function matching(patterns: readonly Pattern[], method: string, path: string): string | undefined {
  const called = path.slice(1).split('/');
  return patterns.find(
    (pattern) =>
      (pattern.method === WILDCARD || pattern.method === method) && matches(pattern, called),
  )?.rule;
}

function matches({ segments, takesRest }: Pattern, called: readonly string[]): boolean {
  const isLongEnough = takesRest
    ? called.length > segments.length
    : called.length === segments.length;
  return (
    isLongEnough &&
    segments.every((segment, index) => segment === WILDCARD || segment === called[index])
  );
}

/** Whatever the rules say. In any case and with a slash at the end, as a lenient server may read it. */
function whyNeverPassed(path: string): string | undefined {
  const spelled = path.toLowerCase().replace(/\/$/, '');
  if (spelled.startsWith(CLEAR_QUOTA)) {
    return CLEARS_QUOTA;
  }
  return spelled.split('/').includes(COMPONENT) ? OF_PLATFORMS : NEVER_PASSED.get(spelled);
}

function noRule(method: string, path: string): GatewayDecision {
  const wouldAllow = `${method} ${path}`;
  // A key or a token that stands in the path by mistake is not quoted either.
  return path.length <= MOST_QUOTED && scrubText(wouldAllow) === wouldAllow
    ? {
        allowed: false,
        reason: 'no_rule',
        detail: `No rule of this client allows it. To allow it, add "${wouldAllow}" to gateway.allow of the client.`,
        wouldAllow,
      }
    : {
        allowed: false,
        reason: 'no_rule',
        detail: 'No rule of this client allows it. See gateway.allow of the client.',
      };
}

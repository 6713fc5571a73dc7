import { pathProblem } from './gateway-path.js';
import { GATEWAY_PRESET_NAMES, type GatewayPreset } from './gateway-preset.js';

/** The methods that the gateway passes; `*` in a rule is any of them. */
export const GATEWAY_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

export const MOST_RULE_CHARACTERS = 300;

/** What a client may call: one line of its `gateway.allow`. */
export type GatewayRule = CallRule | PresetRule;

/** `METHOD /path`. */
export interface CallRule {
  readonly kind: 'call';
  /** As it was written. */
  readonly text: string;
  /** One of {@link GATEWAY_METHODS}, or `*`. */
  readonly method: string;
  /** `*` stands for any one segment, and as the last one for one or more. */
  readonly segments: readonly string[];
}

/** `@name`, one of {@link GATEWAY_PRESET_NAMES}. */
export interface PresetRule {
  readonly kind: 'preset';
  readonly preset: GatewayPreset;
}

const WILDCARD = '*';
const CALL = /^(\S+) (\S+)$/;
const METHODS: ReadonlySet<string> = new Set([...GATEWAY_METHODS, WILDCARD]);

const FORM =
  'must be a rule such as "POST /cgi-bin/draft/*", or a preset such as "@drafts-and-media"';

/** @returns undefined for a text that is no rule; {@link gatewayRuleProblem} says why */
export function parseGatewayRule(text: string): GatewayRule | undefined {
  const rule = readRule(text);
  return typeof rule === 'string' ? undefined : rule;
}

/** @returns why a text is no rule, and what to write; undefined for a rule */
export function gatewayRuleProblem(text: string): string | undefined {
  const rule = readRule(text);
  return typeof rule === 'string' ? rule : undefined;
}

function readRule(text: string): GatewayRule | string {
  if (text.length > MOST_RULE_CHARACTERS) {
    return `must have ${MOST_RULE_CHARACTERS} characters at most`;
  }
  if (text.startsWith('@')) {
    const preset = GATEWAY_PRESET_NAMES.find((name) => name === text);
    return preset !== undefined
      ? { kind: 'preset', preset }
      : `there is no such preset; use one of ${GATEWAY_PRESET_NAMES.join(', ')}`;
  }
  const [, method = '', path = ''] = CALL.exec(text) ?? [];
  if (method === '') {
    return FORM;
  }
  if (!METHODS.has(method)) {
    return `the method must be one of ${[...METHODS].join(', ')}`;
  }
  const segments = path.slice(1).split('/');
  const problem = patternProblem(path, segments);
  return problem === undefined ? { kind: 'call', text, method, segments } : `the path ${problem}`;
}

function patternProblem(path: string, segments: readonly string[]): string | undefined {
  const literal = segments.filter((segment) => segment !== WILDCARD);
  if (literal.some((segment) => segment.includes(WILDCARD))) {
    return 'has a * beside other characters; a * is a whole segment, as in /cgi-bin/draft/*';
  }
  // A letter in place of each wildcard: what is left is held to what is asked of paths that are called.
  const problem = pathProblem(path.replaceAll(WILDCARD, 'x'));
  return problem ?? (path.endsWith('/') ? 'must not end with /' : undefined);
}

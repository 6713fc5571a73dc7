import type { ClientAnswer } from '../../clients/client.dto.js';
import type { Account } from '../accounts/account.js';
import { PRESET_RULES } from './gateway-presets.js';
import { compileGatewayRules, decideGatewayCall, LOGIN_PATHS } from './gateway-rules.js';

export const CHECK_REASONS = [
  'expired',
  'missing_scope',
  'missing_account',
  'bad_path',
  'never_passed',
  'no_rule',
] as const;

export interface GatewayCheck {
  readonly allowed: boolean;
  /** The client's rule that allows it; null where it is refused, or allowed by the scope `login`. */
  readonly rule: string | null;
  readonly reason: (typeof CHECK_REASONS)[number] | null;
  readonly detail: string;
  readonly wouldAllow: string | null;
}

export interface CheckedCall {
  readonly client: Pick<ClientAnswer, 'scopes' | 'accounts' | 'expires_at' | 'gateway'>;
  readonly appId: string;
  /** Undefined where there is none with this AppID. */
  readonly account: Pick<Account, 'enabled'> | undefined;
  readonly method: string;
  readonly path: string;
}

const LOGINS: ReadonlySet<string> = new Set(LOGIN_PATHS);

/** What would become of a call, without making it. In the order in which a call is looked at. */
export function checkGatewayCall(call: CheckedCall, nowMs: number): GatewayCheck {
  const { client, method, path } = call;
  const isLogin = method === 'GET' && LOGINS.has(path);
  const scope = isLogin ? 'login' : 'gateway';
  if (client.expires_at !== null && Date.parse(client.expires_at) <= nowMs) {
    return refused('expired', 'The client has expired. Move its expires_at.');
  }
  if (!client.scopes.includes(scope)) {
    return refused(
      'missing_scope',
      `The client does not have the scope ${scope}. Add it to scopes of the client.`,
    );
  }
  const problem = accountProblem(call);
  if (problem !== undefined) {
    return refused('missing_account', problem);
  }
  if (isLogin) {
    return allowed(null, 'Allowed by the scope login.');
  }
  const rules = compileGatewayRules(client.gateway.allow, PRESET_RULES);
  const decision = decideGatewayCall(rules, method, path);
  return decision.allowed
    ? allowed(decision.rule, `Allowed by the rule "${decision.rule}".`)
    : refused(decision.reason, decision.detail, decision.wouldAllow);
}

function accountProblem({ client, appId, account }: CheckedCall): string | undefined {
  if (client.accounts !== 'all' && !client.accounts.includes(appId)) {
    return `The client may not use ${appId}. Add it to accounts of the client.`;
  }
  if (account === undefined) {
    return `There is no account ${appId}. Add it with POST /v1/admin/accounts.`;
  }
  return account.enabled
    ? undefined
    : `The account ${appId} is switched off. Switch it on with PATCH /v1/admin/accounts/${appId}.`;
}

function allowed(rule: string | null, detail: string): GatewayCheck {
  return { allowed: true, rule, reason: null, detail, wouldAllow: null };
}

function refused(
  reason: (typeof CHECK_REASONS)[number],
  detail: string,
  wouldAllow: string | null = null,
): GatewayCheck {
  return { allowed: false, rule: null, reason, detail, wouldAllow };
}

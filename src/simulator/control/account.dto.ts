import { z } from 'zod';
import { closedObject } from './closed-object.js';
import { isAllowListEntry } from '../wechat/ip-allow-list.js';
import { QuotasSchema } from './settings.dto.js';
import type { Quotas } from './settings.dto.js';

export const AppIdSchema = z
  .string()
  .regex(/^wx[0-9a-f]{16}$/, 'an AppID is "wx" and 16 lower-case hexadecimal digits');

const fields = {
  secret: z.string().min(1).max(200),
  /** An official account's allow list covers every call, a mini program's only those with a secret. */
  kind: z.enum(['official_account', 'mini_program']),
  /** A frozen AppSecret: 40243 on both token calls. */
  frozen: z.boolean(),
  /** `null`: the setting of the whole simulator. */
  lifetime_seconds: z.int().positive().max(100_000_000).nullable(),
  ip_allow_list: z.array(z.string()).max(200),
  /** Only what differs from the setting of the whole simulator. */
  quotas: QuotasSchema,
};

export const AccountPatchSchema = closedObject(fields).partial();
export const AccountInputSchema = closedObject({
  app_id: AppIdSchema,
  ...closedObject(fields).partial().shape,
  secret: fields.secret,
}).superRefine((account, context) => {
  for (const problem of allowListProblems(account)) {
    context.addIssue({ code: 'custom', path: ['ip_allow_list'], message: problem });
  }
});

export type AccountInput = z.infer<typeof AccountInputSchema>;
export type AccountPatch = z.infer<typeof AccountPatchSchema>;
export type AccountKind = z.infer<typeof fields.kind>;

/** Which entries WeChat's console would refuse. They depend on the kind, which a patch may not name. */
export function allowListProblems(account: Pick<AccountPatch, 'kind' | 'ip_allow_list'>): string[] {
  const isMiniProgram = account.kind === 'mini_program';
  const entries = account.ip_allow_list ?? [];
  const form = isMiniProgram ? '1.2.3.4, 1.2.3.4/24 or 1.2.3.*' : '1.2.3.4 or 1.2.3.4/24';
  const problems = entries
    .filter((entry) => !isAllowListEntry(entry, isMiniProgram))
    .map((entry) => `"${entry}" is no entry of an allow list: write ${form}, without a port`);
  if (isMiniProgram && entries.length > 10) {
    problems.push('a mini program may list 10 entries at most');
  }
  return problems;
}

/** What the control interface tells of an account: everything but its secret. */
export interface AccountView {
  app_id: string;
  kind: AccountKind;
  frozen: boolean;
  lifetime_seconds: number | null;
  ip_allow_list: string[];
  quotas: Quotas;
  /** Calls that counted in the periods under way, by path. */
  quota_used: Record<string, { per_day: number; per_minute: number }>;
  /** Forced refreshes of the stable token in the 24 hours under way. */
  force_used: number;
}

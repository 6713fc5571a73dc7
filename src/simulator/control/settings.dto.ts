import { z } from 'zod';
import { closedObject } from './closed-object.js';

const limit = z.int().nonnegative().nullable();
const quota = closedObject({ per_day: limit, per_minute: limit }).partial();

/** Calls that an account may make; `null` is no limit. A period starts with its first call. */
export const QuotasSchema = closedObject({
  '/cgi-bin/token': quota,
  '/cgi-bin/stable_token': quota,
  '/cgi-bin/getcallbackip': quota,
  '/cgi-bin/get_api_domain_ip': quota,
  '/cgi-bin/ticket/getticket': quota,
  '/cgi-bin/message/custom/send': quota,
}).partial();

export type Quotas = z.infer<typeof QuotasSchema>;

const seconds = z.number().nonnegative().max(100_000_000);
const ipList = z.array(z.string().min(1)).max(10_000);

/**
 * Every setting. The names are the same here, on the control interface and, in capitals behind
 * `SIMULATOR_`, in the environment; docs/simulator.md explains each.
 */
const shape = {
  lifetime_seconds: z.int().positive().max(100_000_000),
  overlap_seconds: seconds,
  overlap_depth: z.int().nonnegative().max(1_000),
  stable_window_seconds: seconds,
  force_per_day: z.int().nonnegative(),
  force_interval_seconds: seconds,
  ticket_lifetime_seconds: z.int().positive().max(100_000_000),
  quotas: QuotasSchema,
  callback_ip_list: ipList,
  api_domain_ip_list: ipList,
  journal_limit: z.int().positive().max(10_000_000),
};

export const SettingsPatchSchema = closedObject(shape).partial();

export type Settings = z.infer<z.ZodObject<typeof shape>>;
export type SettingsPatch = z.infer<typeof SettingsPatchSchema>;

/** What WeChat does, as far as it is known. */
export const DEFAULT_SETTINGS: Settings = {
  lifetime_seconds: 7_200,
  overlap_seconds: 300,
  overlap_depth: 1,
  stable_window_seconds: 300,
  force_per_day: 20,
  force_interval_seconds: 30,
  ticket_lifetime_seconds: 7_200,
  quotas: {
    '/cgi-bin/token': { per_day: 2_000, per_minute: null },
    '/cgi-bin/stable_token': { per_day: 500_000, per_minute: 10_000 },
  },
  // As WeChat's own lists do, these mix CIDR with plain addresses and name some of them twice.
  callback_ip_list: [
    '101.226.103.0/25',
    '101.226.233.128/25',
    '58.247.206.128/25',
    '182.254.86.128/25',
    '103.7.30.21',
    '103.7.30.64/26',
    '58.251.80.32/27',
    '183.3.234.32/27',
    '121.51.90.64/27',
    '101.226.103.0/25',
    '81.69.54.213',
    '106.55.206.146',
    '106.55.206.211',
    '103.7.30.21',
  ],
  api_domain_ip_list: [
    '106.55.206.146',
    '106.55.206.211',
    '101.226.129.158',
    '101.226.90.149',
    '101.226.212.27',
    '101.227.162.120',
    '183.3.226.0/24',
    '58.251.61.0/24',
    '106.55.206.146',
    '183.3.226.0/24',
  ],
  journal_limit: 100_000,
};

/** The calls that the simulator knows, each of which may have a quota. */
const PATHS = QuotasSchema.keyof().options;

/** The later value wins, limit by limit. */
export function mergeQuotas(base: Quotas, patch: Quotas): Quotas {
  const merged: Quotas = {};
  for (const path of PATHS) {
    if (base[path] !== undefined || patch[path] !== undefined) {
      merged[path] = { ...base[path], ...patch[path] };
    }
  }
  return merged;
}

export interface QuotaLimits {
  perDay: number | null;
  perMinute: number | null;
}

export function limitsOf(quotas: Quotas, path: string): QuotaLimits {
  const known = PATHS.find((candidate) => candidate === path);
  const limits = known === undefined ? undefined : quotas[known];
  return { perDay: limits?.per_day ?? null, perMinute: limits?.per_minute ?? null };
}

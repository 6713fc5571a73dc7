import { z } from 'zod';
import { isAddress } from './ip-ranges.js';

const Kind = z.enum(['callback', 'api']).default('callback').meta({
  description:
    '`callback`: from where WeChat calls your server (getcallbackip). `api`: where your server calls WeChat (get_api_domain_ip).',
});
export type IpListKind = z.infer<typeof Kind>;

export const IpListQuery = z.strictObject({ kind: Kind });

export const ContainsQuery = z.strictObject({
  kind: Kind,
  ip: z
    .string()
    .refine(isAddress, 'must be an IPv4 or IPv6 address')
    .meta({ description: 'An IPv4 or IPv6 address.', examples: ['101.226.103.7'] }),
});

export const IpListAnswer = z
  .object({
    app_id: z.string().meta({ examples: ['wx0123456789abcdef'] }),
    kind: Kind,
    ip_list: z.array(z.string()).meta({
      description: 'Addresses and CIDRs as WeChat wrote them, none twice, in numeric order.',
      examples: [['101.226.103.0/25', '106.55.206.146']],
    }),
    fetched_at: z.iso.datetime(),
    stale: z.boolean().meta({
      description: 'The daily refresh failed or is overdue: the last list that WeChat gave.',
    }),
  })
  .meta({ id: 'IpList' });

export const ContainsAnswer = z
  .object({
    ip: z.string().meta({ description: 'As it was asked for.' }),
    contains: z.boolean(),
    matched: z
      .string()
      .nullable()
      .meta({
        description: 'The narrowest entry that holds the address; null when none does.',
        examples: ['101.226.103.0/25'],
      }),
  })
  .meta({ id: 'IpListContains' });

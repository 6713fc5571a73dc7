import { z } from 'zod';
import { GATEWAY_PRESET_NAMES } from '../../access/gateway-preset.js';
import { APP_ID } from '../../config/parsers.js';
import { CHECK_REASONS } from './gateway-check.js';

/** Longer than any that is passed, so that the answer can say so. */
const MOST_PATH_CHARACTERS = 2_048;
const MOST_METHOD_CHARACTERS = 32;

export const GatewayCheckBody = z
  .strictObject({
    app_id: z
      .string()
      .regex(APP_ID, 'must be an AppID')
      .meta({ examples: ['wx0123456789abcdef'] }),
    method: z
      .string()
      .max(MOST_METHOD_CHARACTERS)
      .meta({ examples: ['POST'] }),
    path: z
      .string()
      .max(MOST_PATH_CHARACTERS)
      .meta({ description: 'At WeChat, without its query.', examples: ['/cgi-bin/draft/add'] }),
  })
  .meta({ id: 'GatewayCheck' });
export type GatewayCheckBody = z.infer<typeof GatewayCheckBody>;

export const GatewayCheckAnswer = z
  .object({
    allowed: z.boolean(),
    rule: z.string().nullable().meta({
      description: 'The rule or preset of the client that allows it; null for the scope `login`.',
    }),
    reason: z.enum(CHECK_REASONS).nullable(),
    detail: z.string().meta({ description: 'For people: why, and what to do.' }),
    would_allow: z
      .string()
      .nullable()
      .meta({
        description: 'The rule that would allow this call and no other, where one could.',
        examples: ['POST /cgi-bin/draft/add'],
      }),
  })
  .meta({ id: 'GatewayCheckAnswer' });
export type GatewayCheckAnswer = z.infer<typeof GatewayCheckAnswer>;

const GatewayPresetAnswer = z
  .object({
    name: z.enum(GATEWAY_PRESET_NAMES),
    description: z.string(),
    rules: z.array(
      z.object({
        rule: z.string().meta({ examples: ['POST /cgi-bin/draft/add'] }),
        source: z.url().nullable().meta({ description: "The page of WeChat's documentation." }),
      }),
    ),
  })
  .meta({ id: 'GatewayPreset' });

export const GatewayPresetList = z
  .object({ items: z.array(GatewayPresetAnswer) })
  .meta({ id: 'GatewayPresetList' });
export type GatewayPresetList = z.infer<typeof GatewayPresetList>;

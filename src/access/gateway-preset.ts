/**
 * The presets that a client's `gateway.allow` may name. What each of them allows is in
 * wechat/gateway/gateway-presets.ts, which the types hold to this list.
 */
export const GATEWAY_PRESET_NAMES = [
  '@drafts-and-media',
  '@messages',
  '@mini-program-codes',
  '@user-info',
  '@data-analysis',
  '@content-security',
  '@menus',
  '@mass-messages',
  '@customer-service',
  '@comments',
  '@user-tags',
  '@links',
  '@order-shipping',
  '@everything-but-secrets',
] as const;

export type GatewayPreset = (typeof GATEWAY_PRESET_NAMES)[number];

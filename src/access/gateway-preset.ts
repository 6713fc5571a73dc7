/**
 * The presets that a client's `gateway.allow` may name. What each of them allows is in
 * wechat/gateway/gateway-presets.ts, which the types hold to this list.
 */
export const GATEWAY_PRESET_NAMES = ['@drafts-and-media', '@everything-but-secrets'] as const;

export type GatewayPreset = (typeof GATEWAY_PRESET_NAMES)[number];

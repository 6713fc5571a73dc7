/** What a client key may be allowed to do. */
export const SCOPES = [
  'token:read',
  'token:report',
  'ip:read',
  'ticket:read',
  'jssdk:sign',
  'gateway',
  'login',
  'metrics:read',
] as const;

export type Scope = (typeof SCOPES)[number];

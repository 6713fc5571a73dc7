import { z } from 'zod';
import {
  apiKey,
  appId,
  appSecret,
  baseUrls,
  currentEncryptionKey,
  databaseTarget,
  encryptionKeys,
  listenHost,
  oneOf,
  proxyUrl,
  readableFile,
  trustedProxies,
  wholeNumber,
  yesOrNo,
} from './parsers.js';

export interface Variable {
  /** From its text to its value; optional where unset means "none". */
  readonly type: z.ZodType;
  /** The text that an unset variable stands for. */
  readonly fallback?: string;
  /** Unset is a problem; this is how to make a value. */
  readonly required?: string;
  /** May be given as `NAME_FILE`, the path of a file that holds the value. */
  readonly secret?: boolean;
}

/**
 * Every variable that the service reads, once. A test holds `.env.example` and `docs/configuration.md` against it;
 * parse-app-config.ts puts the values into the fields of AppConfig.
 */
export const variables = {
  HOST: { type: listenHost, fallback: '127.0.0.1' },
  PORT: { type: wholeNumber(0, 65_535), fallback: '3000' },
  // An address of a database server holds a password.
  DATABASE_URL: {
    type: databaseTarget,
    fallback: 'sqlite:./data/wechat-token-center.sqlite',
    secret: true,
  },
  WECHAT_APP_ID: { type: appId.optional() },
  WECHAT_APP_SECRET: { type: appSecret.optional(), secret: true },
  WECHAT_TOKEN_MODE: { type: oneOf(['stable', 'legacy']).optional() },
  WECHAT_API_BASE_URL: {
    type: baseUrls,
    fallback: 'https://api.weixin.qq.com,https://api2.weixin.qq.com',
  },
  WECHAT_TIMEOUT_MS: { type: wholeNumber(100, 12_000), fallback: '5000' },
  // The address of a proxy may hold a password.
  HTTPS_PROXY: { type: proxyUrl.optional(), secret: true },
  NO_PROXY: { type: z.string().optional() },
  ADMIN_API_KEY: {
    type: apiKey,
    required: 'a random text of 16 characters or more, such as `openssl rand -hex 24` prints.',
    secret: true,
  },
  CLIENT_API_KEY: { type: apiKey.optional(), secret: true },
  ENCRYPTION_KEY: {
    type: currentEncryptionKey,
    required:
      '32 random bytes in base64, as `openssl rand -base64 32` prints them. Keep a copy: without it the database cannot be read.',
    secret: true,
  },
  ENCRYPTION_PREVIOUS_KEYS: { type: encryptionKeys.optional(), secret: true },
  DROP_IN_ENABLED: { type: yesOrNo, fallback: 'true' },
  GATEWAY_ENABLED: { type: yesOrNo, fallback: 'true' },
  GATEWAY_MAX_BODY_MB: { type: wholeNumber(1, 10_240), fallback: '100' },
  GATEWAY_TIMEOUT_MS: { type: wholeNumber(100, 600_000), fallback: '30000' },
  TRUSTED_PROXIES: { type: trustedProxies.optional() },
  HISTORY_RETENTION_DAYS: { type: wholeNumber(1, 36_500), fallback: '90' },
  METRICS_HOST: { type: listenHost, fallback: '127.0.0.1' },
  METRICS_PORT: { type: wholeNumber(0, 65_535).optional() },
  TLS_CERT_FILE: { type: readableFile.optional() },
  TLS_KEY_FILE: { type: readableFile.optional() },
  LOG_LEVEL: {
    type: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace']),
    fallback: 'info',
  },
  // Its default depends on standard output: json, or pretty on a terminal.
  LOG_FORMAT: { type: oneOf(['json', 'pretty']).optional() },
} as const satisfies Readonly<Record<string, Variable>>;

export type VariableName = keyof typeof variables;

export const variableNames = Object.keys(variables) as VariableName[];

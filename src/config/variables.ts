/** What is known of a variable before its value is looked at. */
export interface Variable {
  /** The value that an unset variable stands for; absent where unset means "none". */
  readonly fallback?: string;
  /** Unset is a problem. */
  readonly required?: boolean;
  /** May be given as `NAME_FILE`, the path of a file that holds the value. */
  readonly secret?: boolean;
}

/**
 * Every variable that the service reads, once. The parser takes its names and defaults from here, and a test holds
 * `.env.example` and `docs/configuration.md` against it.
 */
export const variables = {
  HOST: { fallback: '127.0.0.1' },
  PORT: { fallback: '3000' },
  // An address of a database server holds a password.
  DATABASE_URL: { fallback: 'sqlite:./data/wechat-token-center.sqlite', secret: true },
  WECHAT_APP_ID: {},
  WECHAT_APP_SECRET: { secret: true },
  WECHAT_TOKEN_MODE: {},
  WECHAT_API_BASE_URL: { fallback: 'https://api.weixin.qq.com,https://api2.weixin.qq.com' },
  WECHAT_TIMEOUT_MS: { fallback: '5000' },
  // The address of a proxy may hold a password.
  HTTPS_PROXY: { secret: true },
  NO_PROXY: {},
  ADMIN_API_KEY: { required: true, secret: true },
  CLIENT_API_KEY: { secret: true },
  ENCRYPTION_KEY: { required: true, secret: true },
  ENCRYPTION_PREVIOUS_KEYS: { secret: true },
  DROP_IN_ENABLED: { fallback: 'true' },
  TRUSTED_PROXIES: {},
  HISTORY_RETENTION_DAYS: { fallback: '90' },
  METRICS_HOST: { fallback: '127.0.0.1' },
  METRICS_PORT: {},
  TLS_CERT_FILE: {},
  TLS_KEY_FILE: {},
  LOG_LEVEL: { fallback: 'info' },
  // Its default depends on standard output: json, or pretty on a terminal.
  LOG_FORMAT: {},
} as const satisfies Readonly<Record<string, Variable>>;

export type VariableName = keyof typeof variables;

export const variableNames = Object.keys(variables) as VariableName[];

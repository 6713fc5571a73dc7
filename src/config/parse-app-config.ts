import { z } from 'zod';
import { AppConfig } from './app-config.js';
import { ConfigError } from './config.error.js';
import { dotEnvProblems } from './dot-env.js';
import type { Environment } from './environment.js';
import {
  apiKey,
  appId,
  appSecret,
  currentEncryptionKey,
  databaseTarget,
  encryptionKeys,
  listenHost,
  oneOf,
  readableFile,
  trustedProxies,
  wholeNumber,
  yesOrNo,
} from './parsers.js';
import { type RawResult, type RawValues, readRawValues } from './raw-values.js';
import { unknownVariables } from './unknown-variables.js';
import { baseUrls, proxyUrl } from './upstream-parsers.js';
import type { VariableName } from './variables.js';

const schema = z.object({
  HOST: listenHost,
  PORT: wholeNumber(0, 65_535),
  DATABASE_URL: databaseTarget,
  WECHAT_APP_ID: appId.optional(),
  WECHAT_APP_SECRET: appSecret.optional(),
  WECHAT_TOKEN_MODE: oneOf(['stable', 'legacy']).optional(),
  WECHAT_API_BASE_URL: baseUrls,
  WECHAT_TIMEOUT_MS: wholeNumber(100, 12_000),
  HTTPS_PROXY: proxyUrl.optional(),
  NO_PROXY: z.string().optional(),
  ADMIN_API_KEY: apiKey,
  CLIENT_API_KEY: apiKey.optional(),
  ENCRYPTION_KEY: currentEncryptionKey,
  ENCRYPTION_PREVIOUS_KEYS: encryptionKeys.optional(),
  DROP_IN_ENABLED: yesOrNo,
  TRUSTED_PROXIES: trustedProxies.optional(),
  HISTORY_RETENTION_DAYS: wholeNumber(1, 36_500),
  METRICS_HOST: listenHost,
  METRICS_PORT: wholeNumber(0, 65_535).optional(),
  TLS_CERT_FILE: readableFile.optional(),
  TLS_KEY_FILE: readableFile.optional(),
  LOG_LEVEL: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace']),
  LOG_FORMAT: oneOf(['json', 'pretty']).optional(),
} satisfies Record<VariableName, z.ZodType>);

type Parsed = z.output<typeof schema>;
/** The fields of AppConfig, before they are an instance of it: a field left out does not compile. */
type ConfigValues = Pick<AppConfig, keyof AppConfig>;

/**
 * Environment → one typed configuration. Reads nothing but the files that variables name.
 *
 * @param isTty whether standard output is a terminal, where logs are for a person's eyes
 * @param dotEnv the text of the `.env` file that the environment was read from
 * @throws ConfigError with every problem at once
 */
export function parseAppConfig(environment: Environment, isTty = false, dotEnv = ''): AppConfig {
  const raw = readRawValues(environment);
  const result = schema.safeParse(raw.values);
  const problems = [
    ...dotEnvProblems(dotEnv, environment),
    ...raw.problems,
    ...(result.error?.issues ?? []).flatMap((issue) => describe(issue, raw)),
    ...pairProblems(raw),
  ];
  if (!result.success || problems.length > 0) {
    // A required variable may be missing because its name was mistyped.
    const unknown = unknownVariables(environment).map(({ advice }) => advice);
    throw new ConfigError([...problems, ...unknown]);
  }
  return Object.freeze(Object.assign(new AppConfig(), toConfig(result.data, isTty)));
}

function describe(issue: z.core.$ZodIssue, raw: RawResult): string[] {
  const name = String(issue.path[0]) as VariableName;
  return raw.broken.has(name) ? [] : [`${name}: ${issue.message}`];
}

/** What no variable shows by itself. Looks at what is set, so that it speaks up beside other problems. */
function pairProblems({ values, broken }: RawResult): string[] {
  const problems: string[] = [];
  const together = (one: VariableName, other: VariableName): void => {
    if (values[one] !== undefined && values[other] === undefined && !broken.has(other)) {
      problems.push(`${other}: is not set, though ${one} is. Set both or neither.`);
    }
  };
  together('WECHAT_APP_ID', 'WECHAT_APP_SECRET');
  together('WECHAT_APP_SECRET', 'WECHAT_APP_ID');
  together('TLS_CERT_FILE', 'TLS_KEY_FILE');
  together('TLS_KEY_FILE', 'TLS_CERT_FILE');
  const different = (one: VariableName, other: VariableName, advice: string): void => {
    if (values[one] !== undefined && values[one] === values[other]) {
      problems.push(`${one}: is the same as ${other}. ${advice}`);
    }
  };
  different('CLIENT_API_KEY', 'ADMIN_API_KEY', 'Give clients a key of their own.');
  different('ADMIN_API_KEY', 'ENCRYPTION_KEY', 'Make a key of its own for each.');
  different('CLIENT_API_KEY', 'ENCRYPTION_KEY', 'Make a key of its own for each.');
  if (isSameListener(values)) {
    problems.push('METRICS_PORT: is the same as PORT. Choose another port.');
  }
  return problems;
}

/** Hosts are not compared: which addresses a name or 0.0.0.0 stands for is not known here. */
function isSameListener({ PORT, METRICS_PORT }: RawValues): boolean {
  return PORT === METRICS_PORT && PORT !== '0';
}

function toConfig(parsed: Parsed, isTty: boolean): ConfigValues {
  return {
    http: {
      host: parsed.HOST,
      port: parsed.PORT,
      tls:
        parsed.TLS_CERT_FILE === undefined || parsed.TLS_KEY_FILE === undefined
          ? undefined
          : { certFile: parsed.TLS_CERT_FILE, keyFile: parsed.TLS_KEY_FILE },
      trustedProxies: parsed.TRUSTED_PROXIES ?? [],
    },
    database: parsed.DATABASE_URL,
    wechat: {
      baseUrls: parsed.WECHAT_API_BASE_URL,
      timeoutMs: parsed.WECHAT_TIMEOUT_MS,
      httpsProxy: parsed.HTTPS_PROXY,
      noProxy: parsed.NO_PROXY,
    },
    account:
      parsed.WECHAT_APP_ID === undefined || parsed.WECHAT_APP_SECRET === undefined
        ? undefined
        : {
            appId: parsed.WECHAT_APP_ID,
            appSecret: parsed.WECHAT_APP_SECRET,
            mode: parsed.WECHAT_TOKEN_MODE,
          },
    keys: { admin: parsed.ADMIN_API_KEY, client: parsed.CLIENT_API_KEY },
    encryption: {
      current: parsed.ENCRYPTION_KEY,
      previous: parsed.ENCRYPTION_PREVIOUS_KEYS ?? [],
    },
    dropInEnabled: parsed.DROP_IN_ENABLED,
    historyRetentionDays: parsed.HISTORY_RETENTION_DAYS,
    metrics: { host: parsed.METRICS_HOST, port: parsed.METRICS_PORT },
    log: {
      level: parsed.LOG_LEVEL,
      format: parsed.LOG_FORMAT ?? (isTty ? 'pretty' : 'json'),
    },
  };
}

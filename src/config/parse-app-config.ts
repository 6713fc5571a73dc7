import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { AppConfig } from './app-config.js';
import { ConfigError } from './config.error.js';
import { dotEnvProblems } from './dot-env.js';
import type { Environment } from './environment.js';
import { unknownVariables } from './unknown-variables.js';
import { type Variable, type VariableName, variableNames, variables } from './variables.js';

const schema = z.object(
  Object.fromEntries(variableNames.map((name) => [name, variables[name].type])) as {
    [Name in VariableName]: (typeof variables)[Name]['type'];
  },
);

type Parsed = z.output<typeof schema>;
/** The fields of AppConfig, before they are an instance of it: a field left out does not compile. */
type ConfigValues = Pick<AppConfig, keyof AppConfig>;

/** Each variable's text, its file read and its default put in; undefined where there is none. */
type RawValues = Readonly<Record<VariableName, string | undefined>>;

interface RawResult {
  readonly values: RawValues;
  /** `NAME: what is wrong and what to do`. */
  readonly problems: readonly string[];
  /** Variables whose text could not be had: their value says nothing, and must not be judged again. */
  readonly broken: ReadonlySet<VariableName>;
}

/**
 * Environment → one typed configuration. Reads nothing but the files that variables name.
 *
 * @param isTty whether the log goes to a terminal, where it is for a person's eyes
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

/** Collects the text of every variable. Unknown variables are left alone: an environment is full of others. */
function readRawValues(environment: Environment): RawResult {
  const values: Record<string, string | undefined> = {};
  const problems: string[] = [];
  const broken = new Set<VariableName>();
  for (const name of variableNames) {
    const read = readOne(name, environment);
    if (read.problem !== undefined) {
      problems.push(`${name}: ${read.problem}`);
      broken.add(name);
    }
    values[name] = read.value;
  }
  return { values: values as RawValues, problems, broken };
}

function readOne(
  name: VariableName,
  environment: Environment,
): { value?: string; problem?: string } {
  const variable: Variable = variables[name];
  const direct = nonEmpty(environment[name]);
  const path = variable.secret === true ? nonEmpty(environment[`${name}_FILE`]) : undefined;
  if (direct !== undefined && path !== undefined) {
    return { problem: `is set, and so is ${name}_FILE. Keep one of the two.` };
  }
  const given = path === undefined ? { value: direct } : readSecretFile(name, path);
  if (given.problem !== undefined) {
    return given;
  }
  if (/^["'`]/.test(given.value ?? '')) {
    return { problem: QUOTED };
  }
  const value = given.value ?? variable.fallback;
  if (value === undefined && variable.required !== undefined) {
    return { problem: `is not set. Set it, or ${name}_FILE: ${variable.required}` };
  }
  return value === undefined ? {} : { value };
}

/** Docker's --env-file and files of secrets take quotes for a part of the value; so does .env where they do not match. */
const QUOTED =
  'begins with a quotation mark, which is taken for a part of the value. Remove the quotes; in .env, end the value with the same mark.';

function readSecretFile(name: string, path: string): { value?: string; problem?: string } {
  try {
    // Editors and `echo` end a file with a newline, and Windows begins it with a byte order mark: no part of the secret.
    const content = nonEmpty(readFileSync(path, 'utf8').replace(/^\uFEFF|(?:\r?\n)+$/g, ''));
    return content === undefined
      ? { problem: `the file that ${name}_FILE names is empty. Write the value into it.` }
      : { value: content };
  } catch (error) {
    return {
      problem: `the file that ${name}_FILE names cannot be read (${errorCode(error)}). Check its path and its permissions.`,
    };
  }
}

function errorCode(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error
    ? String(error.code)
    : 'unknown error';
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
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
    gateway: {
      enabled: parsed.GATEWAY_ENABLED,
      maxBodyBytes: parsed.GATEWAY_MAX_BODY_MB * 1024 * 1024,
      timeoutMs: parsed.GATEWAY_TIMEOUT_MS,
    },
    historyRetentionDays: parsed.HISTORY_RETENTION_DAYS,
    metrics: { host: parsed.METRICS_HOST, port: parsed.METRICS_PORT },
    log: {
      level: parsed.LOG_LEVEL,
      format: parsed.LOG_FORMAT ?? (isTty ? 'pretty' : 'json'),
    },
  };
}

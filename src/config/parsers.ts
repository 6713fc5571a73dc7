import { accessSync, constants } from 'node:fs';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { holdEverybody } from './address-range.js';
import type { DatabaseTarget } from './app-config.js';
import { areGuessable, isGuessable } from './key-strength.js';

/**
 * One zod type for each kind of variable. The messages say what to do and never repeat the value, which may be a
 * secret put into the wrong variable.
 */

/** A whole number written in decimal digits alone: no `0x10`, `1e3`, sign or blank. */
export function wholeNumber(min: number, max: number): z.ZodType<number, string> {
  const message = `is not a whole number from ${min} to ${max}. Write it in digits alone.`;
  return z
    .string()
    .regex(/^\d{1,15}$/, message)
    .transform(Number)
    .refine((value) => value >= min && value <= max, message);
}

export function oneOf<const Values extends readonly [string, ...string[]]>(
  values: Values,
): z.ZodType<Values[number], string> {
  return z.enum(values, `is not one of the known words. Write one of: ${values.join(', ')}.`);
}

export const yesOrNo: z.ZodType<boolean, string> = oneOf(['true', 'false']).transform(
  (value) => value === 'true',
);

export const listenHost = z
  .string()
  .refine(
    (value) => isIP(value) !== 0 || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(value),
    'is neither an IP address nor a host name. Write it without scheme, port and brackets, such as 127.0.0.1 or ::.',
  );

/** Keys travel in HTTP headers, which carry no blanks at their ends and nothing beyond ASCII safely. */
export const apiKey = z
  .string()
  .regex(/^[\x21-\x7e]*$/, {
    error:
      'holds a blank or a character outside printable ASCII, which does not pass through an HTTP header. Use letters and digits.',
    abort: true,
  })
  .min(16, {
    error:
      'is shorter than 16 characters. Use a random one, such as `openssl rand -hex 24` prints.',
    abort: true,
  })
  .refine(
    (value) => !isGuessable(value),
    'is easy to guess: apart from common words, sequences and repetitions it has fewer than 10 different characters. Use a random one, such as `openssl rand -hex 24` prints.',
  );

export const APP_ID = /^wx[0-9a-f]{16}$/;

export const appId = z
  .string()
  .regex(
    APP_ID,
    'is not an AppID. An AppID is wx and 16 characters of 0-9 and a-f; the WeChat console shows it beside the AppSecret.',
  );

export const appSecret = z
  .string()
  .regex(
    /^[\x21-\x7e]+$/,
    'holds a blank or a character outside printable ASCII. Copy the AppSecret again from the WeChat console.',
  );

/** 32 bytes in canonical base64: what decodes to the same bytes but is written otherwise was mistyped. */
const encryptionKey = z.string().transform((value, context) => {
  const key = Buffer.from(value, 'base64');
  if (key.length !== 32 || key.toString('base64') !== value) {
    context.addIssue(
      'is not 32 bytes in base64 (44 characters that end with =). Make one with `openssl rand -base64 32`.',
    );
    return z.NEVER;
  }
  return key;
});

/** The one to seal with. Others are only read with: a weak one must still open what it sealed. */
export const currentEncryptionKey = encryptionKey.refine(
  (key) => !areGuessable(key),
  'is easy to guess: its bytes repeat or follow a pattern. Make one with `openssl rand -base64 32`; if this one sealed a database, move it to ENCRYPTION_PREVIOUS_KEYS.',
);

export const encryptionKeys = commaSeparated(
  encryptionKey,
  'holds no key. Leave it unset where there are no other keys.',
);

export const trustedProxies = commaSeparated(
  z
    .string()
    .refine(
      (value) => isIP(value) !== 0 || isCidr(value),
      'is neither an IP address nor a CIDR. Write such as 10.0.0.0/8 or 192.0.2.7, separated by commas.',
    ),
  'holds no address. Leave it unset where no proxy stands in front.',
).refine(
  (proxies) => !holdEverybody(proxies),
  'trusts every public address, alone or together, so anybody could claim any address. Name only the proxies in front of the service.',
);

export const readableFile = z.string().refine((path) => {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}, 'names a file that cannot be read. Check its path and its permissions.');

export const databaseTarget = z.string().transform((value, context): DatabaseTarget => {
  if (value.startsWith('sqlite:')) {
    const path = value.slice('sqlite:'.length);
    if (path !== '') {
      return { kind: 'sqlite', path };
    }
  }
  const server = /^(?:(postgres|postgresql)|mysql|mariadb):(\/\/.*)$/.exec(value);
  if (server !== null && isServerUrl(value)) {
    const kind = server[1] === undefined ? 'mysql' : 'postgres';
    return { kind, url: `${kind}:${server[2] ?? ''}` };
  }
  context.addIssue(
    'is not the address of a database. Write sqlite:<path>, sqlite::memory:, postgres://user:password@host:5432/database or mysql://user:password@host:3306/database, special characters of the password percent-encoded.',
  );
  return z.NEVER;
});

/** An item's position stands before its problem: the item itself may be a secret. */
function commaSeparated<Output>(
  item: z.ZodType<Output, string>,
  whenEmpty: string,
): z.ZodType<Output[], string> {
  return z.string().transform((value, context) => {
    const items = value
      .split(',')
      .map((text) => text.trim())
      .filter((text) => text !== '');
    if (items.length === 0) {
      context.addIssue(whenEmpty);
      return z.NEVER;
    }
    return items.flatMap((text, index) => {
      const result = item.safeParse(text);
      if (result.success) {
        return [result.data];
      }
      context.addIssue(`entry ${index + 1} ${result.error.issues[0]?.message ?? 'is not valid.'}`);
      return [];
    });
  });
}

function isCidr(value: string): boolean {
  const [address = ''] = value.split('/');
  return isIP(address) !== 0 && ipaddr.isValidCIDR(value);
}

function isServerUrl(value: string): boolean {
  try {
    const url = new URL(value);
    // The drivers decode these; a stray % would make them throw at every connection.
    decodeURIComponent(`${url.username}${url.password}${url.pathname}`);
    return url.pathname.length > 1;
  } catch {
    return false;
  }
}

/** `WECHAT_API_BASE_URL`: origins without a trailing slash, in the order given. */
export const baseUrls = z.string().transform((value, context) => {
  const origins: string[] = [];
  const entries = value
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '');
  for (const [index, entry] of entries.entries()) {
    const result = originOf(entry);
    if ('problem' in result) {
      context.addIssue(`entry ${index + 1} ${result.problem}`);
    } else if (origins.includes(result.origin)) {
      context.addIssue(`entry ${index + 1} stands there twice. Remove one of the two.`);
    } else {
      origins.push(result.origin);
    }
  }
  if (entries.length === 0) {
    context.addIssue('holds no address. Leave it unset for the hosts of WeChat.');
  }
  return origins;
});

/** `HTTPS_PROXY`, as curl takes it: a host without a scheme is an http proxy. */
export const proxyUrl = z.string().transform((value, context) => {
  const url = parseUrl(value.includes('://') ? value : `http://${value}`);
  if (
    url === undefined ||
    !['http:', 'https:'].includes(url.protocol) ||
    url.hostname === '' ||
    url.pathname !== '/' ||
    `${url.search}${url.hash}` !== '' ||
    !isDecodable(`${url.username}${url.password}`)
  ) {
    context.addIssue(
      'is not the address of an HTTP proxy. Write http://host:port or http://user:password@host:port, special characters of the password percent-encoded.',
    );
    return z.NEVER;
  }
  return url.href.replace(/\/$/, '');
});

function originOf(entry: string): { origin: string } | { problem: string } {
  const url = parseUrl(entry);
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    return { problem: 'is not an https:// address. Write such as https://api.weixin.qq.com.' };
  }
  if (url.username !== '' || url.password !== '') {
    return { problem: 'holds a user name or a password. Remove it.' };
  }
  // A lone ? or # leaves search and hash empty, so the text is looked at as well.
  if (url.pathname !== '/' || /[?#]/.test(entry)) {
    return {
      problem: 'has a path, a query or a fragment. Write the scheme, the host and the port only.',
    };
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    return {
      problem:
        'is plain http: for a host other than this machine. The AppSecret travels in it: use https.',
    };
  }
  return { origin: url.origin };
}

/** `hostname` as the URL parser leaves it: lower case, an IPv4 address in four parts, IPv6 in brackets. */
function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname === '[::1]' ||
    (isIP(hostname) === 4 && hostname.startsWith('127.'))
  );
}

function parseUrl(value: string): URL | undefined {
  try {
    return new URL(value);
  } catch {
    return undefined;
  }
}

function isDecodable(value: string): boolean {
  try {
    decodeURIComponent(value);
    return true;
  } catch {
    return false;
  }
}

import { isIP } from 'node:net';

/**
 * What a failed call means for whoever made it:
 *
 * - transient: WeChat did nothing with it; again after a backoff
 * - unknown_outcome: no readable answer came, yet it may have been carried out (a token minted)
 * - throttled: again after a set time
 * - operator: a person must change something first
 * - dead_credential: the token that the call was made with is no longer good
 */
export type FailureClass =
  'transient' | 'unknown_outcome' | 'throttled' | 'operator' | 'dead_credential';

/** What an answer says about the token that the call was made with. */
export type TokenVerdict = 'alive' | 'dead' | 'unknown';

/** `fetch` asks for a token and shows the AppSecret; `api` is every other call and shows a token. */
export type CallKind = 'fetch' | 'api';

export interface ErrcodeRow {
  readonly errcode: number;
  /** What WeChat means by it. */
  readonly meaning: string;
  /** The kind of call that the row is for; absent where it is for both. */
  readonly call?: CallKind;
  readonly failureClass: FailureClass;
  /** What the operator should do. `{ip}` stands for the address that WeChat saw. */
  readonly advice: string;
  /** Why it is in this class. */
  readonly reason: string;
  /**
   * What the answer says about the token of an `api` call, and why. `alive` only where WeChat cannot have given it
   * without having accepted the token; a wrong `alive` would hand out a dead one.
   */
  readonly token: readonly [is: TokenVerdict, because: string];
  /** How long WeChat keeps refusing, where that is known. */
  readonly retryAfterMs?: number;
}

interface ErrcodeGroup extends Omit<ErrcodeRow, 'errcode' | 'meaning'> {
  readonly codes: readonly (readonly [errcode: number, meaning: string])[];
}

export interface Classification {
  readonly failureClass: FailureClass;
  readonly advice: string;
  readonly retryAfterMs: number | undefined;
  readonly tokenIs: TokenVerdict;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Errcodes by what must be done about them. An errcode that is not here is an operator's. */
const groups: readonly ErrcodeGroup[] = [
  {
    codes: [[-1, 'WeChat is busy']],
    failureClass: 'transient',
    advice: 'Nothing to do: it is tried again by itself.',
    reason: 'WeChat asks to try again later',
    token: ['unknown', 'a busy WeChat may answer before it looks at the token'],
  },
  {
    codes: [
      [40001, 'the access_token is invalid or not the latest'],
      [40014, 'the access_token is malformed or of another account'],
      [42001, 'the access_token has expired, or a later fetch replaced it'],
    ],
    call: 'api',
    failureClass: 'dead_credential',
    advice:
      'Nothing to do once: the token is replaced by itself. If it repeats, another server or a test environment fetches tokens for the same account: find it and stop it.',
    reason: 'the three on which public SDKs agree: take a new token and repeat once',
    token: ['dead', 'WeChat refuses the token itself'],
  },
  {
    codes: [[40001, 'the AppSecret is wrong or of another account']],
    call: 'fetch',
    failureClass: 'operator',
    advice:
      'Copy the AppSecret of this AppID from the WeChat console and set it on the account. A reset in the console kills the old AppSecret at once.',
    reason: 'a fetch shows no token, so here it is about the secret; no repeat makes it right',
    token: ['unknown', 'a fetch shows no token'],
  },
  {
    codes: [[40125, 'the AppSecret is invalid']],
    failureClass: 'operator',
    advice:
      'Copy the AppSecret of this AppID from the WeChat console and set it on the account. A reset in the console kills the old AppSecret at once.',
    reason: 'no repeat makes a wrong secret right',
    token: ['unknown', 'it is about the AppSecret'],
  },
  {
    codes: [[40013, 'the AppID is invalid']],
    failureClass: 'operator',
    advice:
      'Compare the AppID with the WeChat console; if it differs, add the account again with the right one.',
    reason: 'WeChat knows no such account',
    token: ['unknown', 'the token of an account that is gone may be gone too'],
  },
  {
    codes: [
      [40164, 'the calling IP address is not on the allow list'],
      [45035, 'the calling IP address is not registered'],
      [61004, 'the calling IP address is not registered'],
    ],
    failureClass: 'operator',
    advice:
      'Add {ip} to the IP allow list of the account in the WeChat console; it takes effect after some minutes. If this service leaves by several addresses, add each.',
    reason: 'the list changes in the console alone',
    token: ['unknown', 'the address may be checked before the token'],
  },
  {
    codes: [[40243, 'the AppSecret is frozen']],
    failureClass: 'operator',
    advice: 'Unfreeze the AppSecret in the WeChat console; it takes effect after 10 minutes.',
    reason: 'it is unfrozen in the console alone',
    token: ['unknown', 'it is about the AppSecret'],
  },
  {
    codes: [[45009, 'the daily quota of this API is used up']],
    failureClass: 'throttled',
    retryAfterMs: HOUR_MS,
    advice:
      'Wait for the next day, or clear the quota in the WeChat console (10 times a month). Find out who else calls this API for the account. An account in legacy mode has a far larger quota in stable mode.',
    reason: 'the hour of the reset is not published, so it is asked every hour',
    token: ['unknown', 'calls may be counted before the token is checked'],
  },
  {
    codes: [[45011, 'the quota of this API for a minute is used up']],
    failureClass: 'throttled',
    retryAfterMs: MINUTE_MS,
    advice:
      'Nothing to do once. If it repeats, find out who else calls this API for the account, and slow that down.',
    reason: 'WeChat asks to try again in the next minute',
    token: ['unknown', 'calls may be counted before the token is checked'],
  },
  {
    codes: [
      [89501, 'the call waits for the confirmation of the account admin'],
      [89503, 'the call needs the confirmation of the account admin'],
    ],
    failureClass: 'operator',
    advice:
      'WeChat found calls from {ip} risky and sent the admin of the account a message: have it confirmed there, or add the address to the IP allow list.',
    reason: 'a person must confirm it',
    token: ['unknown', 'the address may be checked before the token'],
  },
  {
    codes: [[89507, 'the admin of the account refused this address: blocked for 1 hour']],
    failureClass: 'operator',
    retryAfterMs: HOUR_MS,
    advice:
      'Add {ip} to the IP allow list of the account, and tell its admin to confirm the next message. It is tried again after 1 hour.',
    reason: 'WeChat blocks the address for 1 hour',
    token: ['unknown', 'the address may be checked before the token'],
  },
  {
    codes: [[89506, 'the admin of the account refused this address twice: blocked for 24 hours']],
    failureClass: 'operator',
    retryAfterMs: 24 * HOUR_MS,
    advice:
      'Add {ip} to the IP allow list of the account, and tell its admin to confirm the next message. It is tried again after 24 hours.',
    reason: 'WeChat blocks the address for 24 hours',
    token: ['unknown', 'the address may be checked before the token'],
  },
  {
    codes: [
      [50002, 'the account is limited: frozen, cancelled or migrated'],
      [50004, 'the account may not fetch tokens, perhaps as a penalty'],
      [50007, 'the account is frozen'],
    ],
    failureClass: 'operator',
    advice:
      'Read the notices of the account in the WeChat console; unfreeze it or appeal against the penalty there.',
    reason: 'only WeChat or the owner of the account lifts it',
    token: ['unknown', 'WeChat may have ended the tokens of such an account'],
  },
  {
    codes: [[48004, 'the API is closed to the account for irregularities']],
    failureClass: 'operator',
    advice:
      'Read the notices of the account in the WeChat console; appeal against the penalty there. A new token does not help.',
    reason: 'the token is good; WeChat has taken one API away',
    token: ['alive', 'an API is closed to the account of a token that was accepted'],
  },
  {
    codes: [
      [48001, 'the account has no permission for this API'],
      [61007, 'the account has no permission for this API'],
    ],
    failureClass: 'operator',
    advice:
      'Check in the WeChat console that this kind of account has the permission for this API. A new token does not help.',
    reason: 'the token is good; what it may do is not enough',
    token: ['alive', 'permissions are looked up for the account of a token that was accepted'],
  },
  {
    codes: [[48017, 'the call went to an IP address of WeChat that is retired']],
    failureClass: 'operator',
    advice:
      'Remove fixed addresses of WeChat from hosts files and DNS, and name hosts, not addresses, in WECHAT_API_BASE_URL.',
    reason: 'the pinned address stays wrong until it is removed',
    token: ['unknown', 'a retired address need not look at the token'],
  },
  {
    codes: [[61024, 'the AppID is of a third-party platform, which has tokens of its own kind']],
    failureClass: 'operator',
    advice: 'Set the AppID and AppSecret of the official account or mini program itself.',
    reason: 'this service fetches no component tokens',
    token: ['unknown', 'a fetch shows no token'],
  },
  {
    codes: [
      [40002, 'the grant_type is invalid'],
      [41001, 'the access_token is missing'],
      [41002, 'the AppID is missing'],
      [41004, 'the AppSecret is missing'],
      [43001, 'the call must be a GET'],
      [43002, 'the call must be a POST'],
      [43003, 'the call must use HTTPS'],
      [44002, 'the body is empty'],
      [47001, 'the body is no valid JSON'],
    ],
    failureClass: 'operator',
    advice:
      'The request is at fault, not the account. Check that no proxy between this service and WeChat alters requests; if none does, report it with its errcode and rid.',
    reason: 'the same request fails the same way',
    token: ['unknown', 'a request may be refused for its form before the token is checked'],
  },
];

/** One row for each errcode (two for 40001). Sources: WeChat's pages on access tokens and its list of return codes. */
export const errcodeTable: readonly ErrcodeRow[] = groups.flatMap(({ codes, ...group }) =>
  codes.map(([errcode, meaning]) => ({ errcode, meaning, ...group })),
);

/** @param errmsg WeChat's text, which names the calling address where that is the trouble */
export function classify(errcode: number, call: CallKind, errmsg = ''): Classification {
  const row = errcodeTable.find(
    (candidate) =>
      candidate.errcode === errcode && (candidate.call === undefined || candidate.call === call),
  );
  if (row === undefined) {
    return {
      failureClass: 'operator',
      advice: `WeChat answered with errcode ${errcode}, which this service does not know. Look it up in WeChat's list of return codes (全局返回码).`,
      retryAfterMs: undefined,
      tokenIs: 'unknown',
    };
  }
  return {
    failureClass: row.failureClass,
    advice: row.advice.replace('{ip}', addressIn(errmsg) ?? 'the outgoing address of this service'),
    retryAfterMs: row.retryAfterMs,
    tokenIs: row.token[0],
  };
}

/** `invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist rid: …` → `203.0.113.7`. */
function addressIn(errmsg: string): string | undefined {
  return errmsg
    .split(/[^0-9a-fA-F.:]+/)
    .map((text) => text.replace(/\.$/, '').replace(/^::ffff:(?=\d+\.)/i, ''))
    .find((text) => isIP(text) !== 0);
}

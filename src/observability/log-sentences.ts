/*
 * LOG_FORMAT=pretty: each line is a sentence for a person. The sentence of each event is here; an event
 * without a sentence is told in its own words ("ticket demand not exchanged"), with its fields behind it.
 */

import { escapeUnseen } from '../errors/unseen-text.js';

type Line = Readonly<Record<string, unknown>>;

/** `{field}` is a field of the line; one that the line lacks is left to the generic words. */
const SENTENCES: Readonly<Record<string, string>> = {
  account_changed_by_environment: 'The environment updated account {app_id}',
  account_created: 'Created account {app_id} from the environment',
  account_stays_removed:
    'Account {app_id} of the environment was removed by an admin and stays removed',
  admin_action: '{route}: {outcome} with status {status}',
  admin_refresh: 'An admin requested a refresh of {app_id}',
  audit_not_closed: 'The outcome of an admin action ({outcome}) was not stored',
  clock_skew: 'The clocks of this machine and of the database differ by {skew_ms} ms',
  credential_dead: 'WeChat no longer accepts version {version} of the {kind} of {app_id}',
  credential_not_stored: 'The {kind} of {app_id} was not stored',
  database_away: 'The database does not answer',
  database_back: 'The database answers again',
  database_unavailable: 'The database is not usable yet',
  death_not_stored: 'That the {kind} of {app_id} is dead was not stored',
  failed_keys_limited: 'Too many failed authentications from {source_address}',
  fenced_off: 'Another refresh of the {kind} of {app_id} came first',
  foreign_rotation: 'Another program fetched the {kind} of {app_id}',
  history_not_closed: 'The outcome of a refresh of {app_id} ({outcome}) was not stored',
  ip_list_fetched: 'Fetched the {kind} IP list of {app_id}',
  ip_list_not_refreshed: 'The {kind} IP list of {app_id} was not refreshed',
  ip_list_not_stored: 'The {kind} IP list of {app_id} was not stored',
  refresh: 'Refresh of the {kind} of {app_id}: {outcome}',
  report: '{client} reported the token of {app_id}: {outcome}',
  request_failed: 'A request failed with status {status}: {detail}',
  request_refused: 'A request was refused with status {status}: {code}',
  row_behind_memory: 'The database has an older {kind} of {app_id} than this process',
  sealed_value: 'A stored value of {app_id} cannot be decrypted',
  state_change: 'The {kind} of {app_id} is now {to}',
  table_not_read: 'Table {table} could not be read',
  wechat_host_unreachable: 'WeChat host {host} is unreachable',
};

/** Said by the line's head, by the sentence, or below it. */
const SAID = ['level', 'time', 'context', 'event', 'msg', 'err', 'stack'];

/** One line for a person: what happened, then the other fields; an error's stack and causes below it. */
export function sentenceOf(line: Line): string {
  const said = new Set(SAID);
  const text = textOf(line, said);
  const rest = Object.entries(line)
    .filter(([name]) => !said.has(name))
    .map(([name, value]) => `${name}=${wordOf(value)}`);
  const below = [...errorLines(line.err), ...linesOf(line.stack)];
  return [[text, ...rest].join(' '), ...below.map((one) => `    ${one}`)]
    .map(escapeUnseen)
    .join('\n');
}

function textOf(line: Line, said: Set<string>): string {
  const { msg, event } = line;
  if (typeof msg === 'string') {
    Object.entries(line)
      .filter(([, value]) => msg.includes(wordOf(value)))
      .forEach(([name]) => said.add(name));
    return msg;
  }
  const name = typeof event === 'string' ? event : 'error';
  const sentence = Object.hasOwn(SENTENCES, name) ? SENTENCES[name] : undefined;
  if (sentence === undefined || placeholders(sentence).some((field) => line[field] === undefined)) {
    const words = name.replaceAll('_', ' ');
    return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
  }
  placeholders(sentence).forEach((field) => said.add(field));
  return sentence.replace(/\{(\w+)\}/g, (_, field: string) => wordOf(line[field]));
}

function placeholders(sentence: string): string[] {
  return [...sentence.matchAll(/\{(\w+)\}/g)].map(([, field = '']) => field);
}

function wordOf(value: unknown): string {
  return typeof value === 'string' && !/\s/.test(value) ? value : JSON.stringify(value);
}

/** As `describeError` wrote it. Where its message is withheld, so is the first line of its stack. */
function errorLines(err: unknown): string[] {
  if (typeof err !== 'object' || err === null) {
    return [];
  }
  const { name, code, stack, cause } = err as Line;
  const lines = linesOf(stack);
  const [first = ''] = lines;
  const head =
    first.startsWith('at ') || first === '' ? [name, code].filter(Boolean).join(' ') : '';
  const [causedBy, ...deeper] = errorLines(cause);
  return [
    ...(head === '' ? [] : [head]),
    ...lines,
    ...(causedBy === undefined ? [] : [`caused by ${causedBy}`, ...deeper]),
  ];
}

function linesOf(text: unknown): string[] {
  return typeof text === 'string' && text !== ''
    ? text.split('\n').map((line) => line.replace(/^\s+/, ''))
    : [];
}

import { wantsColours } from './environment.js';
import { curlLine, type Answer } from './http-call.js';
import type { Call } from './calls.js';

const WIDTH = 80;
/** Of a longer answer only the beginning is shown. */
const LINES_SHOWN = 36;

const hasColours = wantsColours(process.stdout);

function styled(code: number, text: string): string {
  return hasColours ? `\u001b[${code}m${text}\u001b[0m` : text;
}

const bold = (text: string): string => styled(1, text);
const dim = (text: string): string => styled(2, text);
const green = (text: string): string => styled(32, text);
const cyan = (text: string): string => styled(36, text);

/** The words of the demonstration on standard output. Lines of curl begin at the first column, to be copied. */
export function say(...lines: string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

export function sayTitle(text: string): void {
  say('', bold(text), '='.repeat(text.length), '');
}

export function saySection(title: string): void {
  say('', bold(`── ${title} ${'─'.repeat(Math.max(2, WIDTH - 4 - title.length))}`), '');
}

export function sayCall(call: Call, request: Parameters<typeof curlLine>[0], number = ''): void {
  say(bold(`${number}${call.title}`), dim(call.note), '', cyan(curlLine(request)), '');
}

export function sayAnswer(answer: Answer, showHeaders: boolean): void {
  const headers = showHeaders ? [...answer.headers] : [];
  const body = pretty(answer.text).split('\n').filter(Boolean);
  const left = body.length - LINES_SHOWN;
  const lines = [
    `HTTP ${answer.status} after ${Math.round(answer.durationMs)} ms`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...body.slice(0, LINES_SHOWN),
    ...(left > 0 ? [dim(`… and ${left} lines more`)] : []),
  ];
  say(...lines.map(indented));
}

export function saySuccess(text: string): void {
  say('', `  ${green('ok')}  ${text}`, '');
}

/** What went wrong, on standard error. */
export function complain(...lines: string[]): void {
  process.stderr.write(`${lines.join('\n')}\n`);
}

function indented(line: string): string {
  return `  ${line}`;
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // Not every answer is JSON.
    return text;
  }
}

import type { LoggerService } from '@nestjs/common';
import { pino, stdTimeFunctions, type Level, type Logger as Pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import type { AppConfig } from '../config/app-config.js';
import { loggable } from './log-fields.js';
import { sentenceOf } from './log-sentences.js';

/** Nest tells each module and route at start; that is for who looks for it. */
const CHATTY = new Set([
  'InstanceLoader',
  'NestFactory',
  'NestApplication',
  'RouterExplorer',
  'RoutesResolver',
]);

/**
 * What stands behind Nest's `Logger`: one line for each call, with `level`, `time` (ISO 8601), `context`
 * (the class), and either `msg` or the fields of the object that was logged.
 *
 *     this.logger.log({ event: 'refresh', app_id, duration_ms })
 *     this.logger.warn('text', { more: 'fields' })
 *     this.logger.error(error)
 */
export class AppLogger implements LoggerService {
  private readonly pino: Pino;

  constructor({ level, format }: AppConfig['log'], destination: NodeJS.WritableStream) {
    const options = {
      level,
      // The process and the host are known to whoever collects the lines.
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      // Errors come here described already; pino's own way would print every field of theirs.
      serializers: { err: (described: unknown) => described },
      formatters: { level: (label: string) => ({ level: label }) },
    };
    this.pino = pino(options, format === 'pretty' ? prettyInto(destination) : destination);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('trace', message, rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }

  log(message: unknown, ...rest: unknown[]): void {
    this.write('info', message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }

  /** Nest hands over the context last, and on errors a stack (text or nothing) before it. */
  private write(asked: Level, message: unknown, rest: readonly unknown[]): void {
    const last = rest.at(-1);
    const context = typeof last === 'string' ? last : undefined;
    const level =
      asked === 'info' && context !== undefined && CHATTY.has(context) ? 'debug' : asked;
    if (!this.pino.isLevelEnabled(level)) {
      return;
    }
    const extras = (context === undefined ? rest : rest.slice(0, -1)).filter(
      (extra) => extra !== undefined,
    );
    const parts = [message, ...extras].map(fieldsOf);
    this.pino[level](Object.fromEntries([{ context }, ...parts].flatMap(Object.entries)));
  }
}

/** Written at once, unlike pino-pretty's own stream: the last line before an exit must be seen. */
function prettyInto(destination: NodeJS.WritableStream): { write: (line: string) => void } {
  const prettify = prettyFactory({
    colorize: process.stdout.isTTY,
    hideObject: true,
    messageFormat: sentenceOf,
  });
  return {
    write: (line) => {
      destination.write(prettify(line));
    },
  };
}

type Fields = Record<string, unknown>;

function fieldsOf(part: unknown, index: number): Fields {
  const shown = loggable(part);
  if (part instanceof Error) {
    return { err: shown };
  }
  if (typeof shown === 'object' && shown !== null && !Array.isArray(shown)) {
    return { ...shown };
  }
  const key = index === 0 ? 'msg' : typeof part === 'string' ? 'stack' : 'details';
  return { [key]: shown };
}

import type { LoggerService } from '@nestjs/common';

/**
 * What a library prints by itself goes through the logger as well, so that the output is nothing but
 * log lines. (The scheduler warns that way of a tick that came late.)
 */
export function captureConsole(logger: LoggerService): void {
  const through =
    (level: 'log' | 'warn' | 'error') =>
    (...words: unknown[]): void => {
      logger[level](words.map(String).join(' '), 'console');
    };
  Object.assign(console, {
    log: through('log'),
    info: through('log'),
    debug: through('log'),
    warn: through('warn'),
    error: through('error'),
  });
}

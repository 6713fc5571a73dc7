import { describe, expect, it } from '@jest/globals';
import { PassThrough } from 'node:stream';
import { AppLogger } from './logger.js';

function logger(options: Partial<ConstructorParameters<typeof AppLogger>[0]> = {}): {
  log: AppLogger;
  text: () => string;
  lines: () => unknown[];
} {
  const output = new PassThrough();
  const log = new AppLogger({ level: 'info', format: 'json', ...options }, output);
  const text = (): string => String(output.read() ?? '');
  const lines = (): unknown[] =>
    text()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as unknown);
  return { log, text, lines };
}

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

describe('the log', () => {
  it('writes one JSON line for a text, with level, time and context', () => {
    const { log, lines } = logger();
    log.log('ready', 'TokenService');
    expect(lines()).toEqual([{ level: 'info', time: TIME, context: 'TokenService', msg: 'ready' }]);
  });

  it('keeps the fields of an object', () => {
    const { log, lines } = logger();
    log.warn({ event: 'refresh', app_id: 'wx1', tries: 2, took: { ms: 12 }, ok: false }, 'Engine');
    expect(lines()).toEqual([
      {
        level: 'warn',
        time: TIME,
        context: 'Engine',
        event: 'refresh',
        app_id: 'wx1',
        tries: 2,
        took: { ms: 12 },
        ok: false,
      },
    ]);
  });

  it('joins a text and fields that follow it', () => {
    const { log, lines } = logger();
    log.log('listening', { url: 'http://127.0.0.1:1' }, 'main');
    expect(lines()).toEqual([
      { level: 'info', time: TIME, context: 'main', msg: 'listening', url: 'http://127.0.0.1:1' },
    ]);
  });

  it.each([
    ['verbose', 'trace'],
    ['debug', 'debug'],
    ['log', 'info'],
    ['warn', 'warn'],
    ['error', 'error'],
    ['fatal', 'fatal'],
  ] as const)('%s is level %s', (method, level) => {
    const { log, lines } = logger({ level: 'trace' });
    log[method]('x', 'C');
    expect(lines()).toEqual([{ level, time: TIME, context: 'C', msg: 'x' }]);
  });

  it('leaves out what is below its level', () => {
    const { log, lines } = logger({ level: 'warn' });
    log.log('x', 'C');
    log.debug('x', 'C');
    expect(lines()).toEqual([]);
  });

  it('shows what Nest tells of modules and routes at debug only', () => {
    const quiet = logger();
    quiet.log.log('Mapped {/x, GET} route', 'RouterExplorer');
    expect(quiet.lines()).toEqual([]);
    const loud = logger({ level: 'debug' });
    loud.log.log('Mapped {/x, GET} route', 'RouterExplorer');
    expect(loud.lines()).toMatchObject([{ level: 'debug' }]);
  });

  it('writes an error as name, message and stack, without fields of its own', () => {
    const { log, lines } = logger();
    const error = Object.assign(new TypeError('broken'), { headers: { any: 'private' } });
    log.error(error, undefined, 'C');
    expect(lines()).toEqual([
      {
        level: 'error',
        time: TIME,
        context: 'C',
        msg: 'broken',
        err: {
          name: 'TypeError',
          message: 'broken',
          stack: expect.stringMatching(/^TypeError: broken\n\s+at /),
        },
      },
    ]);
  });

  it('takes a stack in the place where Nest hands one over', () => {
    const { log, lines } = logger();
    log.error('failed', 'Error: x\n    at y', 'C');
    expect(lines()).toMatchObject([{ msg: 'failed', stack: 'Error: x\n    at y', context: 'C' }]);
  });

  it('prints nothing that stands under the name of a secret, however deep or spelt', () => {
    const { log, text } = logger();
    log.log(
      {
        access_token: 'value-1',
        appSecret: 'value-2',
        nested: { headers: { Authorization: 'Bearer value-3', 'X-API-Key': 'value-4' } },
        list: [{ ticket: 'value-5' }, { encryption_key: Buffer.from('value-6') }],
        url: 'https://user:value-7@host/x?secret=value-8&appid=wx1',
        error: new Error('GET /token?access_token=value-9 failed'),
        key_id: 'k1',
        token_version: 17,
      },
      'C',
    );
    const line = text();
    expect(line).not.toMatch(/value-\d/);
    expect(JSON.parse(line)).toMatchObject({
      access_token: '[redacted]',
      url: 'https://[redacted]@host/x?secret=[redacted]&appid=wx1',
      key_id: 'k1',
      token_version: 17,
    });
  });

  it('prints text under the names of a list alone, so that a field nobody thought of carries nothing out', () => {
    const { log, lines } = logger();
    log.log({
      event: 'x',
      credentials: 'value-1',
      list: ['value-2'],
      deep: { note: 'value-3' },
      n: 4,
    });
    expect(lines()).toMatchObject([
      {
        event: 'x',
        credentials: '[redacted]',
        list: ['[redacted]'],
        deep: { note: '[redacted]' },
        n: 4,
      },
    ]);
  });

  it('shows of an instance only what it is: nobody looked through its fields', () => {
    class Request {
      readonly body = 'private';
    }
    const { log, lines } = logger();
    log.log(new Request(), 'C');
    expect(lines()).toMatchObject([{ msg: '[Request]' }]);
    log.log({ request: new Request(), bytes: Buffer.from('private'), at: new Date(0) }, 'C');
    expect(lines()).toMatchObject([
      { request: '[Request]', bytes: '[Buffer]', at: '1970-01-01T00:00:00.000Z' },
    ]);
  });

  it('survives a cycle', () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    const { log, text } = logger();
    log.log({ cycle }, 'C');
    expect(text()).toContain('[deep]');
  });

  describe('for people', () => {
    const printed = (write: (log: AppLogger) => void): string => {
      const { log, text } = logger({ format: 'pretty' });
      write(log);
      return text().replace(/^\[[\d:.]+\] /, '');
    };

    it('is a sentence, with the other fields behind it', () => {
      const line = printed((log) => {
        log.log({
          event: 'refresh',
          app_id: 'wx1',
          kind: 'access_token',
          outcome: 'committed',
          version: 2,
        });
      });
      expect(line).toBe('INFO: Refresh of the access_token of wx1: committed version=2\n');
    });

    it('has the words of the event where there is no sentence for it, or a field of that is missing', () => {
      expect(
        printed((log) => {
          log.warn({ event: 'cache_not_warm', reason: 'too early', advice: 'wait' });
        }),
      ).toBe('WARN: Cache not warm reason="too early" advice=wait\n');
      expect(
        printed((log) => {
          log.warn({ event: 'state_change', app_id: 'wx1' });
        }),
      ).toBe('WARN: State change app_id=wx1\n');
    });

    it('does not repeat what a text says, and shows no secret', () => {
      const line = printed((log) => {
        log.log('listening on http://a:1', {
          event: 'listening',
          url: 'http://a:1',
          port: 3000,
          app_secret: 'value-1',
        });
      });
      expect(line).toBe('INFO: listening on http://a:1 port=3000 app_secret=[redacted]\n');
    });

    it('has the stack of an error and of its cause below', () => {
      const line = printed((log) => {
        const cause = Object.assign(new Error('withheld'), { query: 'SELECT', code: 'E1' });
        log.error(new TypeError('broken', { cause }));
      });
      expect(line).toMatch(
        /^ERROR: broken\n {4}TypeError: broken\n {4}at [^]*\n {4}caused by Error E1\n {4}at /,
      );
      expect(line).not.toContain('withheld');
      expect(line).not.toContain('SELECT');
    });

    it('cannot be used to write to a terminal', () => {
      const line = printed((log) => {
        log.warn({ event: 'x', reason: 'a\u001b[2Jb\u202ec\nFATAL: d' });
      });
      expect(line).toBe('WARN: X reason="a\\u001b[2Jb\\u202ec\\nFATAL: d"\n');
    });
  });
});

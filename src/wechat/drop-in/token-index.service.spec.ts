import { describe, expect, it } from '@jest/globals';
import { AppError } from '../../errors/app-error.js';
import { valueHash } from '../credentials/value-hash.js';
import { TokenIndexService } from './token-index.service.js';

interface Values {
  readonly value?: string | undefined;
  readonly previousHash?: string | undefined;
}

/** The credentials, as far as the index looks at them. */
class Tokens {
  private readonly known = new Map<string, Values>();
  private tell: (appId: string, kind: string) => void = () => undefined;
  isLoaded = true;

  onChange(listener: (appId: string, kind: string) => void): void {
    this.tell = listener;
  }

  values(appId: string): Values {
    return this.known.get(appId) ?? {};
  }

  notLoaded(): AppError {
    return new AppError('database_unavailable', 'not yet');
  }

  change(appId: string, values: Values, kind = 'access_token'): void {
    this.known.set(appId, values);
    this.tell(appId, kind);
  }
}

describe('the index of tokens', () => {
  it('knows the token and the one before it, of each account', () => {
    const tokens = new Tokens();
    const index = new TokenIndexService(tokens);
    for (const appId of ['a', 'b', 'c']) {
      tokens.change(appId, { value: `${appId} now`, previousHash: valueHash(`${appId} before`) });
    }
    for (const appId of ['a', 'b', 'c']) {
      expect(index.find(`${appId} now`)).toBe(appId);
      expect(index.find(`${appId} before`)).toBe(appId);
    }
    expect(index.find('d now')).toBeUndefined();
  });

  it('follows a rotation, and forgets what was replaced two rotations ago', () => {
    const tokens = new Tokens();
    const index = new TokenIndexService(tokens);
    tokens.change('a', { value: 'first' });
    tokens.change('a', { value: 'second', previousHash: valueHash('first') });
    expect([index.find('first'), index.find('second')]).toEqual(['a', 'a']);
    tokens.change('a', { value: 'third', previousHash: valueHash('second') });
    expect(index.find('first')).toBeUndefined();
    expect([index.find('second'), index.find('third')]).toEqual(['a', 'a']);
  });

  it('forgets an account that was removed', () => {
    const tokens = new Tokens();
    const index = new TokenIndexService(tokens);
    tokens.change('a', { value: 'first', previousHash: valueHash('before') });
    tokens.change('a', {});
    expect([index.find('first'), index.find('before')]).toEqual([undefined, undefined]);
  });

  it('takes no ticket for a token', () => {
    const tokens = new Tokens();
    const index = new TokenIndexService(tokens);
    tokens.change('a', { value: 'ticket' }, 'jsapi_ticket');
    expect(index.find('ticket')).toBeUndefined();
  });

  it('knows nothing before the tokens are loaded, and says so', () => {
    const tokens = new Tokens();
    tokens.isLoaded = false;
    expect(() => new TokenIndexService(tokens).find('any')).toThrow(AppError);
  });
});

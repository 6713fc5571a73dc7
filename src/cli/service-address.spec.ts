import { describe, expect, it } from '@jest/globals';
import { UsageError } from './exit.js';
import { serviceAddress } from './service-address.js';

describe('the address of the service', () => {
  it.each([
    ['http://127.0.0.1:3000', 'http://127.0.0.1:3000'],
    ['http://127.8.9.10/', 'http://127.8.9.10'],
    ['http://2130706433:3000', 'http://127.0.0.1:3000'],
    ['http://LOCALHOST:3000/tokens/', 'http://localhost:3000/tokens'],
    ['http://[::1]:3000', 'http://[::1]:3000'],
    ['https://tokens.example.com', 'https://tokens.example.com'],
    ['https://10.0.0.5:3000', 'https://10.0.0.5:3000'],
  ])('%s is taken', (text, address) => {
    expect(serviceAddress(text, false)).toBe(address);
  });

  it.each([
    'http://tokens.example.com',
    'http://10.0.0.5:3000',
    'http://0.0.0.0:3000',
    'http://[::2]:3000',
    'http://localhost.example.com',
    'http://127.0.0.1.example.com',
  ])('%s is taken only when plain http is allowed', (text) => {
    expect(() => serviceAddress(text, false)).toThrow(UsageError);
    expect(() => serviceAddress(text, false)).toThrow(/^Nothing was sent: .*--allow-http/);
    expect(serviceAddress(text, true)).toBe(text);
  });

  it.each(['tokens', 'ftp://127.0.0.1', 'http://u:p@127.0.0.1', 'https://a.example/?x=1'])(
    '%s is none',
    (text) => {
      expect(() => serviceAddress(text, true)).toThrow(UsageError);
    },
  );
});

import { describe, expect, it } from '@jest/globals';
import { fields, table } from './table.js';

describe('a table', () => {
  it('has aligned columns, of Chinese names as well, and nothing at the ends of its lines', () => {
    const items = [
      { id: 'shop', name: '商城', inner: { state: 'live' } },
      { id: 'a-longer-id', name: null, inner: null },
    ];
    const columns = [
      ['ID', 'id'],
      ['NAME', 'name'],
      ['STATE', 'inner.state'],
    ] as const;
    expect(table(columns, items).split('\n')).toEqual([
      'ID           NAME  STATE',
      'shop         商城  live',
      'a-longer-id  -     -',
    ]);
  });

  it('names what has an id by it', () => {
    expect(table([['KEYS', 'keys']], [{ keys: [{ id: 'k1' }, { id: 'k2' }] }])).toBe('KEYS\nk1,k2');
  });

  it('lets nothing through that steers a terminal', () => {
    expect(table([['NAME', 'name']], [{ name: 'a\u001b[31mb\nc\u009b' }])).toBe('NAME\na?[31mb?c?');
  });
});

it('the fields of an item stand one a line, nested ones by their path', () => {
  const item = { id: 'shop', scopes: ['token:read', 'ip:read'], keys: [{ id: 'k1', used: null }] };
  expect(fields(item).split('\n')).toEqual([
    'id:           shop',
    'scopes:       token:read,ip:read',
    'keys.1.id:    k1',
    'keys.1.used:  -',
  ]);
});

import { expect, it } from '@jest/globals';
import { SnakeNamingStrategy } from './snake-naming-strategy.js';

it.each([
  ['id', '', [], 'id'],
  ['appId', '', [], 'app_id'],
  ['clientRowId', '', [], 'client_row_id'],
  ['lifetimeMs', '', [], 'lifetime_ms'],
  ['sha256Hash', '', [], 'sha256_hash'],
  ['appId', 'anotherName', [], 'anotherName'],
  ['endedAt', '', ['lastFetch'], 'last_fetch_ended_at'],
])('%s, named %j, in %j, is the column %s', (property, custom, prefixes, column) => {
  expect(new SnakeNamingStrategy().columnName(property, custom, prefixes)).toBe(column);
});

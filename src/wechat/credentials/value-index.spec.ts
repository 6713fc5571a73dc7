import { describe, expect, it } from '@jest/globals';
import { FIRST_READING } from '../../database/reading.js';
import { ACCESS_TOKEN_POLICIES } from '../access-token/access-token.policy.js';
import { Credential } from './credential.js';
import { CredentialEntity } from './credential.entity.js';
import { outgoingHash } from './credential-view.js';
import { valueHash } from './value-hash.js';
import { ValueIndex } from './value-index.js';

function row(changes: Partial<CredentialEntity>): CredentialEntity {
  const empty = { value: null, version: 1, revision: 1, deadAt: null, suspectAt: null };
  const none = {
    owner: null,
    lastError: null,
    previousHash: null,
    previousUntil: null,
    unknownOutcomes: 0,
  };
  const times = { obtainedAt: 1_000, expiresAt: 7_201_000, lifetimeMs: 7_200_000 };
  const entity = { id: 'row', ...empty, ...none, ...times, ...changes };
  return Object.assign(new CredentialEntity(), entity);
}

function slotOf(appId: string, changes: Partial<CredentialEntity>): Credential {
  return new Credential(
    {
      appId,
      name: null,
      mode: 'legacy',
      enabled: true,
      configVersion: 1,
      jssdkHosts: [],
      fenceBase: 0,
    },
    {
      name: 'access_token',
      fetchedAhead: true,
      policyFor: () => ACCESS_TOKEN_POLICIES.legacy,
      fetch: () => Promise.reject(new Error('nothing is fetched here')),
      probe: () => Promise.resolve('unknown'),
    },
    row(changes),
    ({ value }) => value ?? '',
    () => 100_000,
  );
}

const find = (index: ValueIndex, value: string): Credential | undefined =>
  index.find(valueHash(value));

describe('the index of values', () => {
  it('knows the value and the one before it, of each account', () => {
    const index = new ValueIndex();
    const credentials = ['a', 'b', 'c'].map((id) =>
      slotOf(id, { value: id, previousHash: valueHash(`${id} before`), previousUntil: 300_000 }),
    );
    credentials.forEach((credential) => {
      index.add(credential);
    });
    for (const credential of credentials) {
      expect(find(index, credential.account.appId)).toBe(credential);
      expect(find(index, `${credential.account.appId} before`)).toBe(credential);
    }
    expect(find(index, 'd')).toBeUndefined();
  });

  it('follows a rotation, and forgets what lies two rotations back', () => {
    const index = new ValueIndex();
    const credential = slotOf('a', { value: 'first' });
    index.add(credential);
    const rotate = (value: string, previous: string, version: number): void => {
      const previousHash = valueHash(previous);
      credential.adopt(
        row({ value, version, revision: version, previousHash, previousUntil: 300_000 }),
        FIRST_READING,
      );
    };
    rotate('second', 'first', 2);
    expect([find(index, 'first'), find(index, 'second')]).toEqual([credential, credential]);
    rotate('third', 'second', 3);
    expect(find(index, 'first')).toBeUndefined();
    expect([find(index, 'second'), find(index, 'third')]).toEqual([credential, credential]);
  });

  it('knows a value that the database has not taken, and the stored one through its overlap', () => {
    const index = new ValueIndex();
    const credential = slotOf('a', { value: 'stored' });
    index.add(credential);
    const life = { obtainedAtMs: 60_000, expiresAtMs: 7_260_000, lifetimeMs: 7_200_000 };
    credential.addPending({ ...life, version: 2, value: 'held', claim: undefined });
    expect([find(index, 'stored'), find(index, 'held')]).toEqual([credential, credential]);
    expect(credential.view.previous?.untilMs).toBe(60_000 + 270_000);
  });

  it('takes no value for the one before that WeChat refused', () => {
    const credential = slotOf('a', { value: 'dead', deadAt: 2_000 });
    expect(outgoingHash(credential.facts, 'next')).toBeNull();
    const refused = slotOf('b', { value: 'dead' });
    refused.markDead(refused.live!);
    expect(outgoingHash(refused.facts, 'next')).toBeNull();
    const live = slotOf('c', { value: 'live' });
    expect(outgoingHash(live.facts, 'next')).toBe(valueHash('live'));
    expect(outgoingHash(live.facts, 'live')).toBeNull();
  });

  it('forgets a credential that is removed, whatever it learns later', () => {
    const index = new ValueIndex();
    const credential = slotOf('a', { value: 'first' });
    index.add(credential);
    index.remove(credential);
    credential.adopt(row({ value: 'second', version: 2, revision: 2 }), FIRST_READING);
    expect([find(index, 'first'), find(index, 'second')]).toEqual([undefined, undefined]);
  });
});

import { describe, expect, it } from '@jest/globals';
import { ACCESS_TOKEN_POLICIES } from '../access-token/access-token.policy.js';
import { CredentialSlot } from './credential-slot.js';
import { CredentialEntity } from './credential.entity.js';
import { outgoingHash, previousOf } from './previous-value.js';
import { valueHash } from './value-hash.js';
import { ValueIndex } from './value-index.js';

function row(changes: Partial<CredentialEntity>): CredentialEntity {
  const empty = { value: null, version: 1, revision: 1, deadAt: null, suspectAt: null };
  const none = { owner: null, previousHash: null, previousUntil: null, unknownOutcomes: 0 };
  const times = { obtainedAt: 1_000, expiresAt: 7_201_000, lifetimeMs: 7_200_000 };
  const entity = { id: 'row', ...empty, ...none, ...times, ...changes };
  return Object.assign(new CredentialEntity(), entity);
}

function slotOf(appId: string, changes: Partial<CredentialEntity>): CredentialSlot {
  return new CredentialSlot(
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
  );
}

const find = (index: ValueIndex, value: string): CredentialSlot | undefined =>
  index.find(valueHash(value));

describe('the index of values', () => {
  it('knows the value and the one before it, of each account', () => {
    const index = new ValueIndex();
    const slots = ['a', 'b', 'c'].map((id) =>
      slotOf(id, { value: id, previousHash: valueHash(`${id} before`), previousUntil: 300_000 }),
    );
    slots.forEach((slot) => {
      index.add(slot);
    });
    for (const slot of slots) {
      expect(find(index, slot.account.appId)).toBe(slot);
      expect(find(index, `${slot.account.appId} before`)).toBe(slot);
    }
    expect(find(index, 'd')).toBeUndefined();
  });

  it('follows a rotation, and forgets what lies two rotations back', () => {
    const index = new ValueIndex();
    const slot = slotOf('a', { value: 'first' });
    index.add(slot);
    const rotate = (value: string, previous: string, version: number): void => {
      const previousHash = valueHash(previous);
      slot.adopt(row({ value, version, revision: version, previousHash, previousUntil: 300_000 }));
    };
    rotate('second', 'first', 2);
    expect([find(index, 'first'), find(index, 'second')]).toEqual([slot, slot]);
    rotate('third', 'second', 3);
    expect(find(index, 'first')).toBeUndefined();
    expect([find(index, 'second'), find(index, 'third')]).toEqual([slot, slot]);
  });

  it('knows a value that the database has not taken, and the stored one through its overlap', () => {
    const index = new ValueIndex();
    const slot = slotOf('a', { value: 'stored' });
    index.add(slot);
    const life = { obtainedAtMs: 60_000, expiresAtMs: 7_260_000, lifetimeMs: 7_200_000 };
    slot.hold({ ...life, version: 2, value: 'held', claim: undefined });
    expect([find(index, 'stored'), find(index, 'held')]).toEqual([slot, slot]);
    expect(previousOf(slot)?.untilMs).toBe(60_000 + 270_000);
  });

  it('takes no value for the one before that WeChat refused', () => {
    const slot = slotOf('a', { value: 'dead', deadAt: 2_000 });
    expect(outgoingHash(slot, 'next')).toBeNull();
    const refused = slotOf('b', { value: 'dead' });
    refused.refuse(refused.live!);
    expect(outgoingHash(refused, 'next')).toBeNull();
    const live = slotOf('c', { value: 'live' });
    expect(outgoingHash(live, 'next')).toBe(valueHash('live'));
    expect(outgoingHash(live, 'live')).toBeNull();
  });

  it('forgets a slot that is removed, whatever it learns later', () => {
    const index = new ValueIndex();
    const slot = slotOf('a', { value: 'first' });
    index.add(slot);
    index.remove(slot);
    slot.adopt(row({ value: 'second', version: 2, revision: 2 }));
    expect([find(index, 'first'), find(index, 'second')]).toEqual([undefined, undefined]);
  });
});

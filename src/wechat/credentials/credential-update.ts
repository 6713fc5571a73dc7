import type { UpdateQueryBuilder } from 'typeorm';
import { changedNow } from '../../database/columns.js';
import type { DatabaseService } from '../../database/database.service.js';
import { CredentialEntity } from './credential.entity.js';

export type ColumnExpressions = Parameters<UpdateQueryBuilder<CredentialEntity>['set']>[0];

/** The columns of a row that nobody holds. */
export const RELEASED = { owner: null, leaseUntil: 0 };

/** The columns of a row about which nothing is in doubt. */
export const SETTLED = {
  ...RELEASED,
  suspectAt: null,
  unknownOutcomes: 0,
  deadAt: null,
  forceNext: 0,
  failures: 0,
  lastError: null,
};

/**
 * One UPDATE of one credential, which raises its revision and sets its `updated_at`.
 * @param where what must hold beside the id
 * @returns whether it held, and the row was changed
 * @throws DatabaseError; whether the row was changed is not known then
 */
export async function updateCredential(
  database: DatabaseService,
  id: string,
  columns: ColumnExpressions,
  [where, parameters]: readonly [where: string, parameters: Record<string, unknown>],
): Promise<boolean> {
  const result = await database.run((source) =>
    source
      .createQueryBuilder()
      .update(CredentialEntity)
      .set({ ...columns, ...changedNow(database) })
      .where(`id = :id AND ${where}`, { id, ...parameters })
      .execute(),
  );
  return result.affected === 1;
}

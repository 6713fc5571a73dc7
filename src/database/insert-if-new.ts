import type { EntityTarget, ObjectLiteral, QueryDeepPartialEntity } from 'typeorm';
import { isUniqueViolation } from './database-error.js';
import type { DatabaseService } from './database.service.js';

/**
 * Inserts all rows or none, by one statement.
 * @param parameters of the expressions in the rows
 * @returns false where a unique index refuses one of them: it is there already
 */
export async function insertIfNew<Entity extends ObjectLiteral>(
  database: DatabaseService,
  entity: EntityTarget<Entity>,
  rows: QueryDeepPartialEntity<Entity> | QueryDeepPartialEntity<Entity>[],
  parameters: ObjectLiteral = {},
): Promise<boolean> {
  try {
    await database.run((source) =>
      source
        .createQueryBuilder()
        .insert()
        .into(entity)
        .values(rows)
        .setParameters(parameters)
        .updateEntity(false)
        .execute(),
    );
    return true;
  } catch (error) {
    if (isUniqueViolation(error)) {
      return false;
    }
    throw error;
  }
}
